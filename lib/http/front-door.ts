import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "#lib/errors.ts";
import { toFailureResponse } from "./failure.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** A path of 1024 bytes, each escaped, and a search beside it. Next copies an address a dozen times for each request. */
const MAX_ADDRESS = 8000;
/** More than any browser keeps for a site, and than any form here has. */
const MAX_COOKIES = 200;
const MAX_FIELDS = 200;

/**
 * Refuses what no route can take, and what Next would answer 500 to: a method of no page, an address whose escapes are no text, its own
 * page for failures. A proxy's form of the address would let a client choose which host we think we are. Next compares each cookie and each
 * field with all before it: the most that fit into a request, 1,500 cookies or 3,000 fields, kept the process busy for half a second.
 *
 * @returns whether the request was refused, and so has been answered
 */
export function refuseAtDoor(request: IncomingMessage, response: ServerResponse): boolean {
  const failure = faultOf(request);
  if (failure === null) return false;
  void answer(toFailureResponse(failure, randomUUID()), request, response);
  return true;
}

function faultOf({ method = "", url = "", headers }: IncomingMessage): AppError | null {
  if (!methods.includes(method as "GET"))
    return new AppError(
      "method_not_allowed",
      `Nothing here can be asked with ${method.slice(0, 20)}; use one of ${methods.join(", ")}.`,
      { allowed: methods },
    );
  if (url.length > MAX_ADDRESS)
    return new AppError(
      "bad_request",
      `The address is longer than ${MAX_ADDRESS} characters; ask for less in it, or send what is long in a body.`,
      { limit: MAX_ADDRESS },
    );
  const [path, query = ""] = splitAt(url, "?");
  if (!path.startsWith("/") || !isText(path))
    return new AppError(
      "bad_request",
      "The address holds an escape that is not UTF-8 text, or does not begin with “/”; write it with percent signs again.",
    );
  if (decodeURIComponent(path).startsWith("/_global-error"))
    return new AppError("not_found", "There is no such page; begin at the front page of this hub.");
  if (countOf(query, "&") >= MAX_FIELDS)
    return new AppError(
      "bad_request",
      `The address has more than ${MAX_FIELDS} fields behind its “?”; leave out what is not needed.`,
    );
  if (countOf(headers.cookie ?? "", ";") >= MAX_COOKIES)
    return new AppError(
      "bad_request",
      `The request carries more than ${MAX_COOKIES} cookies; delete those of this address in your browser.`,
    );
  return null;
}

function splitAt(text: string, sign: string): [string, string?] {
  const at = text.indexOf(sign);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function countOf(text: string, sign: string): number {
  let count = 0;
  for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) count += 1;
  return count;
}

function isText(path: string): boolean {
  try {
    return !decodeURIComponent(path).includes("\0");
  } catch {
    return false;
  }
}

/** In JSON, and to a person before a browser as the bare sentence. A body is thrown away as it comes, for whoever sends it reads only then. */
async function answer(failure: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const isForPerson = request.headers.accept?.includes("text/html") ?? false;
  const { error } = (await failure.clone().json()) as { error: string };
  response.writeHead(failure.status, {
    ...Object.fromEntries(failure.headers),
    ...(isForPerson && { "content-type": "text/plain; charset=utf-8" }),
    "x-content-type-options": "nosniff",
  });
  response.end(isForPerson ? error : await failure.text());
}
