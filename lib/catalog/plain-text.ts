import { z } from "zod";

/** One line of text that shows as what it is: nothing in it controls, hides or turns. */
export const plainLine = (max: number): z.ZodString =>
  z
    .string()
    .trim()
    .max(max)
    .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, "it holds a line break or an invisible character");

/** Text that PostgreSQL can keep and look for. */
export const storableText = (max: number): z.ZodString =>
  z
    .string()
    .max(max)
    .regex(/^[^\0]*$/, "it holds a NUL");
