import type { HubMember } from "../support/hub-member.ts";
import type { RunningHub } from "../support/running-hub.ts";

/** Hostile runs of one kind against a hub that runs, and what others felt of them. */
export interface Gate {
  /** What is tried, in one line. */
  readonly about: string;
  /** Variables of the hub, where the defaults are not what is tried. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Why it cannot be tried on this machine; null where it can. */
  readonly skipped?: string | null;
  readonly run: (stage: GateStage, length: GateLength) => Promise<readonly Figure[]>;
}

/** `short` is for `.ci/run`: some seconds; `full` gives steady figures in a few minutes. */
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
}

/** Something measured. It fails its gate when it is beyond a bound. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export const isWithin = ({ value, atMost = Infinity, atLeast = -Infinity }: Figure): boolean =>
  value <= atMost && value >= atLeast; // NaN is within nothing
