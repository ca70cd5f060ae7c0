/**
 * Every failure we report. `status` is what HTTP says, `hubCode` is the name that Hugging Face clients look for in
 * `X-Error-Code`. Domain code throws an AppError with one of these codes; only an edge (HTTP, command line) translates it.
 *
 * `temporary` failures may pass by themselves: the same request is worth sending again, after `detail.retryAfter` seconds where
 * that is given.
 */
export const failures = {
  bad_request: { status: 400, hubCode: null, temporary: false },
  /** Nobody is signed in, or the token is not one of ours. */
  unauthenticated: { status: 401, hubCode: null, temporary: false },
  /** Known, and not allowed. What may not even be seen is not_found instead, so that its existence stays private. */
  forbidden: { status: 403, hubCode: null, temporary: false },
  /** Nothing here takes requests of that kind. */
  method_not_allowed: { status: 405, hubCode: null, temporary: false },
  not_found: { status: 404, hubCode: null, temporary: false },
  repo_not_found: { status: 404, hubCode: "RepoNotFound", temporary: false },
  revision_not_found: { status: 404, hubCode: "RevisionNotFound", temporary: false },
  file_not_found: { status: 404, hubCode: "EntryNotFound", temporary: false },
  /** The name, or the key of an earlier request, is taken. */
  conflict: { status: 409, hubCode: null, temporary: false },
  /** Somebody else's commit came first. */
  ref_moved: { status: 409, hubCode: null, temporary: false },
  /** The bytes are still being read; ask again. */
  upload_not_ready: { status: 409, hubCode: null, temporary: true },
  /** The upload, preview or job has ended and takes no more. */
  already_ended: { status: 409, hubCode: null, temporary: false },
  pair_does_not_fit: { status: 409, hubCode: null, temporary: false },
  gone: { status: 410, hubCode: null, temporary: false },
  /** The bytes of a request did not come, or came a few at a time. */
  too_slow: { status: 408, hubCode: null, temporary: true },
  too_large: { status: 413, hubCode: null, temporary: false },
  range_not_satisfiable: { status: 416, hubCode: null, temporary: false },
  headers_too_large: { status: 431, hubCode: null, temporary: false },
  malformed_weights: { status: 422, hubCode: null, temporary: false },
  weights_mismatch: { status: 422, hubCode: null, temporary: false },
  unsupported_model: { status: 422, hubCode: null, temporary: false },
  not_finite: { status: 422, hubCode: null, temporary: false },
  /** The bytes that came are not those that were announced: another size or another sha256. */
  bytes_differ: { status: 422, hubCode: null, temporary: false },
  /** A person or organisation has as much as it may; `detail` says how much of what. */
  quota_exceeded: { status: 403, hubCode: null, temporary: false },
  rate_limited: { status: 429, hubCode: null, temporary: true },
  cancelled: { status: 499, hubCode: null, temporary: false },
  inference_died: { status: 500, hubCode: null, temporary: false },
  /** Worker after worker was lost while this job ran. */
  worker_lost: { status: 500, hubCode: null, temporary: false },
  internal: { status: 500, hubCode: null, temporary: false },
  /** Other hubs have it and this one has not. */
  not_implemented: { status: 501, hubCode: "NotImplemented", temporary: false },
  /** The graphics card or library that the operator asked for by name is not there. */
  provider_unavailable: { status: 503, hubCode: null, temporary: false },
  /** Others changed the same rows, again and again, or there was no place in the database for so long. */
  busy: { status: 503, hubCode: null, temporary: true },
  queue_full: { status: 503, hubCode: null, temporary: true },
  database_unavailable: { status: 503, hubCode: null, temporary: true },
  storage_unavailable: { status: 503, hubCode: null, temporary: true },
  deadline_passed: { status: 504, hubCode: null, temporary: false },
  /** A model at this size needs more memory than the machine, or the worker's budget, has. Known before it is opened. */
  too_little_memory: { status: 507, hubCode: null, temporary: false },
  disk_full: { status: 507, hubCode: null, temporary: true },
} as const;

export type FailureCode = keyof typeof failures;

/** A failure with a sentence that names the thing at fault and says what to do next; `detail` carries its numbers. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: FailureCode;
  readonly detail: Readonly<Record<string, unknown>>;
  /** The same for whoever runs the hub, with the names of its folders, machines and buckets: for logs and terminals, never for an answer. */
  readonly toOperator: string;

  constructor(
    code: FailureCode,
    message: string,
    detail: Record<string, unknown> = {},
    cause?: unknown,
    toOperator: string = message,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.detail = detail;
    this.toOperator = toOperator;
  }

  /** Next loads this module more than once in a process, and a failure of any copy is one. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "AppError";
  }
}
