import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { AppError } from "#lib/errors.ts";
import { toFailureResponse } from "./failure.ts";

const READ_ON_MS = 1_000; // whoever does not read does not close either

/**
 * Says why, and ends a connection whose request is not read any further. It is closed a moment later only: a connection that is closed
 * while bytes still come in is reset, and its client would lose the answer that it has not read.
 */
export function giveLastAnswer(socket: Duplex, failure: AppError): void {
  const answer = toFailureResponse(failure, randomUUID());
  void answer.text().then((body) => {
    const lines = [
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
      ...[...answer.headers].map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
    ];
    socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
  });
  setTimeout(() => socket.destroy(), READ_ON_MS).unref();
}
