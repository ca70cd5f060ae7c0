import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "#lib/errors.ts";
import { toFailureResponse } from "./failure.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Refuses what no route can take, and what Next would answer 500 to: a method of no page, an address whose escapes are no text. A
 * proxy's form of the address would let a client choose which host we think we are.
 *
 * @returns whether the request was refused, and so has been answered
 */
export function refuseAtDoor(request: IncomingMessage, response: ServerResponse): boolean {
  const failure = faultOf(request);
  if (failure === null) return false;
  void answer(toFailureResponse(failure, randomUUID()), request, response);
  return true;
}

function faultOf({ method = "", url = "" }: IncomingMessage): AppError | null {
  if (!methods.includes(method as "GET"))
    return new AppError(
      "method_not_allowed",
      `Nothing here can be asked with ${method.slice(0, 20)}; use one of ${methods.join(", ")}.`,
      { allowed: methods },
    );
  const path = url.split("?", 1)[0]!;
  if (!path.startsWith("/") || !isText(path))
    return new AppError(
      "bad_request",
      "The address holds an escape that is not UTF-8 text, or does not begin with «/»; write it with percent signs again.",
    );
  return null;
}

function isText(path: string): boolean {
  try {
    return !decodeURIComponent(path).includes("\0");
  } catch {
    return false;
  }
}

/** In JSON, and to a person before a browser as the bare sentence. What stands in the body is not read, so the connection ends. */
async function answer(failure: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const isForPerson = request.headers.accept?.includes("text/html") ?? false;
  const { error } = (await failure.clone().json()) as { error: string };
  response.writeHead(failure.status, {
    ...Object.fromEntries(failure.headers),
    ...(isForPerson && { "content-type": "text/plain; charset=utf-8" }),
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.end(isForPerson ? error : await failure.text());
}
