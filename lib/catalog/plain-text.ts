import { z } from "zod";
import { deceitInLine, deceitInName, deceitInProse } from "#lib/util/deceptive.ts";

const honest =
  (deceitIn: (text: string) => string | null) =>
  (context: z.core.ParsePayload<string>): void => {
    const deceit = deceitIn(context.value);
    if (deceit !== null)
      context.issues.push({ code: "custom", message: `it ${deceit}`, input: context.value, continue: true });
  };

/** One line of text that shows as what it is. */
export const plainLine = (max: number): z.ZodString => z.string().trim().max(max).check(honest(deceitInLine));

/** Lines of text that show as what they are. Joiners may stand where a script is written with them. */
export const plainProse = (max: number): z.ZodString => z.string().max(max).check(honest(deceitInProse));

/** The same for what somebody or something is called. */
export const plainName = (max: number): z.ZodString => z.string().trim().max(max).check(honest(deceitInName));

/** Text that PostgreSQL can keep and look for. */
export const storableText = (max: number): z.ZodString =>
  z
    .string()
    .max(max)
    .regex(/^[^\0]*$/, "it holds a NUL");
