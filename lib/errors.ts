/**
 * Every failure we report. `status` is what HTTP says, `hubCode` is the name that Hugging Face clients look for in
 * `X-Error-Code`. Domain code throws an AppError with one of these codes; only an edge (HTTP, command line) translates it.
 */
export const failures = {
  bad_request: { status: 400, hubCode: null },
  file_not_found: { status: 404, hubCode: "EntryNotFound" },
  pair_does_not_fit: { status: 409, hubCode: null },
  malformed_weights: { status: 422, hubCode: null },
  weights_mismatch: { status: 422, hubCode: null },
  unsupported_model: { status: 422, hubCode: null },
  not_finite: { status: 422, hubCode: null },
  cancelled: { status: 499, hubCode: null },
  inference_died: { status: 500, hubCode: null },
  internal: { status: 500, hubCode: null },
  deadline_passed: { status: 504, hubCode: null },
} as const;

export type FailureCode = keyof typeof failures;

/** A failure with a sentence that names the thing at fault and says what to do next; `detail` carries its numbers. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: FailureCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: FailureCode, message: string, detail: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.detail = detail;
  }
}
