import { AppError } from "#lib/errors.ts";
import type { Sitter } from "./seats.ts";

/** A body as it comes: knows since when nothing has come of it, and can be ended in the middle. */
export class Arrival implements AsyncIterable<Uint8Array>, Sitter {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #gone = Promise.withResolvers<never>();
  #at = performance.now();

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#body = body;
    this.#gone.promise.catch(() => {}); // nobody may be reading
  }

  silentSince = (): number => this.#at;

  leave = (): void =>
    this.#gone.reject(
      new AppError("too_slow", "Nothing came of this for a while, and others of yours wait; send it again.", {
        retryAfter: 2,
      }),
    );

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const pieces = this.#body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await Promise.race([pieces.next(), this.#gone.promise]);
        this.#at = performance.now();
        if (done) return;
        yield value;
      }
    } finally {
      void pieces.return?.(); // waits for what may never come
    }
  }
}
