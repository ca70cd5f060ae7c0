import type { z } from "zod";
import { AppError } from "#lib/errors.ts";

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** What came with a request, as a schema wants it; nothing where nothing is wanted. @throws bad_request, which names the field */
export function parseAs<Schema extends z.ZodType | undefined>(
  schema: Schema,
  value: unknown,
  what: "address" | "request",
): Parsed<Schema> {
  if (schema === undefined) return undefined as Parsed<Schema>;
  const result = schema.safeParse(value);
  if (result.success) return result.data as Parsed<Schema>;
  const { path, message } = result.error.issues[0]!;
  const field = path.join(".");
  throw new AppError(
    "bad_request",
    `${field ? `“${field}” in the ${what}` : `The ${what}`} cannot be used: ${message}; correct it and send it again.`,
    { field, issues: result.error.issues.length },
  );
}
