import { AppError, type FailureCode } from "#lib/errors.ts";
import type { S3Settings } from "#lib/env.ts";
import { CANNOT_BE_USED } from "./disk-failure.ts";

type Place = Pick<S3Settings, "endpoint" | "bucket">;

const away =
  /^(TimeoutError|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|RequestTimeout|SlowDown|Throttling\w*|TooManyRequests\w*|InternalError|ServiceUnavailable|5\d\d|429)$/;

/** What an S3 server or Node say (the error's name, its code, or its HTTP status) and what we say. The first match counts. */
const known: readonly (readonly [said: RegExp, code: FailureCode, sentence: (place: Place) => string])[] = [
  [/^(NoSuchUpload)$/, "not_found", () => "There is no such upload, or it has ended; begin a new one."],
  [
    /^(InvalidPart|InvalidPartOrder|EntityTooSmall|MalformedXML)$/,
    "bytes_differ",
    () =>
      "The store has other parts than those that were named, or one that is too small; list the parts, send what is missing, and complete the upload again.",
  ],
  [/^(InvalidRange|416)$/, "range_not_satisfiable", () => "These bytes are not within the object."],
  [
    /^(NoSuchBucket)$/,
    "storage_unavailable",
    ({ endpoint, bucket }) => `There is no bucket ${bucket} at ${endpoint}; make it, or correct S3_BUCKET.`,
  ],
  [
    /^(InvalidAccessKeyId|XAdminUserNotFound|SignatureDoesNotMatch|InvalidToken|401)$/,
    "storage_unavailable",
    ({ endpoint }) =>
      `The store at ${endpoint} does not know this access key; correct S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.`,
  ],
  [
    /^(RequestTimeTooSkewed)$/,
    "storage_unavailable",
    ({ endpoint }) =>
      `The clocks of this machine and of the store at ${endpoint} differ by too much; set this one right.`,
  ],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|30\d)$/,
    "storage_unavailable",
    ({ bucket }) =>
      `The bucket ${bucket} is in another region or at another address; correct S3_REGION and S3_ENDPOINT.`,
  ],
  [
    /^(QuotaExceeded|XMinioStorageFull|InsufficientStorage|507)$/,
    "disk_full",
    ({ endpoint }) =>
      `The store at ${endpoint} is full; its operator has to make room. Nothing was lost, and downloads go on.`,
  ],
  [
    away,
    "storage_unavailable",
    ({ endpoint }) =>
      `The store at ${endpoint} does not answer at the moment; nothing was lost, try again in a few seconds.`,
  ],
  [
    /^(ENOTFOUND)$/,
    "storage_unavailable",
    ({ endpoint }) => `There is no machine of the name in ${endpoint}; correct S3_ENDPOINT.`,
  ],
  [
    /CERT|SELF_SIGNED|ERR_SSL|ERR_TLS|EPROTO/,
    "storage_unavailable",
    ({ endpoint }) =>
      `${endpoint} cannot be trusted over TLS; give Node its certificate by NODE_EXTRA_CA_CERTS, or correct S3_ENDPOINT.`,
  ],
  [
    /^(AccessDenied|AllAccessDisabled|AccountProblem|Forbidden|403)$/,
    "storage_unavailable",
    ({ bucket }) =>
      `The store does not let this access key do that in ${bucket}; allow it s3:GetObject, PutObject, DeleteObject, ListBucket, AbortMultipartUpload, ListMultipartUploadParts and ListBucketMultipartUploads.`,
  ],
];

/** What went wrong at the store, as our failure. What is not the store's comes back as it is. */
export function s3Failure(place: Place, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof AppError || cause.name === "AbortError") return cause;
  const said = saidBy(cause);
  for (const [pattern, code, sentence] of known) {
    if (said.some((word) => pattern.test(word))) {
      const toOperator = sentence(place);
      return new AppError(code, toAnybody(code, pattern) ?? toOperator, { said: said[0] }, cause, toOperator);
    }
  }
  return isAnswer(cause) ? notUnderstood(place, said[0]!, cause) : cause;
}

/** Where the store is and how its bucket is called is for whoever set it up; null where a sentence says neither. */
function toAnybody(code: FailureCode, pattern: RegExp): string | null {
  if (code === "disk_full")
    return "The hub's store is full; its operator has to make room. Nothing was lost, and downloads go on.";
  if (code !== "storage_unavailable") return null;
  return pattern === away
    ? "The hub's store does not answer at the moment; nothing was lost, try again in a few seconds."
    : CANNOT_BE_USED;
}

/** Whether what an S3 server or Node say is that it does not answer. */
export const saysAway = (cause: unknown): boolean => saidBy(cause).some((word) => away.test(word));

/** Whether a failure of the store is one that may pass by itself, for it did not answer; every other names what to set right. */
export const isAway = (cause: unknown): cause is AppError =>
  cause instanceof AppError &&
  cause.cause !== undefined &&
  cause.code === "storage_unavailable" &&
  saysAway(cause.cause);

export const notUnderstood = ({ endpoint }: Place, what: string, cause?: unknown): AppError =>
  new AppError(
    "storage_unavailable",
    CANNOT_BE_USED,
    { said: what },
    cause,
    `The store at ${endpoint} answers what we do not understand (${what}); check S3_ENDPOINT, or look in the store's log.`,
  );

/** The names of a failure, the most telling first: S3's code, Node's, the HTTP status. */
export function saidBy(cause: unknown): string[] {
  const { name, code, $metadata } = cause as { name?: string; code?: string; $metadata?: { httpStatusCode?: number } };
  return [name, code, $metadata?.httpStatusCode?.toString()].filter((word) => word !== undefined);
}

/** The SDK hangs the answer on what it throws, also on an answer that it cannot parse. */
const isAnswer = (cause: Error): boolean => "$metadata" in cause || "$response" in cause;
