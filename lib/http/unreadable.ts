import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "#lib/errors.ts";
import { giveLastAnswer } from "./last-answer.ts";

/**
 * Answers what is no HTTP to Node's parser, which would answer in two bare words and reset the connection of a client that still sends:
 * an address with bytes beyond ASCII, headers that are too long or never end, lengths that contradict each other.
 */
export function answerUnreadable(server: Server): void {
  const answered = new WeakSet<Duplex>(); // each further piece of the same request fails once more
  server.on("clientError", (cause: NodeJS.ErrnoException, socket) => {
    if (answered.has(socket)) return;
    answered.add(socket);
    if (cause.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    giveLastAnswer(socket, failureOf(cause.code ?? ""));
  });
}

function failureOf(code: string): AppError {
  if (code === "HPE_HEADER_OVERFLOW")
    return new AppError(
      "headers_too_large",
      "The headers of the request are longer than 16 kB in all; leave some out, or delete the cookies of this address in your browser.",
    );
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new AppError("too_slow", "The headers of the request did not come in time; send it again.");
  if (code === "HPE_INVALID_URL")
    return new AppError(
      "bad_request",
      "The address holds bytes that no address may; write letters beyond ASCII with percent signs.",
    );
  return new AppError("bad_request", "What was sent is not HTTP that can be read; send it again from another client.");
}
