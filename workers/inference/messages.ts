import { z } from "zod";
import { cfgLayouts } from "#lib/diffusion/cfg-layout.ts";
import { recordSchema } from "#lib/distill/output/record.ts";
import { progressSchema } from "#lib/distill/progress.ts";
import { type FailureCode, failures } from "#lib/errors.ts";
import { precisions, providerChoices, providers } from "#lib/onnx/providers.ts";
import { choiceSchema } from "#lib/pairing/guide-choice.ts";
import { RecipeJson } from "#lib/picture/recipe.ts";
import { promptSyntaxes } from "#lib/prompt/read-prompt.ts";
import { samplerNames } from "#lib/sampler-names.ts";
import { batchNoises } from "#lib/tensor/batch-noise.ts";
import {
  before,
  curve,
  curveRaw,
  distilling,
  envelope,
  envelopeRaw,
  inspection,
  needs,
  pairReport,
  signature,
  styleTest,
} from "./result-schemas.ts";

/**
 * What a parent and its inference child say to each other, over a pipe, as structured clones (lib/util/frames.ts).
 *
 *   parent                        child
 *     ── sample | check | … ──────▶
 *     ◀── progress … ─────────────     one after every pass or two
 *     ── pause, resume, cancel ───▶    seen between two passes
 *     ◀── sampled | … | failed ───
 */

/** Of one message: 64 finished pictures of 1024 × 1024 are 200 MB. */
export const MOST_BYTES = 512 * 2 ** 20;

const floats = z
  .object({
    shape: z.array(z.int().min(0)).readonly(),
    data: z.custom<Float32Array>((value) => value instanceof Float32Array),
  })
  .refine(({ shape, data }) => shape.reduce((size, one) => size * one, 1) === data.length);

const runtime = z.object({
  provider: z.enum(providerChoices),
  threads: z.int().min(1).max(1024),
  /** How many bytes the child may take; without it, what the machine has, less a reserve. */
  memory: z.number().positive().optional(),
});
const place = { model: z.string(), config: z.string().nullable().exactOptional() };
const choice = z.object({
  ...place,
  lowRank: z.array(z.object({ path: z.string(), strength: z.number(), textStrength: z.number().exactOptional() })),
  guide: z.string().nullable(),
  embeddings: z.array(z.object({ path: z.string(), word: z.string().exactOptional() })).exactOptional(),
});

/** 8-bit RGB, row by row. */
const picture = z
  .object({
    width: z.int().min(1),
    height: z.int().min(1),
    rgb: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  })
  .refine(({ width, height, rgb }) => 3 * width * height === rgb.length);

const sampleJob = z.object({
  type: z.literal("sample"),
  runtime,
  choice,
  request: z.object({
    prompt: z.string(),
    negativePrompt: z.string().nullable(),
    promptSyntax: z.enum(promptSyntaxes),
    clipSkip: z.int().min(0),
    plan: z.object({
      mode: z.enum(["conditional", "guide", "cfg"]),
      guidanceScale: z.number(),
      cfgSteps: z.number(),
      guidanceRescale: z.number().exactOptional(),
      guideStrength: z.number().exactOptional(),
    }),
    sampler: z.enum(samplerNames),
    steps: z.number(),
    size: z.object({ height: z.int(), width: z.int() }).nullable(),
    start: z.union([
      z.object({ seed: z.bigint(), batch: z.int().min(1), batchNoise: z.enum(batchNoises) }),
      z.object({ noise: floats }),
    ]),
    picture: z.object({ picture, strength: z.number() }).nullable(),
  }),
  /** Whether progress carries coarse pictures. */
  pictures: z.boolean(),
});

const checkJob = z.object({
  type: z.literal("check"),
  runtime,
  choice: choice.extend({ guide: z.string() }),
  base: z.object(place).nullable(),
  evaluators: z.array(z.string()),
  prompts: z.array(z.string()).nullable(),
  draw: z
    .object({ key: z.string(), agreementSeed: z.int().min(0), pictureSeed: z.int().min(0) })
    .nullable()
    .exactOptional(),
  tries: z.int().min(1).exactOptional(),
  styles: z.array(styleTest.nullable()).exactOptional(),
  pictures: z.int().min(1).max(10_000),
  before,
  domain: z.string().nullable(),
  kept: z.object({ folder: z.string(), key: z.string(), evaluators: z.array(z.string()) }).nullable(),
  layout: z.object({ rows: z.int().min(1), cfg: z.enum(cfgLayouts) }).exactOptional(),
});

const curveJob = checkJob
  .pick({
    runtime: true,
    choice: true,
    evaluators: true,
    prompts: true,
    pictures: true,
    domain: true,
    styles: true,
    kept: true,
    layout: true,
  })
  .extend({ type: z.literal("curve") });

/** `choosing`: so many of the pictures are chosen on. */
const envelopeJob = curveJob.extend({ type: z.literal("envelope"), choosing: z.int().min(2).max(10_000) });

const inspectJob = z.object({ type: z.literal("inspect"), folder: z.string() });

const kinshipJob = z.object({
  type: z.literal("kinship"),
  fineTune: z.union([z.object({ lowRank: z.string() }), z.object({ model: z.string() })]),
  /** `family`: by name, of a single file that brings no configs: its own are those that the family was published with. */
  bases: z.array(z.object({ id: z.string(), folder: z.string(), family: z.string().nullable() })).min(1),
});

