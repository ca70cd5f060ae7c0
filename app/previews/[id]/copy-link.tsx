"use client";

import { useState } from "react";
import { Button } from "../../_ui/button.tsx";

/** Puts a link to a page of this hub on the clipboard, and says so. Where there is no clipboard the link is shown. */
export function CopyLink({ path }: { readonly path: string }) {
  const [said, say] = useState<"" | "copied" | "shown">("");
  const copy = async (): Promise<void> => {
    const link = window.location.origin + path;
    say(
      await (navigator.clipboard?.writeText(link) ?? Promise.reject(new Error("no clipboard"))).then(
        () => "copied" as const,
        () => "shown" as const,
      ),
    );
  };
  return (
    <>
      <Button onClick={() => void copy()} className="noscript:hidden">
        {said === "copied" ? "Link copied" : "Copy link"}
      </Button>
      <span role="status" className="sr-only">
        {said === "copied" && "The link is on the clipboard; it restores everything"}
      </span>
      {said === "shown" && (
        <input
          readOnly
          aria-label="The link, to copy by hand"
          value={window.location.origin + path}
          onFocus={(event) => event.currentTarget.select()}
          className="min-h-9 w-full rounded border border-edge bg-raised px-2 text-small"
        />
      )}
    </>
  );
}
