import { env } from "#lib/env.ts";

/**
 * Steps after which the crash tests kill a process, to see that nothing acknowledged is lost. Named after what has just been done.
 * A step that is not in this list cannot be written down.
 */
export const failpoints = [
  "upload.row",
  "upload.multipart",
  "upload.part",
  "upload.completing",
  "upload.assembled",
  "upload.queued",
  "hash.claimed",
  "hash.read",
  "hash.blob",
  "hash.done",
  "commit.object",
  "commit.rows",
  "commit.done",
  "inspect.claimed",
  "inspect.measured",
  "inspect.done",
  "check.measured",
  "check.done",
  "preview.drawn",
  "preview.stored",
  "preview.done",
  "purge.marked",
  "purge.object",
] as const;

export type Failpoint = (typeof failpoints)[number];

let passed = 0;

/** Ends this process with SIGKILL when GUIDEPOST_FAILPOINT names this step, or this step and its n-th passing (“upload.part:2”). */
export function failpoint(name: Failpoint): void {
  const asked = env().failpoint;
  if (asked === null) return;
  const [step, nth = "1"] = asked.split(":") as [string, string?];
  if (step === name && ++passed === Number(nth)) process.kill(process.pid, "SIGKILL");
}
