import { z } from "zod";
import { plainProse, storableText } from "#lib/catalog/plain-text.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { newRepo, visibility } from "#lib/catalog/repos/schema.ts";
import { pageOf, pageQuery } from "#lib/page.ts";
import { choiceSchema, usualChoice } from "#lib/pairing/guide-choice.ts";

/** Of a run on a hub: of more it is the command line that one's own machine is for. */
export const MOST_STEPS = 20_000;
export const MOST_WALKS = 10_000;
const MOST_PROMPTS = 5_000;

const prompts = z.array(plainProse(1000)).max(MOST_PROMPTS);

export const newDistillation = z.strictObject({
  base: fullName.meta({ description: "what a guide is made of" }),
  revision: storableText(255).default("HEAD").meta({ description: "a branch, a tag or a commit of the base" }),
  owner: newRepo.shape.owner,
  name: newRepo.shape.name.meta({ description: "of the repo that is made, and in which the guide is published" }),
  visibility: visibility.optional().meta({ description: "that of the base where nothing is said" }),
  kind: choiceSchema.shape.kind.default(usualChoice.kind).meta({ description: "1% of the base, or 3%" }),
  share: choiceSchema.shape.share.default(null).meta({ description: "of its parameters, instead of the kind's own" }),
  guidance: choiceSchema.shape.guidance.default(usualChoice.guidance).meta({ description: "what the guide is for" }),
  steps: z.int().min(1).max(MOST_STEPS).default(usualChoice.steps),
  batch: z
    .int()
    .min(1)
    .max(usualChoice.batch)
    .default(usualChoice.batch)
    .meta({ description: "states that a step sees: fewer take less memory" }),
  trajectories: z
    .int()
    .min(1)
    .max(MOST_WALKS)
    .default(usualChoice.trajectories)
    .meta({ description: "walks that the base draws beforehand, which the guide learns from" }),
  learningRate: choiceSchema.shape.learningRate.default(usualChoice.learningRate),
  seed: choiceSchema.shape.seed.default(usualChoice.seed).meta({ description: "of weights, noise and order" }),
  prompts: prompts.nullable().default(null).meta({
    description: "what the base draws on its walks; null: plain things, or what a known base was trained with",
  }),
});
export type NewDistillation = z.output<typeof newDistillation>;

/** What was asked for, as it is kept. */
export const storedAsked = z.object({ choice: choiceSchema, prompts: prompts.nullable() });
export type StoredAsked = z.output<typeof storedAsked>;

/** Beside the states of its job: what was paused waits for nobody but its person. */
export const distillationState = z.enum(["queued", "running", "paused", "succeeded", "failed", "cancelled"]);
export type DistillationState = z.output<typeof distillationState>;

/** As the worker tells it: what it costs. In it is the base's name. */
export const storedPlan = z.object({
  guide: z.object({ widths: z.array(z.number()), parameters: z.number() }),
  states: z.object({ walks: z.number(), count: z.number(), passes: z.number() }),
  memory: z.object({ need: z.number() }),
  disk: z.object({ need: z.number() }),
  seconds: z
    .object({ states: z.number(), training: z.number() })
    .nullable()
    .meta({ description: "by what a first pass took" }),
});

const figures = { fvu: z.number(), delivered: z.number(), cosine: z.number() };

/** What the guide was worth after so many steps, on walks that it is not trained on. */
export const storedLook = z.object({
  step: z.number(),
  ...figures,
  byTimestep: z.array(z.object({ timestep: z.number(), ...figures })),
  byGuidance: z.array(z.object({ guidanceScale: z.number(), ...figures })),
  strength: z
    .array(z.object({ timestep: z.number(), guidanceScale: z.number(), rms: z.number() }))
    .default([])
    .meta({ description: "root mean square of what the guide adds inside the base; told of the newest look" }),
});
export type StoredLook = z.output<typeof storedLook>;

/** How the guide came to be. */
export const storedRecord = z.object({
  guide: z.object({
    widths: z.array(z.number()),
    parameters: z.number(),
    share: z.number(),
    sha256: z.string(),
  }),
  base: z.object({ parameters: z.number(), sha256: z.string(), trainable: z.literal(0) }),
  seconds: z.object({ states: z.number(), training: z.number() }),
  runtime: z.object({ provider: z.string(), threads: z.number() }),
});

