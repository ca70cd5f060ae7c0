import type { ServerResponse } from "node:http";

const LENGTH_HEADER = "x-content-length";

/**
 * Next leaves Content-Length out of what a route answers (FORBIDDEN_HEADERS in its send-response.js), since a body that was fetched
 * may have another length than it says. Ours have the length they say, and clients need it: to show progress, to make room, and to
 * learn a size by HEAD. So it passes Next under another name, and gets its own back on the way out.
 */
export function disguiseContentLength(headers: Headers): void {
  const length = headers.get("content-length");
  if (length !== null) headers.set(LENGTH_HEADER, length);
}

/** For the server in front of Next: before it handles the request of this response. */
export function restoreContentLength(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) =>
    setHeader(name.toLowerCase() === LENGTH_HEADER ? "Content-Length" : name, value);
}
