import { z } from "zod";
import { type FailureCode, failures } from "#lib/errors.ts";
import type { PairReport } from "#lib/measure/pair-check.ts";
import { Recipe } from "#lib/picture/recipe.ts";

/**
 * What a parent and its inference child say to each other, over Node's IPC channel with structured clones.
 *
 *   parent                        child
 *     ── sample | check ──────────▶
 *     ◀── progress … ─────────────     one after every pass or two
 *     ── cancel ──────────────────▶    seen between two passes
 *     ◀── sampled | checked | failed
 */
const floats = z.object({ shape: z.array(z.int().min(0)).readonly(), data: z.custom<Float32Array>((value) => value instanceof Float32Array) });

const runtime = z.object({ provider: z.enum(["cpu", "cuda", "webgpu"]), threads: z.int().min(1).max(1024) });
const choice = z.object({
  model: z.string(),
  lowRank: z.array(z.object({ path: z.string(), strength: z.number() })),
  guide: z.string().nullable(),
});

const sampleJob = z.object({
  type: z.literal("sample"),
  runtime,
  choice,
  request: z.object({
    prompt: z.string(),
    negativePrompt: z.string().nullable(),
    plan: z.object({ mode: z.enum(["conditional", "guide", "cfg"]), guidanceScale: z.number(), cfgSteps: z.number() }),
    sampler: z.enum(["ddim", "dpmpp-2m"]),
    steps: z.number(),
    start: z.union([z.object({ seed: z.number(), batch: z.int().min(1) }), z.object({ noise: floats })]),
  }),
  /** Whether progress carries coarse pictures. */
  pictures: z.boolean(),
});

const checkJob = z.object({
  type: z.literal("check"),
  runtime,
  choice: choice.extend({ guide: z.string() }),
  base: z.string().nullable(),
  evaluator: z.string().nullable(),
  prompts: z.array(z.string()).nullable(),
  pictures: z.int().min(1).max(10_000),
  domain: z.string().nullable(),
});

export const parentMessage = z.discriminatedUnion("type", [sampleJob, checkJob, z.object({ type: z.literal("cancel") })]);

/** 8-bit RGB, row by row. */
const picture = z.object({ width: z.int().min(1), height: z.int().min(1), rgb: z.custom<Uint8Array>((value) => value instanceof Uint8Array) });

const progress = z.object({
  type: z.literal("progress"),
  stage: z.string(),
  done: z.int().min(0),
  total: z.int().min(1),
  /** A coarse look at the estimate of the finished latents: one pixel for each. */
  picture: picture.optional(),
});

const sampled = z.object({
  type: z.literal("sampled"),
  latents: floats,
  /** The whole batch, side by side. */
  picture,
  passes: z.int(),
  /** Every file that decided the picture, and what ran it: the parts of a recipe that only the child knows. */
  model: Recipe.shape.model,
  files: Recipe.shape.files,
  runtime: Recipe.shape.runtime,
  /** What the person should know: a prompt that was cut, words the vocabulary does not know. */
  notes: z.array(z.string()),
  seconds: z.object({ open: z.number(), loop: z.number(), decode: z.number() }),
});

const checked = z.object({ type: z.literal("checked"), report: z.custom<PairReport>((value) => typeof value === "object" && value !== null) });

const codes = Object.keys(failures) as [FailureCode, ...FailureCode[]];
const failed = z.object({ type: z.literal("failed"), code: z.enum(codes), message: z.string(), detail: z.record(z.string(), z.unknown()) });

export const childMessage = z.discriminatedUnion("type", [z.object({ type: z.literal("ready") }), progress, sampled, checked, failed]);

export type Job = z.infer<typeof sampleJob> | z.infer<typeof checkJob>;
export type SampleJob = z.infer<typeof sampleJob>;
export type CheckJob = z.infer<typeof checkJob>;
export type ParentMessage = z.infer<typeof parentMessage>;
export type ChildMessage = z.infer<typeof childMessage>;
export type Progress = z.infer<typeof progress>;
export type ResultOf<J extends Job> = J extends SampleJob ? z.infer<typeof sampled> : z.infer<typeof checked>;

/** Reports progress to the parent, then lets a cancel that waits in the channel be heard: it may throw `cancelled`. */
export type Report = (progress: Omit<Progress, "type">) => Promise<void>;
