import { z } from "zod";
import { fullName } from "#lib/catalog/repo-name.ts";
import { samplerNames } from "#lib/sampler-names.ts";

/** Counts up when the reader learns to see more: commits are then inspected anew. */
export const INSPECTOR_VERSION = "3";

/** Whether an evaluator reads attributes from latents, or compares pictures with prompts as CLIP does. */
export const evaluatorKind = z.enum(["attributes", "clip"]);

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const amount = {
  tensors: z.number(),
  parameters: z.number(),
  dtypes: z
    .array(z.object({ dtype: z.string(), parameters: z.number(), share: z.number() }))
    .meta({ description: "most first; the shares add up to 1" }),
};
const metadata = z.record(z.string(), z.string()).meta({ description: "text of strangers, cut where it is long" });

export const signature = z
  .object({
    inChannels: z.number(),
    channels: z.array(z.number()),
    layersPerBlock: z.array(z.number()),
    downAttends: z.array(z.boolean()),
    crossAttentionDim: z.number(),
    predictionType: z.enum(["epsilon", "v_prediction", "sample"]),
  })
  .meta({ description: "what a guide and a model must have in common" });

const guide = z.object({
  variant: z.string(),
  widths: z.array(z.number()),
  base: signature.extend({ sha256 }),
  minGuidance: z.number(),
  maxGuidance: z.number(),
  referenceGuidance: z.number(),
  trainedOn: z.record(z.string(), z.string()),
});

const lowRank = z.object({
  layers: z.record(z.string(), z.number()).meta({ description: "how many of each network it changes" }),
  ranks: z.array(z.number()),
  alphas: z.array(z.number()),
  textWidth: z.number().nullable(),
  bases: z
    .array(
      z.object({
        name: z.string(),
        id: z.string().nullable().default(null),
        runs: z.boolean(),
        whyNot: z.string().nullable().default(null),
      }),
    )
    .default([])
    .meta({ description: "the families that its shapes fit; none where they do not tell" }),
  triggers: z
    .array(z.object({ words: z.string(), from: z.string(), declared: z.boolean() }))
    .default([])
    .meta({ description: "words that bring out what it was trained on, and what says so" }),
  accelerator: z
    .object({
      name: z.string(),
      from: z.string(),
      sampler: z.enum(samplerNames),
      timestepSpacing: z.string(),
      steps: z.number(),
      guidance: z.number(),
    })
    .nullable()
    .default(null)
    .meta({ description: "what it asks for, where it says that it shortens sampling" }),
});

const needs = z.array(z.object({ at: z.number(), peak: z.number(), stage: z.string(), bytes: z.number() }));

/** What it takes to make a guide of a model. */
const distilling = z.object({
  problem: z.string().nullable().meta({ description: "why none is made of it" }),
  parameters: z.number().meta({ description: "of its UNet" }),
  least: z.number().meta({ description: "parameters of the narrowest guide for it" }),
  walkMacs: z.number().meta({ description: "multiply–accumulates of one of the walks that it draws" }),
  shares: z.array(z.object({ at: z.number(), parameters: z.number(), macs: z.number(), batches: needs })).meta({
    description:
      "by the guide's share of its parameters: multiply–accumulates of a step for each state that it sees, and bytes of memory by how many it sees",
  }),
});

