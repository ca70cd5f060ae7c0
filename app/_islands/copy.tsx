"use client";

import { useState } from "react";

/** Puts a text on the clipboard. Where there is none (no scripts, no https) the text stands beside it to be marked. */
export function Copy({
  text,
  label,
  showLabel = false,
}: {
  readonly text: string;
  readonly label: string;
  readonly showLabel?: boolean;
}) {
  const [said, say] = useState("");
  const copy = async (): Promise<void> => {
    say(
      await navigator.clipboard.writeText(text).then(
        () => "Copied",
        () => "Not copied: mark the text and copy it",
      ),
    );
    setTimeout(() => say(""), 2000);
  };
  return (
    <>
      <button
        type="button"
        onClick={() => void copy()}
        aria-label={label}
        title={label}
        className="inline-flex min-h-6 min-w-6 cursor-pointer items-center justify-center gap-1 rounded border border-line bg-raised px-1.5 text-small text-quiet hover:border-accent hover:text-accent"
      >
        <svg viewBox="0 0 16 16" width="13" height="13" aria-hidden fill="none" stroke="currentColor" strokeWidth="1.5">
          {said === "Copied" ? <path d="M3 8.5 6.5 12 13 4.5" /> : <path d="M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8z" />}
        </svg>
        {showLabel && "Copy"}
      </button>
      <span role="status" className="sr-only">
        {said}
      </span>
    </>
  );
}
