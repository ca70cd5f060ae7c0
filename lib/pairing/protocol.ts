/**
 * Counts up with whatever changes the numbers of a measurement, or how they are judged: sampler, steps, guidance, seeds, figures, plan.
 * 1: a fixed number of prompts, judged by the value in the middle. 2: the plan of looks, judged by intervals. 3: on
 * prompts and noise that nobody could train on, with one error for all guides of an author on one model.
 */
export const PROTOCOL_VERSION = 3;

/** What pictures are read with. A base may bring both, one or none. */
export interface Judges {
  /** Of the files; null where there is none. */
  readonly evaluatorSha256: string | null;
  readonly promptsSha256: string | null;
}

/** «v2-e831b29eef3b2-p0f6a3c9d1e2b»: measurements that share it draw the same prompts in the same order. */
export const protocolKey = ({ evaluatorSha256, promptsSha256 }: Judges): string =>
  `v${PROTOCOL_VERSION}-e${short(evaluatorSha256)}-p${short(promptsSha256)}`;

/** Evidence of an earlier protocol is kept, and speaks of that one. */
export const isOfThisVersion = (protocol: string): boolean => protocol.startsWith(`v${PROTOCOL_VERSION}-`);

const short = (sha256: string | null): string => sha256?.slice(0, 12) ?? "0";
