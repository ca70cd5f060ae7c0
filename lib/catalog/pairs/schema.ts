import { z } from "zod";
import { evaluatorKind, jobState } from "#lib/catalog/inspections/schema.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { kindsThat } from "#lib/catalog/kinds.ts";
import { MOST_STRENGTH } from "#lib/catalog/previews/limits.ts";
import { unitView } from "#lib/catalog/units/schema.ts";
import { env } from "#lib/env.ts";
import { pageOf, pageQuery } from "#lib/page.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { runtimeKey } from "#lib/pairing/runtime-key.ts";
import { verdict } from "#lib/catalog/verdict.ts";
import { curveView, envelopeView } from "./study-schema.ts";
import { estimate } from "./estimate.ts";
import { period } from "#lib/catalog/periods/schema.ts";

/** Without an evaluator nothing is drawn, and one-step figures do not judge; four prompts keep a model of SD 1.5's size within the hour. */
export const UNJUDGED_PROMPTS = 4;

/** Where a base keeps captions that everybody may explore with. */
export const PROMPTS = "evaluator/prompts.txt";

/**
 * What pairs of this hub are measured on: the processor, which every worker has, unless the operator named another provider for all of
 * them. `auto` may find a graphics card on one machine and none on the next, and their numbers do not compare.
 */
export function measuringProvider(): "cpu" | "cuda" | "webgpu" {
  const { provider } = env();
  return provider === "auto" ? "cpu" : provider;
}

export const measuringRuntime = (): string => runtimeKey({ provider: measuringProvider(), precision: "float32" });

export { estimate, verdict };

const sha256 = z.string();
const agreementFigures = {
  fvu: estimate.meta({ description: "unexplained share of the guidance: 0 is perfect, 1 is no guide at all" }),
  delivered: estimate.meta({ description: "share of the asked guidance that is delivered" }),
  cosine: estimate,
};
const macs = z.record(z.string(), z.number());

const fidelity = z.object({
  recovered: estimate.nullable().meta({
    description:
      "R: the share of what CFG adds to prompt fidelity that the guide recovers, its interval holding over all looks; null where CFG's gain could be nothing, and R anything",
  }),
  conditional: estimate,
  guide: estimate,
  cfg: estimate,
  gain: estimate,
  available: z.number().optional().meta({ description: "how many prompts the plan may draw" }),
  tries: z.number().default(1).meta({
    description:
      "the how manieth guide of its author on this model; the error of one plan is shared among them, the k-th may spend 6 / (π² k²) of it",
  }),
  evaluator: evaluatorKind.optional().meta({ description: "what read the pictures" }),
  scored: z.array(z.string()),
  unscored: z.array(z.object({ attribute: z.string(), accuracy: z.number() })),
  domain: z.string().nullable(),
});

const right = z.object({ right: z.number(), of: z.number().positive() });

/** How well an evaluator reads a style, where nobody but the hub has measured that. */
export const styleTest = z.object({
  scenes: z.number().meta({ description: "how many scenes of known content the model drew anew" }),
  read: z.object({ background: right, present: right, color: right, size: right }).meta({
    description: "of each attribute how many were read right, of so many; what went missing counts as misread",
  }),
  distance: z.object({ before: z.number(), after: z.number(), floor: z.number() }).meta({
    description:
      "how far the look of the scenes lies from that of the model's own pictures, before and after it drew them anew, and what chance alone makes of it: a squared MMD",
  }),
});

/** An evaluator as it was used. */
const usedEvaluator = z.object({
  sha256: sha256.meta({ description: "over the files that decide what it reads" }),
  kind: evaluatorKind,
  commit: z.string().nullable(),
  repo: fullName.nullable().default(null).meta({ description: "null where it is gone, or you may not see it" }),
  testedOn: z.string().default("").meta({ description: "on what its accuracy was measured, and by whom" }),
  style: styleTest.nullable().default(null).meta({
    description: "how well it reads this model's style, where the hub measured that itself; null where others did",
  }),
  silence: z.string().nullable().meta({ description: "why nothing that it read counts" }),
  verdict: verdict.nullable().meta({ description: "what it says by itself" }),
  fidelity: fidelity.nullable(),
});
export type UsedEvaluator = z.output<typeof usedEvaluator>;

