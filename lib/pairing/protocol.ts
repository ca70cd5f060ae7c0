/**
 * Counts up with whatever changes the numbers of a measurement, or how they are judged: sampler, steps, guidance, seeds, figures, plan.
 * 1: a fixed number of prompts, judged by the value in the middle. 2: the plan of looks, judged by intervals. 3: on
 * prompts and noise that nobody could train on, with one error for all guides of an author on one model.
 */
export const PROTOCOL_VERSION = 3;

/** What pictures are read with. */
export interface Judges {
  /** Of its file; null where there is none. */
  readonly evaluatorSha256: string | null;
}

/** «v3-e831b29eef3b2»: measurements that share it are judged alike. What is drawn is said by their periods. */
export const protocolKey = ({ evaluatorSha256 }: Judges): string => `v${PROTOCOL_VERSION}-e${short(evaluatorSha256)}`;

/** Evidence of an earlier protocol is kept, and speaks of that one. */
export const isOfThisVersion = (protocol: string): boolean => protocol.startsWith(`v${PROTOCOL_VERSION}-`);

const short = (sha256: string | null): string => sha256?.slice(0, 12) ?? "0";
