import { z } from "zod";
import type { ModelNeeds } from "#lib/diffusion/needs.ts";
import type { DistillCosts } from "#lib/distill/costs.ts";
import type { Inspection } from "#lib/inspection/inspection.ts";
import type { Before, PairReport } from "#lib/measure/pair-check.ts";
import type { PairEnvelope } from "#lib/measure/pair-envelope.ts";
import type { Envelope } from "#lib/pairing/envelope.ts";
import type { PairCurve } from "#lib/measure/pair-curve.ts";
import type { Curve } from "#lib/pairing/evidence.ts";
import type { UNetSignature } from "#lib/pairing/signature.ts";
import type { StyleTest } from "#lib/pairing/style-test.ts";
import { samplerNames } from "#lib/sampler-names.ts";

/**
 * What a child found out, checked where it arrives: a child reads files of strangers, so its parent takes nothing of it on trust. Each
 * schema is held to the type that the rest of the project knows; a field that one of them lacks does not compile.
 */
const numbers = z.array(z.number());
const count = z.number().min(0);
const strings = z.array(z.string());

const signatureFields = {
  inChannels: z.number(),
  channels: numbers,
  layersPerBlock: numbers,
  downAttends: z.array(z.boolean()),
  crossAttentionDim: z.number(),
  predictionType: z.enum(["epsilon", "v_prediction", "sample"]),
};

const needAt = z.object({ at: count, peak: count, stage: z.string(), bytes: count });
export const needs: z.ZodType<ModelNeeds> = z.object({
  drawing: z.array(needAt),
  merging: count,
  measuring: z.array(needAt),
  measuringPixels: count,
});

export const distilling: z.ZodType<DistillCosts> = z.object({
  problem: z.string().nullable(),
  parameters: count,
  least: count,
  walkMacs: count,
  shares: z.array(z.object({ at: count, parameters: count, macs: count, batches: z.array(needAt) })),
});

export const signature: z.ZodType<UNetSignature> = z.object(signatureFields);

const dtype = z.custom<Inspection["dtypes"][number]["dtype"]>((value) => typeof value === "string");
const amount = {
  tensors: count,
  parameters: count,
  dtypes: z.array(z.object({ dtype, parameters: count, share: z.number() })),
};
const metadata = z.record(z.string(), z.string());
const said = z.object({ name: z.string(), from: z.string() });

const lowRank = z.object({
  layers: z.record(z.string(), count),
  ranks: numbers,
  alphas: numbers,
  textWidth: z.number().nullable(),
  bases: z.array(
    z.object({ name: z.string(), id: z.string().nullable(), runs: z.boolean(), whyNot: z.string().nullable() }),
  ),
  triggers: z.array(z.object({ words: z.string(), from: z.string(), declared: z.boolean() })),
  accelerator: z
    .object({
      name: z.string(),
      from: z.string(),
      sampler: z.enum(samplerNames),
      timestepSpacing: z.enum(["leading", "trailing"]),
      steps: z.number(),
      guidance: z.number(),
    })
    .nullable(),
});

const guide = z.object({
  variant: z.string(),
  widths: numbers,
  base: z.object({ ...signatureFields, sha256: z.string() }),
  minGuidance: z.number(),
  maxGuidance: z.number(),
  referenceGuidance: z.number(),
  trainedOn: z.record(z.string(), z.string()),
});

export const inspection: z.ZodType<Inspection> = z.object({
  name: z.string(),
  kind: z.custom<Inspection["kind"]>((value) => typeof value === "string"),
  form: z.string().nullable(),
  family: z.string().nullable(),
  families: strings,
  lineage: said.nullable(),
  ...amount,
  prediction: z.object({ type: z.string(), from: z.string() }).nullable(),
  zeroTerminalSnr: z.boolean().nullable(),
  steps: z.number().nullable(),
  parts: z.array(
    z.object({ name: z.string(), family: z.string().nullable(), problem: z.string().nullable(), metadata, ...amount }),
  ),
  lowRank: lowRank.nullable(),
  guide: guide.nullable(),
  evaluator: z
    .object({ kind: z.enum(["attributes", "clip"]), words: z.record(z.string(), count), domains: strings })
    .nullable(),
  latents: numbers.nullable(),
  weightsFitConfig: z.boolean().nullable(),
  runs: z.boolean(),
  whatRuns: z.string(),
  problems: strings,
  metadata,
});

/** NaN and infinity are numbers here: what they mean is for judgement to say. */
const number = z.union([z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity)]);
const estimate = z.object({ value: number, low: number, high: number, n: count });
const figures = { fvu: estimate, delivered: estimate, cosine: estimate };

const lineage = z
  .object({
    medianCosine: number,
    lowCosine: number,
    meanCosine: number,
    medianDistance: number,
    tensors: count,
    furthest: strings,
    guideNamesThisBase: z.boolean(),
  })
  .nullable();

const certainty = z.object({ isCertain: z.boolean(), hope: number });
const claims = z.object({ gain: certainty, verified: certainty, usable: certainty, tooLittle: certainty });
const modes = ["conditional", "guide", "cfg"] as const;

const range = z.object({ low: number, high: number });
const distance = z.object({ value: number, swapped: range, halves: range, floor: range, n: count });

