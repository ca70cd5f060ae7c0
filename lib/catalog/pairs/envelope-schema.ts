import { z } from "zod";
import { samplerNames } from "#lib/sampler-names.ts";
import { estimate } from "./estimate.ts";

/** Counts up with whatever changes the numbers of an envelope. */
export const ENVELOPE_VERSION = 1;

const setting = {
  guidanceScale: z.number(),
  guideStrength: z
    .number()
    .meta({ description: "by which all that the guide adds is multiplied; 1 is as it was made" }),
  cfgSteps: z.number().meta({ description: "so many of the first steps are CFG's" }),
};
const span = z.object({ low: z.number(), high: z.number() });

/** Where a guide is at its best on a model, and how far around it holds. */
export const envelopeFound = z.object({
  version: z.number(),
  n: z.number().meta({ description: "how many prompts everything was chosen on" }),
  others: z.number().meta({ description: "how many others say what came of it" }),
  steps: z.number(),
  none: estimate.meta({ description: "how well pictures without guidance keep to the prompts that were chosen on" }),
  byGuidance: z.array(
    z.object({
      guidanceScale: z.number(),
      cfg: estimate,
      guide: estimate.nullable().meta({ description: "null where the guide was not made for it" }),
    }),
  ),
  bySteps: z.array(z.object({ steps: z.number(), cfg: estimate, guide: estimate })),
  byStrength: z.array(
    z.object({
      strength: z.number(),
      guide: estimate,
      delivered: estimate.meta({ description: "how large what one step adds is, as a share of what CFG adds" }),
      isAllowed: z.boolean().meta({ description: "whether that is at most 1.15, so that the strength may be chosen" }),
    }),
  ),
  byCfgSteps: z.array(z.object({ cfgSteps: z.number(), passes: z.number(), guide: estimate })),
  cfgGuidance: z.number().meta({ description: "at which CFG is at its best, tuned in the same way" }),
  best: z.object({ ...setting, passes: z.number() }).meta({
    description: "at which the guide is: at the strength as it was made where no other is better by a standard error",
  }),
  holds: z.object({ guidance: span.nullable(), steps: span.nullable() }).meta({
    description:
      "between which, around what is asked for, the guide as it was made keeps 70% of what CFG adds at its best; null where it does not there",
  }),
  found: z
    .object({
      none: estimate,
      cfg: estimate,
      guide: estimate,
      best: estimate,
      againstGuide: estimate.meta({ description: "the best less the guide as it was made, prompt by prompt" }),
      againstCfg: estimate.meta({ description: "the best less CFG at its best" }),
    })
    .meta({ description: "on the others: CFG at its best, the guide as it was made and at its best" }),
});
export type EnvelopeFound = z.output<typeof envelopeFound>;

/** The value of every prompt. */
export const envelopeRaw = z.object({
  prompts: z.array(z.string()).meta({ description: "those that were chosen on, and then the others" }),
  trials: z.array(
    z.object({
      mode: z.enum(["conditional", "guide", "cfg"]),
      guidanceScale: z.number(),
      cfgSteps: z.number(),
      guideStrength: z.number().default(1),
      sampler: z.enum(samplerNames),
      steps: z.number(),
      prompts: z.enum(["chosen on", "others"]),
      kept: z.array(z.number()),
    }),
  ),
});
export type EnvelopeRaw = z.output<typeof envelopeRaw>;

/** What finding it costs, as far as earlier jobs tell. */
export const envelopeCost = z.object({
  passes: z.number().meta({ description: "through the base, about" }),
  seconds: z.number().nullable().meta({ description: "of one worker; null where nothing tells" }),
});
export type EnvelopeCost = z.output<typeof envelopeCost>;
