import { addAbortSignal, pipeline, type Readable, Transform } from "node:stream";
import { AppError } from "#lib/errors.ts";

/**
 * The body of an answer, `size` bytes long: it fails when the connection ends before all of them have come, so that a short body
 * is never taken for whole.
 *
 * @param translate what the connection says when it fails, in our words
 */
export function wholeBody(
  body: Readable,
  size: number,
  translate: (cause: unknown) => unknown,
  signal?: AbortSignal,
): Readable {
  let left = size;
  const whole = new Transform({
    transform(bytes: Uint8Array, _encoding, done) {
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
  pipeline(body, whole, () => {}); // a failure reaches whoever reads `whole`
  return signal ? addAbortSignal(signal, whole) : whole;
}
