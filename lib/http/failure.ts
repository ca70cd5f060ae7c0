import { AppError, failures } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { toSqlFailure } from "#lib/db/sql-failure.ts";
import { isConflict, metOthers } from "#lib/db/transaction.ts";
import { printable } from "#lib/util/printable.ts";

/** The one place where failures become HTTP: status, `X-Error-Code` for Hub clients, a body that says what to do next. */
export function toFailureResponse(cause: unknown, requestId: string): Response {
  const failure = toAppError(cause);
  const { status, hubCode, temporary } = failures[failure.code];
  if (status >= 500 && status !== 501)
    log().error(
      { event: "request.failed", code: failure.code, err: cause instanceof AppError ? (cause.cause ?? cause) : cause },
      failure.toOperator,
    );
  const retryAfter = failure.detail["retryAfter"] ?? (temporary ? 2 : undefined);
  const headers = new Headers({
    "X-Request-Id": requestId,
    "X-Error-Message": headerText(failure.message),
    "Cache-Control": "private, no-store",
  });
  if (hubCode) headers.set("X-Error-Code", hubCode);
  if (retryAfter !== undefined) headers.set("Retry-After", String(retryAfter));
  if (status === 416 && typeof failure.detail["size"] === "number")
    headers.set("Content-Range", `bytes */${failure.detail["size"]}`);
  if (failure.code === "file_not_found" && typeof failure.detail["commit"] === "string")
    headers.set("X-Repo-Commit", failure.detail["commit"]); // clients remember the absence
  if (failure.code === "method_not_allowed") headers.set("Allow", [failure.detail["allowed"]].flat().join(", "));
  const { code, message, detail } = failure;
  return Response.json(
    { error: printable(message), code, detail: status === 500 ? {} : detail, requestId },
    { status, headers },
  );
}

/** Whatever was thrown, as one of our failures. What nobody foresaw is `internal` and tells the person nothing of its inside. */
export function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  if (isConnectionLost(cause))
    return new AppError(
      "database_unavailable",
      "The database does not answer at the moment; nothing was lost, try again in a few seconds.",
      {},
      cause,
    );
  if (isConflict(cause)) return metOthers(cause);
  if (isLate(cause))
    return new AppError(
      "busy",
      "The database has more to do than it can at this moment; nothing was changed, try again in a few seconds.",
      { retryAfter: 5 },
      cause,
    );
  if (isDiskFull(cause))
    return new AppError("disk_full", "The hub's disk is full; its operator has to free some space.", {}, cause);
  return new AppError(
    "internal",
    "Something went wrong on our side; try again, and tell the hub's operator the request id if it stays.",
    {},
    cause,
  );
}

/**
 * A transaction for which no connection came free, or that took longer than it may (P2028); a statement that did, and a lock that was
 * waited for too long.
 */
const isLate = (cause: unknown): boolean =>
  (cause as { code?: string } | null)?.code === "P2028" ||
  /^(57014|55P03|25P0[34])$/.test(toSqlFailure(cause)?.code ?? "");

/** As Node says it, and as PostgreSQL does. */
const isDiskFull = (cause: unknown): boolean =>
  (cause as NodeJS.ErrnoException | null)?.code === "ENOSPC" || toSqlFailure(cause)?.code === "53100";

/** Prisma's codes for a server that is away or has no connection left, PostgreSQL's class 57P and 08, and Node's own. */
function isConnectionLost(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { code = "" } = cause as { code?: string };
  if (
    ["P1001", "P1002", "P1008", "P1017", "P2024", "P2037", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(
      code,
    )
  )
    return true;
  if (/^(57P|08|53300)/.test(toSqlFailure(cause)?.code ?? code)) return true;
  return /Connection terminated|timeout expired|timeout exceeded when trying to connect|Can't reach database server|DatabaseNotReachable|Operation has timed out|the database system is (starting up|shutting down)|Server has closed the connection/.test(
    cause.message,
  );
}

/** A header takes Latin-1 at most; Hub clients show it to the person. */
const headerText = (message: string): string =>
  printable(message)
    .replaceAll(/[^\u0020-\u007e]/g, (sign) => ({ "“": '"', "”": '"', "–": "-", "…": "...", "’": "'" })[sign] ?? "?")
    .slice(0, 1000);
