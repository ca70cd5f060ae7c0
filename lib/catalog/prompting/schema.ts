import { z } from "zod";

export const prompting = z.object({
  suggestions: z
    .array(z.string())
    .meta({ description: "from the model's card, else what its base is measured with; with the triggers in front" }),
  words: z
    .array(z.string())
    .nullable()
    .meta({ description: "all words that the base's tokenizer knows as a whole; null where it takes any text" }),
  triggers: z
    .array(
      z.object({
        words: z.string(),
        from: z.string().meta({ description: "what says so" }),
        declared: z.boolean().meta({ description: "whether somebody wrote them down as that; else they were counted" }),
      }),
    )
    .meta({ description: "what brings out the style of a low-rank fine-tune" }),
});
export type Prompting = z.output<typeof prompting>;
