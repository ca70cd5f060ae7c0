import { AppError } from "#lib/errors.ts";

/** What the client calls this wish, so that it may be sent again. @throws bad_request */
export function idempotencyKeyOf(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key")?.trim();
  if (key === undefined || /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new AppError(
    "bad_request",
    "The header Idempotency-Key must be 1 to 200 letters, digits and signs without a space; send a UUID.",
    { field: "Idempotency-Key" },
  );
}
