/** Counts up with whatever changes the numbers of a measurement: sampler, steps, guidance, seeds, figures. */
export const PROTOCOL_VERSION = 1;

/** What pictures are read with. A base may bring both, one or none. */
export interface Judges {
  /** Of the files; null where there is none. */
  readonly evaluatorSha256: string | null;
  readonly promptsSha256: string | null;
}

/** «v1-e831b29eef3b2-p0f6a3c9d1e2b»: measurements that share it differ in nothing but how many prompts were drawn. */
export const protocolFamily = ({ evaluatorSha256, promptsSha256 }: Judges): string =>
  `v${PROTOCOL_VERSION}-e${short(evaluatorSha256)}-p${short(promptsSha256)}`;

/** The family, and the number of prompts: «v1-e831b29eef3b2-p0f6a3c9d1e2b-n48». */
export const protocolKey = (judges: Judges, pictures: number): string => `${protocolFamily(judges)}-n${pictures}`;

const short = (sha256: string | null): string => sha256?.slice(0, 12) ?? "0";