/** What was measured, and of exactly which bytes. */
export const measured = z.object({
  structure: z.array(z.string()).meta({ description: "what does not fit; empty where the guide can run at all" }),
  lineage: z
    .object({
      band: z.enum(["derived", "distant", "doubtful", "unrelated"]),
      medianCosine: z.number(),
      lowCosine: z.number(),
      meanCosine: z.number(),
      medianDistance: z.number(),
      tensors: z.number(),
      furthest: z.array(z.string()).default([]),
      guideNamesThisBase: z.boolean(),
    })
    .nullable()
    .meta({ description: "how close the weights lie to those of the guide's base" }),
  agreement: z
    .object({
      ...agreementFigures,
      byTimestep: z.array(z.object({ timestep: z.number(), ...agreementFigures })),
      byGuidance: z.array(z.object({ guidanceScale: z.number(), ...agreementFigures })),
    })
    .nullable()
    .meta({ description: "one step against one step of CFG; shown, does not judge" }),
  fidelity: fidelity
    .nullable()
    .meta({ description: "how well pictures keep to their prompts, from the same noise in all three modes" }),
  evaluators: z
    .array(usedEvaluator)
    .default([])
    .meta({ description: "what read the pictures; where there are several, a word needs all of them" }),
  looks: z
    .array(z.object({ prompts: z.number(), gain: estimate, recovered: estimate.nullable() }))
    .default([])
    .meta({ description: "what each look of the plan said, up to the last one" }),
  next: z
    .number()
    .nullable()
    .default(null)
    .meta({ description: "how many prompts the plan looks at next; null where it has ended" }),
  cost: z
    .object({
      baseParameters: z.number(),
      guideParameters: z.number(),
      base: macs,
      guide: macs,
      againstCfg: z.number(),
    })
    .nullable(),
  protocol: z.object({
    version: z.number(),
    sampler: z.string(),
    steps: z.number(),
    guidanceScale: z.number(),
    agreementGuidances: z.array(z.number()),
    agreementPrompts: z.number(),
    agreementSeed: z.number().nullable().meta({ description: "null where it is drawn from the hub's period" }),
    pictureSeed: z.number().nullable(),
  }),
  evaluatorSha256: sha256.nullable().meta({ description: "of the first of `evaluators`" }),
  promptsSha256: sha256
    .nullable()
    .default(null)
    .meta({ description: "of the list of prompts that the base brought, before the third protocol" }),
  files: z.array(z.object({ role: z.string(), path: z.string(), sha256 })),
  runtime: z.object({
    name: z.string(),
    version: z.string(),
    provider: z.string(),
    precision: z.string().default("float32"),
    threads: z.number(),
  }),
});
export type Measured = z.output<typeof measured>;

/** `pair.summary`: how many prompts are drawn when the look that is asked for has ended, by what they are judged, and what the last one found. */
export const storedSummary = z.object({
  request: z
    .object({
      pictures: z.number(),
      evaluators: z.array(z.object({ commitId: z.string(), sha256, kind: evaluatorKind })).optional(),
    })
    .default({ pictures: firstLook.prompts }),
  measured: measured.optional(),
});
export type StoredSummary = z.output<typeof storedSummary>;

export const progress = z.object({ stage: z.string(), done: z.number(), total: z.number() });
export type Progress = z.output<typeof progress>;

const side = z.object({
  repo: fullName,
  commit: z.string(),
  copies: z.int().meta({
    description: "how many repos that you may see have the same bytes; the first one that had them is named",
  }),
});

const evidence = {
  state: jobState,
  verdict,
  recovered: estimate.nullable(),
  n: z.number().nullable().meta({ description: "how many prompts were drawn" }),
  next: z.number().nullable().meta({
    description:
      "how many prompts the plan looks at next, where the verdict may still become a surer one; null where it has ended",
  }),
  problem: z.string().nullable().meta({ description: "why it failed" }),
  stale: z
    .string()
    .nullable()
    .meta({ description: "why it no longer speaks of what the two repos are today; null where it does" }),
  measuredAt: z.iso.datetime().nullable(),
};

export const pairItem = z.object({
  id: z.uuid(),
  unit: unitView.meta({ description: "what was measured, part by part" }),
  finetune: side.meta({ description: "what the unit goes by: the last of its components" }),
  guide: side,
  ...evidence,
  protocol: z.string(),
  runtime: z.string(),
  createdAt: z.iso.datetime(),
});
export type PairItem = z.output<typeof pairItem>;

