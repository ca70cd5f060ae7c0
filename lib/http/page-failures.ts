import type { AppError } from "#lib/errors.ts";

/** By it a failure within Next finds the request in our server in front of it. Always ours: what came from outside is overwritten. */
export const PAGE_REQUEST = "x-guidepost-page";

// Next brings a copy of this module of its own into the process; both must mean the same list.
const shared = globalThis as { guidepostPageFailures?: Map<string, AppError | null> };
const failures = (): Map<string, AppError | null> => (shared.guidepostPageFailures ??= new Map());

/** What was thrown while the answer to a request was made; of several the first is the reason. Kept only while somebody waits for it. */
export function notePageFailure(request: string | null | undefined, failure: AppError): void {
  if (typeof request === "string" && failures().get(request) === null) failures().set(request, failure);
}

/** For the server in front of Next: what was noted so far of a request; `end` once it is over. */
export function awaitPageFailure(request: string): { readonly found: () => AppError | null; readonly end: () => void } {
  failures().set(request, null);
  return { found: () => failures().get(request) ?? null, end: () => void failures().delete(request) };
}
