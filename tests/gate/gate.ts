import type { HubMember } from "../support/hub-member.ts";
import type { RunningHub } from "../support/running-hub.ts";
import { noS3Server, type S3Server } from "../support/s3-server.ts";

/** Hostile runs of one kind against a hub that runs, and what others felt of them. */
export interface Gate {
  /** What is tried, in one line. */
  readonly about: string;
  /** Variables of the hub, where the defaults are not what is tried. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Where the hub has its objects, where that is not a folder: in a bucket of a real S3 server. */
  readonly store?: "bucket";
  readonly run: (stage: GateStage, length: GateLength) => Promise<readonly Figure[]>;
}

/**
 * `full` gives steady figures in a few minutes. `short` is for `npm test`: some seconds beside whatever else the machine does, so that
 * of times only a hang is found there; what holds on any machine is counted, or is time of a processor.
 */
export type GateLength = "short" | "full";

export interface GateStage {
  readonly hub: RunningHub;
  readonly folder: string;
  /** The operator. */
  readonly ann: HubMember;
  /** An ordinary person, who does no harm. */
  readonly ben: HubMember;
  /** An ordinary person, who does. */
  readonly eve: HubMember;
  /** Where the hub has its objects, where that is a bucket. */
  readonly s3: S3Server | null;
}

/** Why a gate cannot be tried on this machine; null where it can. */
export const whyNot = ({ store }: Gate): string | null => (store === "bucket" ? noS3Server : null);

type Unit = "" | "ms" | "s" | "times as long" | "MB" | "ms of a processor";

/** Something measured. It fails its gate when it is beyond a bound. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Bounds {
  readonly atMost: number;
  readonly atLeast: number;
}

const HANG_SECONDS = 120;
/** What bounds a time while nobody knows what else the machine does. */
const hangs: Partial<Record<Unit, number>> = { ms: HANG_SECONDS * 1000, s: HANG_SECONDS, "times as long": Infinity };

export function boundsOf({ unit, atMost = Infinity, atLeast = -Infinity }: Figure, length: GateLength): Bounds {
  const hang = length === "short" ? hangs[unit] : undefined;
  return hang === undefined ? { atMost, atLeast } : { atMost: hang, atLeast: -Infinity };
}

export function isWithin(figure: Figure, length: GateLength): boolean {
  const { atMost, atLeast } = boundsOf(figure, length);
  return figure.value <= atMost && figure.value >= atLeast; // NaN is within nothing
}