export const pairView = pairItem.extend({
  reasons: z.array(z.string()).meta({ description: "sentences that say what the verdict rests on and what is lost" }),
  period: period.nullable().default(null).meta({
    description: "what prompts and noise are drawn from; null: what everybody knew, before the third protocol",
  }),
  outlook: z
    .object({
      prompts: z.number(),
      ofAtMost: z.number().meta({ description: "how many the last look of the plan draws" }),
      seconds: z
        .number()
        .nullable()
        .meta({ description: "of work, as the looks before took; null where nothing tells" }),
      comesByItself: z.boolean().meta({
        description: "whether it waits or runs already: asking again is of no use then; else asking again goes on",
      }),
    })
    .nullable()
    .default(null)
    .meta({ description: "the next look of the plan, which may settle what is open; null where the plan has ended" }),
  pictures: z.number().meta({ description: "how many prompts the look draws that was asked for last" }),
  progress: progress.nullable(),
  queue: z
    .object({
      ahead: z.number(),
      running: z.number(),
      workers: z.number(),
      seconds: z.number().nullable(),
      problem: z.string().nullable().meta({ description: "why none of the workers begins it, where that is so" }),
    })
    .nullable()
    .meta({ description: "its place while it waits" }),
  measured: measured.nullable(),
  curve: curveView.nullable().default(null).meta({
    description:
      "what else could be done with a guide's passes, measured after the plan has ended, where nobody waits for anything else; null where it was not asked for",
  }),
  envelope: envelopeView.nullable().default(null).meta({
    description:
      "where the guide is at its best on the model, and how far around it holds; null where nobody asked for it. No verdict rests on it",
  }),
  measurements: z.array(
    z.object({
      level: z.number().meta({ description: "0 structure, 1 lineage, 2 agreement, 4 pictures, 5 cost" }),
      n: z.number().meta({ description: "samples" }),
      machine: z.string(),
      milliseconds: z.number(),
      raw: z.unknown().optional().meta({ description: "the value of every sample, where asked for" }),
    }),
  ),
});
export type PairView = z.output<typeof pairView>;

export const newCheck = z.strictObject({
  finetune: fullName.meta({ description: "a fine-tune or a base" }),
  guide: fullName,
  loraStrength: z
    .number()
    .min(-MOST_STRENGTH)
    .max(MOST_STRENGTH)
    .optional()
    .meta({ description: "of a low-rank fine-tune: 1, as it was trained, where nothing is said" }),
});
export type NewCheck = z.output<typeof newCheck>;

export const pairQuery = z.object({
  ...pageQuery.shape,
  finetune: fullName.optional(),
  guide: fullName.optional(),
  verdict: verdict.optional(),
});
export type PairQuery = z.output<typeof pairQuery>;
export const pairList = pageOf(pairItem);

/** A repo that may pair with another, and what is known of that. */
export const partner = z.object({
  repo: fullName,
  commit: z.string(),
  parameters: z.number().nullable(),
  pair: z.uuid().nullable().meta({ description: "the measurement; null where there is none" }),
  ...evidence,
  state: z.enum(["measured", "running", "queued", "failed", "cancelled", "not measured"]),
});
export type Partner = z.output<typeof partner>;
export const partnerList = pageOf(partner);

const cell = partner.omit({ repo: true, commit: true, parameters: true });
const matrixRow = z.object({
  repo: fullName,
  kind: z.enum(kindsThat("draws")),
  commit: z.string(),
  cells: z.array(cell).meta({ description: "one for each of `guides`, in their order" }),
});
export type MatrixRow = z.output<typeof matrixRow>;

/** Everything that was measured within the family of a base. */
export const matrix = pageOf(matrixRow).extend({
  base: fullName,
  guides: z
    .array(partner.pick({ repo: true, commit: true, parameters: true }))
    .meta({ description: "those made for the base, the most used first" }),
  guideCount: z.number().meta({
    description: "how many guides there are, also beyond those that are told; 1000 also where there are more",
  }),
  modelCount: z.number().meta({
    description:
      "how many rows there are on all pages: the base, and what was made from it; 1000 also where there are more",
  }),
});
export type Matrix = z.output<typeof matrix>;
