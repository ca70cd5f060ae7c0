import { addAbortSignal, pipeline, type Readable, Transform } from "node:stream";
import { AppError } from "#lib/errors.ts";
import { Silence } from "./breaker.ts";

export interface BodyOptions {
  readonly size: number;
  /** How long a reader who wants bytes waits for the next. Who is slow to take them has all the time. */
  readonly stallMs: number;
  /** What the connection says when it fails, in our words; a stall is a Silence. */
  readonly translate: (cause: unknown) => unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The body of an answer: it fails when the connection ends before all bytes have come, so that a short body is never taken for
 * whole, and when no more come.
 */
export function wholeBody(body: Readable, { size, stallMs, translate, signal }: BodyOptions): Readable {
  let left = size;
  let cameAt = performance.now();
  const whole = new Transform({
    transform(bytes: Uint8Array, _encoding, done) {
      cameAt = performance.now();
      left -= bytes.byteLength;
      done(null, bytes);
    },
    flush(done) {
      done(
        left === 0
          ? null
          : new AppError(
              "storage_unavailable",
              `The store sent ${Math.abs(left)} bytes too ${left > 0 ? "few" : "many"}; try again in a few seconds.`,
              { expected: size, actual: size - left },
            ),
      );
    },
    destroy(cause, done) {
      done(cause && (translate(cause) as Error));
    },
  });
  const look = setInterval(() => {
    if (whole.readableLength === 0 && performance.now() - cameAt > stallMs) whole.destroy(new Silence());
  }, stallMs / 4);
  pipeline(body, whole, () => clearInterval(look)); // a failure reaches whoever reads `whole`
  return signal ? addAbortSignal(signal, whole) : whole;
}
