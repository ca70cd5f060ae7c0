import type { ServerResponse } from "node:http";
import { subscribe } from "node:diagnostics_channel";

/** What a route says its body's length with. */
export const LENGTH_HEADER = "X-Content-Length";

/**
 * Next leaves Content-Length out of what a route answers (FORBIDDEN_HEADERS in its send-response.js), because a body that was
 * fetched may have another length than it says. Ours have the length they say, and clients need it: for progress, to make room,
 * and to know a size by HEAD. So routes give it another name, and it gets its own back on the way out. Call it once in a process.
 */
export function restoreContentLength(): void {
  subscribe("http.server.request.start", (message) => {
    const { response } = message as { response: ServerResponse };
    const setHeader = response.setHeader.bind(response);
    response.setHeader = (name, value) => setHeader(name.toLowerCase() === LENGTH_HEADER.toLowerCase() ? "Content-Length" : name, value);
  });
}
