import { z } from "zod";
import { evaluatorKind } from "#lib/catalog/inspections/schema.ts";
import { fullName } from "#lib/catalog/repo-name.ts";

/** Each draws nothing and reads every picture, and all of them must agree. */
export const MOST_INSTALLED = 4;
export const MOST_BASES = 20;

export const installedEvaluator = z.object({
  id: z.uuid(),
  repo: fullName.nullable().meta({ description: "null where it is gone, or you may not see it" }),
  commit: z.string(),
  sha256: z.string().meta({ description: "over the files that decide what it reads" }),
  kind: evaluatorKind.meta({
    description: "whether it reads attributes from latents, or compares pictures with prompts as CLIP does",
  }),
  bases: z.array(fullName).meta({ description: "what was made from these it judges, as far as you may see them" }),
  judgesAnything: z.boolean().meta({ description: "whether it judges any model, whatever it was made from" }),
  testedOn: z.string().meta({ description: "on what its accuracy was measured, and by whom" }),
  problem: z.string().nullable().meta({ description: "why it judges nothing now, and what to do" }),
  installedAt: z.iso.datetime(),
});
export type InstalledEvaluator = z.output<typeof installedEvaluator>;

export const newEvaluator = z.strictObject({
  repo: fullName.meta({ description: "an evaluator that everybody may read" }),
  revision: z
    .string()
    .max(255)
    .default("HEAD")
    .meta({ description: "a branch, a tag or a commit; it is pinned to the commit that this is now" }),
  bases: z.array(fullName).max(MOST_BASES).default([]).meta({
    description: "the bases that it judges, with what was made from them; one that reads latents must name some",
  }),
});
export type NewEvaluator = z.output<typeof newEvaluator>;

/** The same from a form: bases one after another. */
export const evaluatorForm = z
  .object({ evaluator: fullName, bases: z.string().max(4000).default("") })
  .transform(({ evaluator, bases }): z.input<typeof newEvaluator> => ({
    repo: evaluator,
    bases: bases.split(/[\s,]+/).filter((name) => name !== ""),
  }))
  .pipe(newEvaluator);