export const distillationProgress = z.object({
  stage: z.enum(["states", "training", "held-out"]),
  done: z.number(),
  total: z.number(),
  secondsLeft: z.number().nullable(),
  stepsPerSecond: z.number().nullable(),
});
export type DistillationProgress = z.output<typeof distillationProgress>;

/** What a guide costs, before it is begun: worked out from shapes, and the time from what earlier ones took. */
export const distillationCost = z.object({
  parameters: z.number().meta({ description: "of the guide, about" }),
  share: z.number().meta({ description: "of the base's parameters, at most" }),
  memory: z.number().meta({ description: "bytes" }),
  macs: z.object({ states: z.number(), training: z.number() }).meta({ description: "multiply–accumulates" }),
  seconds: z.number().nullable().meta({ description: "null before this hub has made its first guide" }),
});
export type DistillationCost = z.output<typeof distillationCost>;

const distillation = {
  id: z.uuid(),
  state: distillationState,
  problem: z.string().nullable().meta({ description: "why it failed, and the way out" }),
  base: z
    .object({ repo: z.string(), commit: z.string() })
    .nullable()
    .meta({ description: "null where it is gone, or where you may not see it" }),
  guide: z.object({ repo: z.string(), commit: z.string().nullable().meta({ description: "once it is published" }) }),
  choice: choiceSchema,
  keptSteps: z.int().nullable().meta({ description: "of its last checkpoint, from which it goes on" }),
  isMine: z.boolean(),
  mayChange: z.boolean().meta({ description: "whether you may pause, resume and cancel it" }),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
};
export const distillationItem = z.object(distillation);
export type DistillationItem = z.output<typeof distillationItem>;

export const sampleView = z.object({
  step: z.int().meta({ description: "after so many steps; 0 for CFG" }),
  position: z.int().meta({ description: "of its prompt among those that are drawn" }),
  mode: z.enum(["guide", "cfg"]),
  prompt: z.string(),
  url: z.string(),
  width: z.int(),
  height: z.int(),
});
export type SampleView = z.output<typeof sampleView>;

export const sampleParams = z.object({
  id: z.uuid(),
  sample: z
    .string()
    .regex(/^\d{1,6}-\d{1,2}-(guide|cfg)$/, "it must be like 250-0-guide")
    .meta({ description: "its step, its position and its mode: 250-0-guide" }),
});

export const distillationView = z.object({
  ...distillation,
  promptCount: z.int().nullable().meta({ description: "null where the usual prompts are taken" }),
  queue: z
    .object({ ahead: z.int(), running: z.int(), workers: z.int(), problem: z.string().nullable() })
    .nullable()
    .meta({ description: "its place while it waits" }),
  progress: distillationProgress.nullable(),
  plan: storedPlan.nullable().meta({ description: "what it costs, once a worker has begun it" }),
  losses: z
    .array(z.object({ step: z.int(), loss: z.number() }))
    .meta({ description: "means of the steps up to there, at most 200 of them; all are in metrics.csv" }),
  looks: z.array(storedLook).meta({ description: "what was held out, each time it was looked at" }),
  samples: z.array(sampleView).meta({ description: "held-out prompts as the guide draws them, and as CFG does" }),
  record: storedRecord.nullable().meta({ description: "how the guide came to be, once it is done" }),
});
export type DistillationView = z.output<typeof distillationView>;

export const distillationParams = z.object({ id: z.uuid() });

export const distillationQuery = z.object({
  ...pageQuery.shape,
  mine: z.stringbool().default(false).meta({ description: "only what you asked for" }),
});
export type DistillationQuery = z.output<typeof distillationQuery>;
export const distillationList = pageOf(distillationItem);
export type DistillationList = z.output<typeof distillationList>;

export const costQuery = newDistillation.pick({ base: true, revision: true, kind: true }).extend({
  share: z.coerce.number().nullable().default(null),
  steps: z.coerce.number().int().min(1).max(MOST_STEPS).default(usualChoice.steps),
  batch: z.coerce.number().int().min(1).max(usualChoice.batch).default(usualChoice.batch),
  trajectories: z.coerce.number().int().min(1).max(MOST_WALKS).default(usualChoice.trajectories),
});
export type CostQuery = z.output<typeof costQuery>;
