import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import type { Model } from "#lib/diffusion/model.ts";
import type { NeedAt } from "#lib/diffusion/needs.ts";
import { signatureOf } from "#lib/diffusion/model-files.ts";
import { ownSize } from "#lib/diffusion/picture-size.ts";
import { unetParts } from "#lib/diffusion/pipeline.ts";
import { rowsAtOnce } from "#lib/measure/rows-at-once.ts";
import { countMacs } from "#lib/onnx/macs.ts";
import { guideKinds, usualChoice } from "#lib/pairing/guide-choice.ts";
import type { UNetSignature } from "#lib/pairing/signature.ts";
import { narrowestGuide, widthsWithin, guideParameters } from "./guide-widths.ts";
import { graphsOf, memoryNeed } from "./plan.ts";
import { MOST_HELD_OUT } from "./prompts/split-prompts.ts";
import { type Recipe, recipeFor, type RecipeSubject } from "./recipe.ts";
import { whyNotDistilled } from "./subject.ts";
import { statesIn, walksOf } from "./teacher/walks.ts";

/** What a guide of a share costs, as it is usually made. */
export interface CostAt {
  /** The share. */
  readonly at: number;
  /** Of the guide. */
  readonly parameters: number;
  /** Multiply–accumulates of a step, for each state that it sees. */
  readonly macs: number;
  /** Of memory, by how many states a step sees. */
  readonly batches: readonly NeedAt[];
}

/** What it takes to make a guide of a base, worked out from shapes before anybody asks. */
export interface DistillCosts {
  /** Why no guide is made of it; null where one is. */
  readonly problem: string | null;
  /** Of its UNet, and of the narrowest guide for it. */
  readonly parameters: number;
  readonly least: number;
  /** Multiply–accumulates of one of the walks that it draws. */
  readonly walkMacs: number;
  /** At the shares of the kinds that there are, and at the narrowest guide where that is more. */
  readonly shares: readonly CostAt[];
}

/** The largest share that somebody may ask for. */
const MOST = 0.5;

/** Between the fewest states that a step can see and as many as are usual, memory grows in a straight line. */
const BATCHES = [1, usualChoice.batch];

interface Worked {
  readonly recipe: Recipe;
  readonly graphs: ReturnType<typeof graphsOf>;
  readonly need: NeedAt;
}

/** Of prompts nothing matters here but how many are held out. */
const anyPrompts = (parameters: number): RecipeSubject => ({
  prompts: { source: "", count: 1, sha256: "" },
  rows: 2 * rowsAtOnce(parameters),
  heldOut: MOST_HELD_OUT,
});

const untrained = ({ variant, guidance }: Recipe, widths: readonly number[], base: UNetSignature): GuideConfig => ({
  variant,
  widths,
  base: { ...base, sha256: "" },
  minGuidance: guidance.low,
  maxGuidance: guidance.high,
  referenceGuidance: guidance.reference,
  trainedOn: {},
});

export function costsOf(model: Model): DistillCosts {
  const { parameters } = model.unet.weights;
  const base = signatureOf(model);
  const least = guideParameters(base, narrowestGuide(base));
  const why = whyNotDistilled(model);
  const leastShare = Math.ceil((1e4 * least) / parameters) / 1e4;
  const none = { parameters, least, walkMacs: 0, shares: [] };
  if (why !== null) return { ...none, problem: `${model.name} ${why}` };
  if (leastShare > MOST)
    return { ...none, problem: `${model.name} is so small that the narrowest guide for it is more than half of it` };

  const parts = unetParts({ model, lowRank: [], guide: null, embeddings: [] }, ownSize(model));
  const at = (share: number): { readonly cost: CostAt; readonly walkMacs: number } => {
    const widths = widthsWithin(share, base, { parameters, name: model.name });
    const [one, usual] = BATCHES.map((batch) => {
      const recipe = recipeFor({ ...usualChoice, share, batch }, anyPrompts(parameters));
      const graphs = graphsOf(untrained(recipe, widths, base), parts, recipe);
      const { stages, peak } = memoryNeed(graphs, recipe, parts, model.vae);
      const { stage, bytes } = stages.reduce((a, b) => (b.bytes > a.bytes ? b : a));
      return { recipe, graphs, need: { at: batch, peak, stage, bytes } };
    }) as [Worked, Worked];
    const { teacher, training } = usual.recipe;
    const states = walksOf(teacher).reduce((sum, walks) => sum + statesIn(walks), 0);
    return {
      cost: {
        at: share,
        parameters: guideParameters(base, widths),
        macs: countMacs(usual.graphs.training).total / training.batch,
        batches: [one.need, usual.need],
      },
      walkMacs: (2 * states * countMacs(usual.graphs.joined).total) / teacher.trajectories,
    };
  };
  const fitting = Object.values(guideKinds).filter((share) => share >= leastShare);
  const shares = (fitting.length > 0 ? fitting : [leastShare]).map(at);
  return {
    problem: null,
    parameters,
    least,
    walkMacs: shares[0]!.walkMacs,
    shares: shares.map(({ cost }) => cost),
  };
}
