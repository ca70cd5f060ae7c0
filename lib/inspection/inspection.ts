import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import type { Lineage } from "#lib/families/lineage.ts";
import type { Prediction } from "#lib/families/prediction.ts";
import type { EvaluatorFacts } from "./evaluator-facts.ts";
import type { Amount, Metadata, Part } from "./facts.ts";
import type { Kind } from "./kind.ts";
import type { LowRankFacts } from "./low-rank-facts.ts";

/** What a file or folder is, judged by its tensors. Every key is always there. */
export interface Inspection extends Amount {
  readonly name: string;
  readonly kind: Kind;
  /** In which of its kind's spellings or classes it comes, such as "kohya" or "StableDiffusionPipeline". */
  readonly form: string | null;
  /** As people call it; several in one sentence where several fit; null where it is not known. */
  readonly family: string | null;
  /** The names of all families that it may be of or for; empty where none is known. */
  readonly families: readonly string[];
  /** A model that others are made from as if it were a base, as metadata claims. */
  readonly lineage: Lineage | null;
  /** Null where nothing says what the network predicts, or where the question makes no sense. */
  readonly prediction: Prediction | null;
  /** Whether its noise schedule ends in pure noise; null where nothing says. */
  readonly zeroTerminalSnr: boolean | null;
  /** How many steps it is made for; null where nothing says. */
  readonly steps: number | null;
  readonly parts: readonly Part[];
  readonly lowRank: LowRankFacts | null;
  readonly guide: GuideConfig | null;
  readonly evaluator: EvaluatorFacts | null;
  /** [B, C, H, W] */
  readonly latents: readonly number[] | null;
  /** Whether the weights are those that the config calls for; null where no config was read or nothing here builds what it describes. */
  readonly weightsFitConfig: boolean | null;
  /** Whether a command takes it as it is. */
  readonly runs: boolean;
  /** What would run it, or why nothing does and what to do. */
  readonly whatRuns: string;
  readonly problems: readonly string[];
  readonly metadata: Metadata;
}

/** An inspection that found nothing; in JSON the keys keep this order. */
export const blank: Inspection = {
  name: "",
  kind: "unknown",
  form: null,
  family: null,
  families: [],
  lineage: null,
  tensors: 0,
  parameters: 0,
  dtypes: [],
  prediction: null,
  zeroTerminalSnr: null,
  steps: null,
  parts: [],
  lowRank: null,
  guide: null,
  evaluator: null,
  latents: null,
  weightsFitConfig: null,
  runs: false,
  whatRuns: "",
  problems: [],
  metadata: {},
};
