import { AWAITED, type JobLane, type JobResource, lanes, priorities } from "./jobs.ts";

/** What one place of a worker takes: one job at a time, besides those that have made room for it. */
export interface PlaceKind {
  readonly resource: JobResource;
  readonly lanes: readonly JobLane[];
  readonly least: number;
  /** Takes no second short job of a person for whom its worker does one already. */
  readonly forOthers?: boolean;
}

const anything = { lanes, least: priorities.batch } as const;

/**
 * The places of a worker. What nobody waits for fills one only; its processes run niced, so that it costs the others little. One of several
 * is kept for short work that somebody waits for; where there is only one, long work makes room for it. Of files too: a hundred gigabytes
 * that are read never stand before a card; and of two that read files, one person's commits take one, whichever is free first, or they
 * would take the processor from the pictures of all others.
 *
 * @param compute how many jobs may run networks at a time
 */
export const placesOfWorker = (compute: number): PlaceKind[] => [
  { resource: "files", ...anything, forOthers: true },
  { resource: "files", lanes: ["seconds"], least: priorities.batch, forOthers: true },
  { resource: "compute", ...anything },
  ...Array.from({ length: Math.max(0, compute - 2) }, () => ({ resource: "compute", lanes, least: AWAITED }) as const),
  ...(compute > 1 ? [{ resource: "compute", lanes: ["seconds"], least: AWAITED } as const] : []),
];

export const takes = (
  place: PlaceKind,
  { lane, priority }: { readonly lane: JobLane; readonly priority: number },
): boolean => priority >= place.least && place.lanes.includes(lane);
