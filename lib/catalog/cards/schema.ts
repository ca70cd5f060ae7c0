import { z } from "zod";

export const card = z.object({
  frontMatter: z.record(z.string(), z.unknown()),
  text: z.string().meta({ description: "Markdown of strangers: to be shown without any HTML of it" }),
  isCut: z.boolean().meta({ description: "whether the file is longer than what is here" }),
  warnings: z.array(z.string()),
  isRead: z.boolean().meta({ description: "false until the hub has read the file; ask again in a few seconds" }),
});
export type Card = z.output<typeof card>;

export const cardFacts = z.object({
  license: z.string().nullable(),
  tags: z.array(z.string()).nullable(),
  summary: z.string().nullable(),
  /** “owner/repo” */
  base: z.string().nullable(),
});
