import { createHash } from "node:crypto";
import { z } from "zod";
import { type GuideChoice, guideKinds, requireGuidance, shareOf } from "#lib/pairing/guide-choice.ts";

const count = z.int().min(1).max(10_000_000);
const rate = z.number().positive().max(1e38); // of float32

/** Everything that decides a guide, beside its base and the prompts' own words. The run's folder keeps it. */
export const recipeSchema = z.object({
  format: z.literal("guidepost-distill/1"),
  /** What the guide calls itself. */
  variant: z.string().min(1).max(64),
  /** Of the base's parameters, at most. */
  share: z.number().positive().max(1),
  /** The range it is trained on, and where its gate is 1. */
  guidance: z.object({ low: z.number(), high: z.number(), reference: z.number() }),
  seed: z.int().min(0),
  prompts: z.object({ source: z.string(), count, sha256: z.string() }),
  /** Walks of the base's own under CFG; each of `steps` in turn, by piece. */
  teacher: z.object({
    trajectories: count,
    steps: z.array(z.int().min(2).max(1000)).min(1),
    /** Beside its own states each walk gives so many of its end, noised forward. */
    noised: z.int().min(0).max(1000),
    /** Walks side by side, which lie in one piece. */
    rows: z.int().min(1).max(1024),
  }),
  training: z.object({
    steps: count,
    batch: z.int().min(1).max(1024),
    learningRate: rate,
    warmUp: z.int().min(1),
    /** The most that the running average keeps of itself in a step. */
    averageDecay: z.number().min(0).lt(1),
    /** The least that (w − 1) counts as where a loss is divided by it. */
    leastExcess: z.number().positive(),
    optimizer: z.object({
      beta1: z.number().min(0).lt(1),
      beta2: z.number().min(0).lt(1),
      epsilon: z.number().positive(),
      weightDecay: z.number().min(0),
      clipNorm: z.number().positive(),
    }),
  }),
  /** Walks that nothing is trained on: prompts, each at every one of four guidances in turn. */
  heldOut: z.object({ prompts: z.int().min(1).max(1024), steps: z.int().min(2).max(1000), every: count }),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** What a base and a list of prompts say to it. */
export interface RecipeSubject {
  readonly prompts: Recipe["prompts"];
  /** Walks side by side, as is fastest for the base. */
  readonly rows: number;
  /** How many of the prompts are held out. */
  readonly heldOut: number;
}

/** Figures that won: docs/decisions/how-a-guide-is-distilled.md has what they were chosen among. */
export function recipeFor(choice: GuideChoice, { prompts, rows, heldOut }: RecipeSubject): Recipe {
  const { guidance, steps, trajectories } = choice;
  requireGuidance(guidance);
  const share = shareOf(choice);
  return {
    format: "guidepost-distill/1",
    variant: choice.share === null ? choice.kind : share <= guideKinds.tiny ? "tiny" : "small",
    share,
    guidance: { ...guidance, reference: Math.min(5, guidance.high) },
    seed: choice.seed,
    prompts,
    teacher: { trajectories, steps: [20, 22, 25], noised: 2, rows: Math.min(rows, trajectories) },
    training: {
      steps,
      batch: choice.batch,
      learningRate: choice.learningRate,
      warmUp: Math.min(100, Math.ceil(steps / 10)),
      averageDecay: 1 - Math.min(1, Math.max(0.001, 3 / steps)),
      leastExcess: 0.3,
      optimizer: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 },
    },
    heldOut: { prompts: heldOut, steps: 20, every: Math.max(1, Math.min(250, Math.ceil(steps / 4))) },
  };
}

/** Names a recipe, or a part of one with what it depends on. */
export const hashOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");
