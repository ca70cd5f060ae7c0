import { z } from "zod";

export const card = z.object({
  frontMatter: z.record(z.string(), z.unknown()),
  text: z.string().meta({ description: "Markdown of strangers: to be shown without any HTML of it" }),
  isCut: z.boolean().meta({ description: "whether the file is longer than what is here" }),
  warnings: z.array(z.string()),
});
export type Card = z.output<typeof card>;