/** What is in the files, as lib/inspection tells it. */
const content = z.object({
  name: z.string(),
  kind: z.enum([
    "diffusers folder",
    "component folder",
    "low-rank fine-tune",
    "guide",
    "evaluator",
    "CLIP folder",
    "CLIP",
    "single-file checkpoint",
    "unet",
    "diffusion transformer",
    "text encoder",
    "vision encoder",
    "vae",
    "controlnet",
    "adapter",
    "motion module",
    "embedding",
    "hypernetwork",
    "upscaler",
    "safety checker",
    "scorer",
    "latents",
    "GGUF file",
    "unknown",
  ]),
  form: z.string().nullable().meta({ description: "its class or spelling, such as StableDiffusionPipeline or kohya" }),
  family: z.string().nullable(),
  families: z.array(z.string()).default([]).meta({ description: "all that it may be of or for, where several fit" }),
  lineage: z
    .object({ name: z.string(), from: z.string() })
    .nullable()
    .default(null)
    .meta({ description: "a model that others are made from, and what claims it" }),
  ...amount,
  prediction: z.object({ type: z.string(), from: z.string() }).nullable(),
  zeroTerminalSnr: z.boolean().nullable().default(null),
  steps: z.number().nullable().default(null).meta({ description: "how many it is made for" }),
  parts: z.array(
    z.object({ name: z.string(), family: z.string().nullable(), problem: z.string().nullable(), ...amount, metadata }),
  ),
  lowRank: lowRank.nullable(),
  guide: guide.nullable(),
  evaluator: z
    .object({
      kind: evaluatorKind.default("attributes"),
      words: z.record(z.string(), z.number()).meta({ description: "how many of each kind it knows" }),
      domains: z.array(z.string()).meta({ description: "the styles that it says it was tried on" }),
    })
    .nullable(),
  latents: z.array(z.number()).nullable(),
  weightsFitConfig: z.boolean().nullable(),
  runs: z.boolean().meta({ description: "whether it draws pictures or guides here, as it is" }),
  whatRuns: z.string().meta({ description: "what would run it, or why nothing does and what to do" }),
  problems: z.array(z.string()),
  metadata,
  mainFile: z.string().nullable(),
  files: z
    .array(z.object({ role: z.string(), path: z.string(), sha256 }))
    .meta({ description: "those that decide what it computes" }),
  signature: signature.nullable(),
  nativeSize: z.object({ width: z.number(), height: z.number() }).nullable().default(null).meta({
    description: "of the pictures that it was trained to draw, in pixels; null where it draws none by itself",
  }),
  needs: z
    .object({ drawing: needs, merging: z.number(), measuring: needs, measuringPixels: z.number() })
    .nullable()
    .default(null)
    .meta({
      description:
        "bytes of memory: to draw so many pixels, to merge low-rank files, to be measured with so many pictures; each with the stage that takes most of it. Null where it was inspected before this was asked",
    }),
  distilling: distilling.nullable().default(null).meta({
    description:
      "what making a guide of it costs; null of what is no model, and where it was inspected before this was asked",
  }),
});

/** How a base was found: a guide names its file; weights are close; the layers of a low-rank file fit it. */
const how = z.enum(["named by the guide", "by its weights", "by its shapes"]);

const base = z.object({ repoId: z.uuid(), commitId: z.string(), medianCosine: z.number().nullable() });

/** Of a commit, as they are kept. Bases go by their ids: their names may change, and may not be for everybody. */
export const storedFacts = content.extend({
  declaredBase: base.pick({ repoId: true }).nullable(),
  detectedBase: base.extend({ how }).nullable(),
  fittingBases: z.array(base),
  agrees: z.boolean().nullable(),
});
export type StoredFacts = z.output<typeof storedFacts>;

const shownBase = z.object({
  repo: fullName.nullable().meta({ description: "null where you may not see it" }),
  commit: z.string().nullable(),
  medianCosine: z.number().nullable().meta({
    description: "between its weights and these, the middle one of all tensors; null where no weights were compared",
  }),
});

export const shownFacts = content.extend({
  declaredBase: shownBase.pick({ repo: true }).nullable().meta({ description: "what the repo says it is made for" }),
  detectedBase: shownBase.extend({ how }).nullable(),
  fittingBases: z.array(shownBase).meta({
    description: "of a low-rank file, all that its layers fit; of a whole model, all with weights like its own",
  }),
  agrees: z
    .boolean()
    .nullable()
    .meta({ description: "whether the declared base is the detected one; null where there is nothing to compare" }),
});

export const jobState = z.enum(["queued", "running", "succeeded", "failed", "cancelled"]);

export const inspectionView = z.object({
  id: z.uuid(),
  commit: z.string(),
  state: jobState,
  problem: z.string().nullable().meta({ description: "why it failed" }),
  contract: z
    .string()
    .nullable()
    .meta({ description: "what the model is to a guide: a guide and a model with one contract may pair" }),
  weightsSha256: z.string().nullable().meta({ description: "over all files that a measurement depends on" }),
  facts: shownFacts.nullable(),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
});
export type InspectionView = z.output<typeof inspectionView>;

export const inspectionQuery = z.object({
  revision: z.string().max(255).default("HEAD").meta({ description: "a branch, a tag or a commit" }),
});
