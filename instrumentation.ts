import type { Instrumentation } from "next";
import { toAppError } from "#lib/http/failure.ts";
import { notePageFailure, PAGE_REQUEST } from "#lib/http/page-failures.ts";

/** Next looks for it here. To what a page throws it answers with a bare 500; the server in front of it answers by the reason instead. */
export const onRequestError: Instrumentation.onRequestError = (cause, { headers }) =>
  notePageFailure([headers[PAGE_REQUEST]].flat()[0], toAppError(cause));
