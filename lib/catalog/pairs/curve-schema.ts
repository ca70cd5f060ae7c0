import { z } from "zod";
import { estimate } from "./estimate.ts";
import { samplerNames } from "#lib/sampler-names.ts";

/** Counts up with whatever changes the numbers of a curve. */
export const CURVE_VERSION = 1;

const way = z.object({
  mode: z.enum(["conditional", "guide", "cfg"]),
  guidanceScale: z.number(),
  cfgSteps: z.number().meta({ description: "so many of the first steps are CFG's, whatever the mode" }),
  sampler: z.enum(samplerNames),
  steps: z.number(),
});

/** What else could be done with as many passes as a guide takes. */
export const curveFound = z.object({
  version: z.number(),
  n: z.number().meta({ description: "how many prompts each figure rests on" }),
  guidanceScale: z.number(),
  points: z
    .array(
      way.extend({
        passes: z.number().meta({ description: "through the base, of one picture" }),
        fidelity: estimate,
        againstGuide: estimate.meta({ description: "the same less the guide's, prompt by prompt" }),
        distance: estimate.meta({
          description: "of the finished latents from CFG's of the same noise, as a share of their length",
        }),
      }),
    )
    .meta({ description: "ways to draw, the fewest passes first" }),
  byGuidance: z
    .array(
      z.object({
        guidanceScale: z.number(),
        cfg: estimate,
        guide: estimate.nullable().meta({ description: "null where the guide was not made for so little" }),
        distance: estimate.nullable().meta({
          description: "from CFG's pictures of this guidance: 0 is those, 1 as far as without guidance",
        }),
      }),
    )
    .meta({ description: "how well CFG and the guide keep to prompts at some guidances" }),
  delivered: z
    .object({
      guidanceScale: estimate,
      isBeyond: z.boolean().meta({ description: "the guide keeps more than CFG at any guidance that was drawn" }),
      cfg: estimate.meta({ description: "how well CFG keeps to prompts at that guidance, drawn there" }),
      distance: estimate.meta({ description: "of the guide's pictures from those" }),
    })
    .nullable()
    .meta({ description: "the least guidance at which CFG keeps as much as the guide; null where CFG adds nothing" }),
});
export type CurveFound = z.output<typeof curveFound>;

/** The value of every prompt. */
export const curveRaw = z.object({
  prompts: z.array(z.string()),
  ways: z.array(way.extend({ kept: z.array(z.number()), distance: z.array(z.number()) })),
});
export type CurveRaw = z.output<typeof curveRaw>;
