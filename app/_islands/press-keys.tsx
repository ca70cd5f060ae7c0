"use client";

import { useEffect } from "react";

/** A key presses the button that names it as `data-key`. Not while somebody writes, and once: the page that comes has its own. */
export function PressKeys() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const isWriting = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isWriting) return;
      const buttons = [...document.querySelectorAll<HTMLButtonElement>("button[data-key]")];
      const button = buttons.find(({ dataset }) => dataset["key"] === event.key);
      if (!button) return;
      event.preventDefault();
      document.removeEventListener("keydown", onKey);
      button.click();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return null;
}
