import { AppError } from "#lib/errors.ts";

const MAX_CHARACTERS = 10_000; // 77 tokens hold some 400; what meets strangers' texts needs a bound

/** The text, if it is short enough to be a prompt. @throws bad_request */
export function requireShort(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const [length, limit] = [text.length, MAX_CHARACTERS].map((count) => count.toLocaleString("en"));
  throw new AppError("bad_request", `The text has ${length} characters; a prompt may have ${limit} at most.`, {
    length: text.length,
    limit: MAX_CHARACTERS,
  });
}
