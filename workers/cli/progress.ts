import type { Progress } from "#workers/inference/messages.ts";

/** Says how far a job is. */
export interface ProgressLine {
  show(progress: Omit<Progress, "type">): void;
  clear(): void;
}

/** One line on standard error that rewrites itself, where that is a terminal; nothing elsewhere. */
export function progressLine(): ProgressLine {
  const { stderr } = process;
  let shown = false;
  return {
    show({ stage, done, total }) {
      if (!stderr.isTTY) return;
      const width = 24;
      const filled = Math.round((width * done) / total);
      stderr.write(`\r\u001b[2K${stage} ${"━".repeat(filled)}${"─".repeat(width - filled)} ${done}/${total}`);
      shown = true;
    },
    clear() {
      if (shown) stderr.write("\r\u001b[2K");
      shown = false;
    },
  };
}
