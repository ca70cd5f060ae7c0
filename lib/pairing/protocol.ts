/**
 * Counts up with whatever changes the numbers of a measurement, or how they are judged: sampler, steps, guidance, seeds, figures, plan.
 * 1: a fixed number of prompts, judged by the value in the middle. 2: the plan of looks, judged by intervals. 3: on
 * prompts and noise that nobody could train on, with one error for all guides of an author on one model. 4: in a style that
 * nobody had measured the evaluator on, which the hub measures by itself.
 */
export const PROTOCOL_VERSION = 4;

/** What pictures are read with. */
export interface Judges {
  /** Each by its bytes; none where nothing judges. */
  readonly evaluators: readonly { readonly sha256: string }[];
}

/** “v3-e831b29eef3b2”: measurements that share it are read by the same evaluators. What is drawn is said by their periods. */
export function protocolKey({ evaluators }: Judges): string {
  const judges = evaluators.map(({ sha256 }) => sha256.slice(0, 12)).toSorted();
  return `v${PROTOCOL_VERSION}-e${judges.length > 0 ? judges.join(".") : "0"}`;
}

/** Evidence of an earlier protocol is kept, and speaks of that one. */
export const isOfThisVersion = (protocol: string): boolean => protocol.startsWith(`v${PROTOCOL_VERSION}-`);
