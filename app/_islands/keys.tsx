"use client";

import { useEffect, useRef } from "react";

/** `/` searches, `j` and `k` move through what is marked data-row, `?` shows all keys. Not while somebody writes. */
export function Keys() {
  const help = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        target.isContentEditable ||
        /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
      )
        return;
      if (event.key === "/") document.getElementById("search")?.focus();
      else if (event.key === "?") help.current?.showModal();
      else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <dialog
      ref={help}
      aria-labelledby="keys-title"
      className="m-auto rounded border border-line bg-raised p-6 text-ink backdrop:bg-over-picture/40"
    >
      <h2 id="keys-title" className="text-title">
        Keys
      </h2>
      <dl className="mt-3 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        {[
          ["/", "search"],
          ["j", "next in a list"],
          ["k", "previous in a list"],
          ["← →", "move a divider that is focused"],
          ["1 2 0", "say which of two pictures follows its prompt better"],
          ["?", "these keys"],
          ["Esc", "close"],
        ].map(([key, what]) => (
          <div key={key} className="contents">
            <dt>
              <kbd className="rounded border border-line bg-sunken px-1.5">{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" className="mt-4">
        <button className="cursor-pointer rounded border border-edge px-3 py-1">Close</button>
      </form>
    </dialog>
  );
}

/** To the next or previous row: the first link in it. */
function move(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at === -1 ? (by === 1 ? 0 : rows.length - 1) : at + by];
  const link = next?.matches("a") ? next : next?.querySelector<HTMLElement>("a");
  link?.focus();
}
