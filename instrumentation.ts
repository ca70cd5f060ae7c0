import type { Instrumentation } from "next";

let noteFailure: ((request: string | null | undefined, cause: unknown) => void) | undefined;
let header = "";

/** Next builds this file for its Edge runtime too, where nothing of ours can run: this condition is known to the build, which leaves the rest out. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const [{ toAppError }, { notePageFailure, PAGE_REQUEST }] = await Promise.all([
    import("#lib/http/failure.ts"),
    import("#lib/http/page-failures.ts"),
  ]);
  header = PAGE_REQUEST;
  noteFailure = (request, cause) => notePageFailure(request, toAppError(cause));
}

/** Next looks for it here. To what a page throws it answers with a bare 500; the server in front of it answers by the reason instead. */
export const onRequestError: Instrumentation.onRequestError = (cause, { headers }) =>
  noteFailure?.([headers[header]].flat()[0], cause);
