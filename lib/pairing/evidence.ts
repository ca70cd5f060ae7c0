import type { SamplerName } from "#lib/sampler-names.ts";
import type { Estimate } from "./estimate.ts";
import type { Recovery } from "./recovery.ts";

export type { Estimate };

/** What measurement hands to judgement: plain numbers, with what they rest on. */

/** L1: how close the weights lie to those of the base that the guide was made for. */
export interface Lineage {
  /** Cosine between matching tensors: the middle one, the 5th percentile, and the mean weighted by size. */
  readonly medianCosine: number;
  readonly lowCosine: number;
  readonly meanCosine: number;
  /** ‖W_f − W_b‖ / ‖W_b‖, the middle one. */
  readonly medianDistance: number;
  readonly tensors: number;
  /** Those that lie furthest from the base's, at most three, where they have little in common with it. */
  readonly furthest: readonly string[];
  /** Whether the base given is the very file that the guide's metadata names. */
  readonly guideNamesThisBase: boolean;
}

/** L2: one-step agreement with CFG, on the fine-tune's own CFG trajectories, every guidance counted alike. */
export interface AgreementFigures {
  /** Unexplained share of the guidance: Σ‖Δ̂ − Δ‖² / Σ‖Δ‖². 0 is perfect, 1 is no guide at all. */
  readonly fvu: Estimate;
  /** Share of the asked guidance that is delivered: Σ⟨Δ̂, Δ⟩ / Σ‖Δ‖². */
  readonly delivered: Estimate;
  /** Mean cosine of Δ̂ and Δ. */
  readonly cosine: Estimate;
}

export interface Agreement extends AgreementFigures {
  readonly byTimestep: readonly ({ readonly timestep: number } & AgreementFigures)[];
  readonly byGuidance: readonly ({ readonly guidanceScale: number } & AgreementFigures)[];
  /** Every prediction was a finite number. */
  readonly finite: boolean;
  /** … and every one that the model makes by itself. */
  readonly modelIsFinite: boolean;
  /** With the guide every prediction is what it is without. */
  readonly addsNothing: boolean;
}

/** L4: how well pictures keep to their prompts, from the same noise in all three modes. */
export interface Fidelity extends Omit<Recovery, "claims"> {
  readonly conditional: Estimate;
  readonly guide: Estimate;
  readonly cfg: Estimate;
  /** None where fewer prompts were drawn than the first look asks for. */
  readonly claims: Recovery["claims"] | null;
  /** Of which modes a picture could not be read as numbers. */
  readonly unreadable: readonly ("conditional" | "guide" | "cfg")[];
  /** How many prompts there are to draw in all. */
  readonly available: number;
  /** The how manieth guide it is that its author tried on this model: of the error that a plan allows it may spend its part. */
  readonly tries: number;
  readonly guidanceScale: number;
  /** What read the pictures: whether attributes that a prompt names are there, or how similar CLIP finds picture and prompt. */
  readonly evaluator: "attributes" | "clip";
  readonly scored: readonly string[];
  /** Attributes left out, with the accuracy at which the evaluator reads them in this style. */
  readonly unscored: readonly { readonly attribute: string; readonly accuracy: number }[];
  /** The style whose accuracies were used; null where nobody measured how well the evaluator reads this one. */
  readonly domain: string | null;
  /** What else the evaluator has to say, in sentences. */
  readonly notes: readonly string[];
  /** How far this look's pictures lie from CFG's as a set, without guidance and with the guide; null for fewer than eight. */
  readonly distances: Readonly<Record<"conditional" | "guide", DistributionDistance | null>>;
}

/** How far apart two sets of pictures are, and how far apart two halves of one set are by chance. */
export interface DistributionDistance {
  /** Squared MMD, without bias, so that none may be below zero. */
  readonly value: number;
  /** 95% of its values after the two pictures of about half the prompts have changed sets: within it, the sets cannot be told apart. */
  readonly swapped: Range;
  /** 95% of the values between one set's pictures of half the prompts and CFG's of the other half … */
  readonly halves: Range;
  /** … and between CFG's own two halves, which are as many: what other prompts alone make of it. */
  readonly floor: Range;
  /** How many pictures each set has. */
  readonly n: number;
}

/** One way to draw a picture from its noise, in the passes through the base that it takes. */
export interface Way {
  readonly mode: "conditional" | "guide" | "cfg";
  readonly guidanceScale: number;
  /** So many of the first steps are CFG's, whatever the mode. */
  readonly cfgSteps: number;
  /** By which all that a guide adds is multiplied; 1 where nothing is said. */
  readonly guideStrength?: number;
  readonly sampler: SamplerName;
  readonly steps: number;
}

/** “Why not simply fewer steps?”: how well pictures keep to their prompts against the passes through the base that they take. */
export interface Curve {
  /** How many prompts each figure rests on. */
  readonly n: number;
  /** What is asked for of all ways. */
  readonly guidanceScale: number;
  /** The fewest passes first. */
  readonly points: readonly CurvePoint[];
  /** The weakest guidance first, all within the guide's range but CFG's own below it. */
  readonly byGuidance: readonly GuidancePoint[];
  /** Null where CFG keeps no more at any guidance than pictures without it: then there is nothing to deliver. */
  readonly delivered: Delivered | null;
}

export interface CurvePoint extends Way {
  /** Of one picture. */
  readonly passes: number;
  readonly fidelity: Estimate;
  /** The same less the guide's, prompt by prompt. */
  readonly againstGuide: Estimate;
  /** ‖z − z_CFG‖ / ‖z_CFG‖ of finished latents from the same noise: 0 is CFG's own picture. */
  readonly distance: Estimate;
}

/** What is asked for at one guidance, and what comes of it. */
export interface GuidancePoint {
  readonly guidanceScale: number;
  readonly cfg: Estimate;
  /** Null where the guide was not made for so little. */
  readonly guide: Estimate | null;
  /** Σ‖z_guide − z_CFG‖ / Σ‖z_none − z_CFG‖ of this guidance: 0 is CFG's own pictures, 1 as far from them as without guidance. */
  readonly distance: Estimate | null;
}

/** The guidance that a guide delivers: the least at which CFG keeps as much as the guide does where `Curve.guidanceScale` is asked for. */
export interface Delivered {
  readonly guidanceScale: Estimate;
  /** The guide keeps more than CFG at any guidance that was drawn: the value is the strongest of those, and what is delivered at least that. */
  readonly isBeyond: boolean;
  /** CFG as it was drawn at that guidance, and how far the guide's pictures lie from those. */
  readonly cfg: Estimate;
  readonly distance: Estimate;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Evidence {
  /** L0: what does not fit, in words. */
  readonly structure: readonly string[];
  readonly lineage: Lineage | null;
  readonly agreement: Agreement | null;
  /** What the evaluator found whose word is the weakest; null where none read the pictures. */
  readonly fidelity: Fidelity | null;
  /** What others found in the same pictures. */
  readonly others?: readonly Fidelity[];
  /** Of each evaluator that read nothing, why, in a sentence. */
  readonly silences?: readonly string[];
}
