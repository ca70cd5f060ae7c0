/** What measurement hands to judgement: plain numbers, with what they rest on. */

/** A measured number. The interval holds 95 % of the resamples. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** How many prompts were resampled. */
  readonly n: number;
}

/** L1: how close the weights lie to those of the base that the guide was made for. */
export interface Lineage {
  /** Cosine between matching tensors: the middle one, the 5th percentile, and the mean weighted by size. */
  readonly medianCosine: number;
  readonly lowCosine: number;
  readonly meanCosine: number;
  /** ‖W_f − W_b‖ / ‖W_b‖, the middle one. */
  readonly medianDistance: number;
  readonly tensors: number;
  /** Whether the base given is the very file that the guide's metadata names. */
  readonly guideNamesThisBase: boolean;
}

/** L2: one-step agreement with CFG, on the fine-tune's own CFG trajectories. */
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
}

/** L4: how well pictures keep to their prompts, from the same noise in all three modes. */
export interface Fidelity {
  readonly conditional: Estimate;
  readonly guide: Estimate;
  readonly cfg: Estimate;
  /** CFG − conditional, paired. */
  readonly gain: Estimate;
  /** R = (guide − conditional) / (CFG − conditional); none where CFG itself gains nothing significant. */
  readonly recovered: Estimate | null;
  /** What read the pictures: whether attributes that a prompt names are there, or how similar CLIP finds picture and prompt. */
  readonly evaluator: "attributes" | "clip";
  readonly scored: readonly string[];
  /** Attributes left out, with the accuracy at which the evaluator reads them in this domain. */
  readonly unscored: readonly { readonly attribute: string; readonly accuracy: number }[];
  /** The domain whose accuracies were used; null where the evaluator knows none by that name. */
  readonly domain: string | null;
  /** What else the evaluator has to say, in sentences. */
  readonly notes: readonly string[];
}

export interface Evidence {
  /** L0: what does not fit, in words. */
  readonly structure: readonly string[];
  readonly lineage: Lineage | null;
  readonly agreement: Agreement | null;
  readonly fidelity: Fidelity | null;
}
