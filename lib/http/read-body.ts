import { AppError } from "#lib/errors.ts";

/** The whole body as text, never more than `limit` bytes of it, whatever Content-Length claims. */
export async function readText(request: Request, limit: number): Promise<string> {
  const tooLarge = (): AppError =>
    new AppError(
      "too_large",
      `The request is larger than ${limit} bytes, more than this address takes; send less at once.`,
      { limit },
    );
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of request.body ?? []) {
      size += piece.byteLength;
      if (size > limit) throw tooLarge();
      pieces.push(piece);
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError(
      "cancelled",
      "The connection ended before the whole request had come; send it again.",
      {},
      cause,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
  } catch (cause) {
    throw new AppError("bad_request", "The request is not UTF-8 text; send JSON.", {}, cause);
  }
}
