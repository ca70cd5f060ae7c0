import { z } from "zod";
import { estimate } from "#lib/catalog/pairs/schema.ts";

/** From so many answers on it is told what people said: of fewer an interval says nothing. */
export const ENOUGH_ANSWERS = 30;

const question = z.object({
  id: z.string().meta({ description: "of this question to this person; nothing in it says which picture is whose" }),
  number: z.int().meta({ description: "which one it is of those that this person is asked" }),
  of: z.int(),
  prompt: z.string(),
  picture: z
    .string()
    .meta({ description: "where both pictures are, as one: the first on the left, the second on the right" }),
  width: z.int().meta({ description: "of each of the two" }),
  height: z.int(),
});
export type Question = z.output<typeof question>;

const tally = z.object({
  answers: z.int().meta({ description: "how many there are, of all people" }),
  enough: z.int().meta({ description: "from how many on it is told what they said" }),
  said: z
    .object({
      guide: z.int(),
      cfg: z.int(),
      neither: z.int().meta({ description: "who saw no difference" }),
      share: estimate
        .nullable()
        .meta({ description: "of those who saw a difference, who preferred the guide's; Wilson's interval, 95%" }),
    })
    .nullable(),
});
export type Tally = z.output<typeof tally>;

export const comparison = z.object({
  question: question.nullable().meta({ description: "the next one; null where there is none, or nobody may answer" }),
  reason: z.string().nullable().meta({ description: "why there is no question" }),
  own: z.int().meta({ description: "how many this person has answered" }),
  tally,
});
export type Comparison = z.output<typeof comparison>;

export const newAnswer = z.strictObject({
  question: z.string().regex(/^[0-9a-f]{32}$/, "it must be the id of a question"),
  answer: z
    .enum(["first", "second", "neither"], "choose the first, the second, or no difference")
    .meta({ description: "whose picture follows the prompt better; neither: no difference" }),
});
export type NewAnswer = z.output<typeof newAnswer>;
