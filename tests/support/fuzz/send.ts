import { type Agent, request as httpRequest } from "node:http";
import type { WireRequest } from "./requests.ts";

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Its first 64 kB. */
  readonly text: string;
}

const PATIENCE_MS = 120_000; // it ends what hangs: a machine that does other work takes many times as long
const ENOUGH_BYTES = 64 * 1024;
const HEAD_BYTES = 64 * 1024; // a long address may come back in several headers

/** Sends a request as it is. Of an answer without an end it takes the head. @throws where none comes */
export function send(url: string, asked: WireRequest, agent: Agent): Promise<WireAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answered: (() => void) | null = null;
    const request = httpRequest(
      {
        hostname,
        port,
        agent,
        method: asked.method,
        path: asked.path,
        headers: asked.headers,
        maxHeaderSize: HEAD_BYTES,
      },
      (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        const done = (): void => {
          clearTimeout(timer);
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text: Buffer.concat(pieces).toString().slice(0, ENOUGH_BYTES),
          });
        };
        answered = done; // what is wrong from here on, like a body after HEAD where the head was too long to be read, is no answer less
        const enough = (): void => {
          done();
          response.destroy();
        };
        if (response.headers["content-type"]?.startsWith("text/event-stream")) return enough();
        response.on("data", (piece: Buffer) => {
          pieces.push(piece);
          size += piece.length;
          if (size > ENOUGH_BYTES) enough();
        });
        response.on("end", done);
        response.on("error", done); // of the answer the status counts
      },
    );
    const timer = setTimeout(() => request.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
    request.on("error", (cause) => {
      clearTimeout(timer);
      if (answered) answered();
      else reject(cause);
    });
    request.end(asked.body ?? undefined);
  });
}
