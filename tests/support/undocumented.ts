import type { z } from "zod";

/** What an answer holds beyond what its schema says, by path; and where it is not what the schema says at all. */
export function undocumented(schema: z.ZodType, answer: unknown): string[] {
  const read = schema.safeParse(answer);
  return read.success
    ? beyond(answer, read.data, "")
    : read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

function beyond(answer: unknown, read: unknown, at: string): string[] {
  if (typeof answer !== "object" || answer === null) return [];
  return Object.entries(answer).flatMap(([name, part]) => {
    const path = at === "" ? name : `${at}.${name}`;
    const known = read as Record<string, unknown> | null;
    return known !== null && typeof known === "object" && name in known ? beyond(part, known[name], path) : [path];
  });
}