/** A guide of a base. What it makes stays in the folder, whatever ends it. */
const distillJob = z.object({
  type: z.literal("distill"),
  runtime,
  /** Null where a run goes on and its base is where it was. */
  model: z.string().nullable(),
  config: z.string().nullable(),
  output: z.string(),
  /** Null where the run in `output` goes on. */
  begin: z
    .object({
      choice: choiceSchema,
      prompts: z.object({ source: z.string(), prompts: z.array(z.string()).readonly() }).nullable(),
    })
    .nullable(),
  checkpointSeconds: z.number().min(0),
  samples: z.boolean(),
});

/** What networks can run on here. */
const probeJob = z.object({ type: z.literal("probe") });

const jobs = [sampleJob, checkJob, curveJob, envelopeJob, inspectJob, kinshipJob, distillJob, probeJob] as const;

export const parentMessage = z.discriminatedUnion("type", [
  ...jobs,
  z.object({ type: z.literal("pause") }),
  z.object({ type: z.literal("resume") }),
  z.object({ type: z.literal("cancel") }),
]);

const progress = z.object({
  type: z.literal("progress"),
  stage: z.string(),
  done: z.int().min(0),
  total: z.int().min(1),
  /** A coarse look at the estimate of the finished latents: one pixel for each. */
  picture: picture.optional(),
  /** More of a run that lasts: its cost, before it begins, and how its training goes. */
  distilling: progressSchema
    .pick({ secondsLeft: true, plan: true, figures: true, look: true, samples: true })
    .exactOptional(),
});

const sampled = z.object({
  type: z.literal("sampled"),
  latents: floats,
  /** The whole batch, side by side. */
  picture,
  passes: z.int(),
  /** Every file that decided the picture, and what ran it: the parts of a recipe that only the child knows. */
  model: RecipeJson.shape.model,
  files: RecipeJson.shape.files,
  runtime: RecipeJson.shape.runtime,
  /** What the person should know: a prompt that was cut, words the vocabulary does not know. */
  notes: z.array(z.string()),
  seconds: z.object({ open: z.number(), loop: z.number(), decode: z.number() }),
  /** Whether the networks were open already, from an earlier job. */
  warm: z.boolean(),
  /** What the process holds in memory now. */
  bytes: z.int().min(0),
});

const usedRuntime = z.object({
  name: z.string(),
  version: z.string(),
  provider: z.enum(providers),
  precision: z.enum(precisions),
  threads: z.number(),
});

const checked = z.object({ type: z.literal("checked"), report: pairReport, runtime: usedRuntime });

const curveMeasured = z.object({ type: z.literal("curve"), curve, raw: curveRaw, runtime: usedRuntime });

const envelopeMeasured = z.object({ type: z.literal("envelope"), envelope, raw: envelopeRaw, runtime: usedRuntime });

const inspected = z.object({
  type: z.literal("inspected"),
  inspection,
  /** What it is to a guide, or what a guide was made for; null for what does not run. */
  signature: signature.nullable(),
  /** What it was trained to draw, in pixels; null for what does not draw by itself. */
  nativeSize: z.object({ width: z.int(), height: z.int() }).nullable(),
  /** Of memory, at some sizes; null for what is not opened. */
  needs: needs.nullable(),
  /** What making a guide of it costs; of what is no model null. */
  distilling: distilling.nullable(),
  /** The files that decide what it computes, by their paths in the folder, the main one first. */
  files: z.array(z.object({ role: z.string(), path: z.string() })),
});

const compared = z.object({
  type: z.literal("compared"),
  /** Why a base is not the one it was made from, in words; else the middle cosine of their weights, where those were compared. */
  bases: z.array(z.object({ id: z.string(), mismatch: z.string().nullable(), medianCosine: z.number().nullable() })),
});

const distilled = z.object({ type: z.literal("distilled"), record: recordSchema });

const probed = z.object({
  type: z.literal("probed"),
  /** Of the runtime. */
  version: z.string(),
  probes: z.array(
    z.object({
      provider: z.enum(providers),
      bundled: z.boolean(),
      difference: z.number().nullable(),
      problem: z.string().nullable(),
    }),
  ),
});

const codes = Object.keys(failures) as [FailureCode, ...FailureCode[]];
const failed = z.object({
  type: z.literal("failed"),
  code: z.enum(codes),
  message: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

export const childMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  progress,
  sampled,
  checked,
  curveMeasured,
  envelopeMeasured,
  inspected,
  compared,
  distilled,
  probed,
  failed,
]);

export type Job = z.infer<(typeof jobs)[number]>;
export type SampleJob = z.infer<typeof sampleJob>;
export type CheckJob = z.infer<typeof checkJob>;
export type CurveJob = z.infer<typeof curveJob>;
export type EnvelopeJob = z.infer<typeof envelopeJob>;
export type InspectJob = z.infer<typeof inspectJob>;
export type KinshipJob = z.infer<typeof kinshipJob>;
export type DistillJob = z.infer<typeof distillJob>;
export type ProbeJob = z.infer<typeof probeJob>;
export type RuntimeChoice = z.infer<typeof runtime>;
export type ParentMessage = z.infer<typeof parentMessage>;
export type ChildMessage = z.infer<typeof childMessage>;
export type Progress = z.infer<typeof progress>;

interface Results {
  readonly sample: z.infer<typeof sampled>;
  readonly check: z.infer<typeof checked>;
  readonly curve: z.infer<typeof curveMeasured>;
  readonly envelope: z.infer<typeof envelopeMeasured>;
  readonly inspect: z.infer<typeof inspected>;
  readonly kinship: z.infer<typeof compared>;
  readonly distill: z.infer<typeof distilled>;
  readonly probe: z.infer<typeof probed>;
}
export type ResultOf<J extends Job> = Results[J["type"]];

/** Reports progress to the parent, then lets what waits in the channel be heard: it rests while it is to pause, and may throw `cancelled`. */
export type Report = (progress: Omit<Progress, "type">) => Promise<void>;
