import { AppError } from "#lib/errors.ts";

/** The sentence of a failure that is the input's fault; any other passes on. */
export function sentenceOf(failure: unknown): string {
  if (failure instanceof AppError) return failure.message;
  throw failure;
}