const fidelity = z.object({
  conditional: estimate,
  guide: estimate,
  cfg: estimate,
  gain: estimate,
  recovered: estimate.nullable(),
  claims: claims.nullable(),
  unreadable: z.array(z.enum(modes)),
  available: count,
  tries: count,
  guidanceScale: number,
  evaluator: z.enum(["attributes", "clip"]),
  scored: strings,
  unscored: z.array(z.object({ attribute: z.string(), accuracy: number })),
  domain: z.string().nullable(),
  notes: strings,
  distances: z.object({ conditional: distance.nullable(), guide: distance.nullable() }),
});

const evidence = z.object({
  structure: strings,
  lineage,
  agreement: z
    .object({
      ...figures,
      byTimestep: z.array(z.object({ timestep: number, ...figures })),
      byGuidance: z.array(z.object({ guidanceScale: number, ...figures })),
      finite: z.boolean(),
      modelIsFinite: z.boolean(),
      addsNothing: z.boolean(),
    })
    .nullable(),
  fidelity: fidelity.nullable(),
  others: z.array(fidelity).exactOptional(),
  silences: strings.exactOptional(),
});

const macs = z.object({ convolution: count, linear: count, attention: count, total: count });
const state = z.object({
  prompt: number,
  timestep: number,
  guidanceScale: number,
  error: number,
  product: number,
  asked: number,
  delivered: number,
});

const scores = { conditional: number, guide: number, cfg: number };
const raw = {
  agreement: z.array(state),
  fidelity: z.array(z.object({ prompt: z.string(), ...scores, others: z.array(z.object(scores)).exactOptional() })),
};

/** What a parent hands back to a child, for the next look. */
export const before: z.ZodType<Before | null> = z.object({ lineage, ...raw }).nullable();

const verdictName = z.enum(["verified", "usable with limits", "incompatible", "inconclusive", "not measured"]);

const right = z.object({ right: count, of: z.number().positive() });
export const styleTest: z.ZodType<StyleTest> = z.object({
  scenes: count,
  read: z.object({ background: right, present: right, color: right, size: right }),
  distance: z.object({ before: number, after: number, floor: number }),
});

export const pairReport: z.ZodType<PairReport> = z.object({
  verdict: verdictName,
  reasons: strings,
  next: count.nullable(),
  protocol: z.custom<PairReport["protocol"]>((value) => typeof value === "object" && value !== null),
  opinions: z.array(
    z.object({
      evaluator: z.enum(["attributes", "clip"]),
      style: styleTest.nullable(),
      silence: z.string().nullable(),
      verdict: verdictName.nullable(),
      fidelity: fidelity.nullable(),
    }),
  ),
  evidence,
  looks: z.array(z.object({ prompts: count, gain: estimate, recovered: estimate.nullable(), claims })),
  cost: z
    .object({ baseParameters: count, guideParameters: count, base: macs, guide: macs, againstCfg: number })
    .nullable(),
  raw: z.object(raw),
});

const way = {
  mode: z.enum(modes),
  guidanceScale: number,
  cfgSteps: count,
  sampler: z.enum(samplerNames),
  steps: count,
};

export const curve: z.ZodType<Curve> = z.object({
  n: count,
  guidanceScale: number,
  points: z.array(z.object({ ...way, passes: count, fidelity: estimate, againstGuide: estimate, distance: estimate })),
  byGuidance: z.array(
    z.object({ guidanceScale: number, cfg: estimate, guide: estimate.nullable(), distance: estimate.nullable() }),
  ),
  delivered: z.object({ guidanceScale: estimate, isBeyond: z.boolean(), cfg: estimate, distance: estimate }).nullable(),
});

const setting = { guidanceScale: number, guideStrength: number, cfgSteps: count };
const span = z.object({ low: number, high: number });

export const envelope: z.ZodType<Envelope> = z.object({
  n: count,
  others: count,
  steps: count,
  none: estimate,
  byGuidance: z.array(z.object({ guidanceScale: number, cfg: estimate, guide: estimate.nullable() })),
  bySteps: z.array(z.object({ steps: count, cfg: estimate, guide: estimate })),
  byStrength: z.array(z.object({ strength: number, guide: estimate, delivered: estimate, isAllowed: z.boolean() })),
  byCfgSteps: z.array(z.object({ cfgSteps: count, passes: count, guide: estimate })),
  cfgGuidance: number,
  best: z.object({ ...setting, passes: count }),
  holds: z.object({ guidance: span.nullable(), steps: span.nullable() }),
  found: z.object({
    none: estimate,
    cfg: estimate,
    guide: estimate,
    best: estimate,
    againstGuide: estimate,
    againstCfg: estimate,
  }),
});

export const envelopeRaw: z.ZodType<PairEnvelope["raw"]> = z.object({
  prompts: strings,
  trials: z.array(
    z.object({
      ...way,
      guideStrength: number.exactOptional(),
      prompts: z.enum(["chosen on", "others"]),
      kept: z.array(number),
    }),
  ),
});

export const curveRaw: z.ZodType<PairCurve["raw"]> = z.object({
  prompts: strings,
  ways: z.array(z.object({ ...way, kept: z.array(number), distance: z.array(number) })),
});
