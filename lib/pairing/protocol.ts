/**
 * Counts up with whatever changes the numbers of a measurement, or how they are judged: sampler, steps, guidance, seeds, figures, plan.
 * 1: a fixed number of prompts, judged by the value in the middle. 2: the plan of looks, judged by intervals. 3: on
 * prompts and noise that nobody could train on, with one error for all guides of an author on one model.
 */
export const PROTOCOL_VERSION = 3;

/** What pictures are read with, and which prompts are drawn. */
export interface Judges {
  /** Of each evaluator; none where nothing judges. */
  readonly evaluators: readonly { readonly sha256: string }[];
  /** Of the list of prompts; null where there is none. */
  readonly promptsSha256: string | null;
}

/** «v3-e831b29eef3b2-p0f6a3c9d1e2b»: measurements that share it draw the same prompts and have them read by the same evaluators. */
export function protocolKey({ evaluators, promptsSha256 }: Judges): string {
  const judges = evaluators.map(({ sha256 }) => short(sha256)).toSorted();
  return `v${PROTOCOL_VERSION}-e${judges.length > 0 ? judges.join(".") : "0"}-p${promptsSha256 === null ? "0" : short(promptsSha256)}`;
}

/** Evidence of an earlier protocol is kept, and speaks of that one. */
export const isOfThisVersion = (protocol: string): boolean => protocol.startsWith(`v${PROTOCOL_VERSION}-`);

const short = (sha256: string): string => sha256.slice(0, 12);
