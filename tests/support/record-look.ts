import { expect } from "vitest";
import type { Measured } from "#lib/catalog/pairs/schema.ts";
import { recordOutcome } from "#lib/catalog/pairs/work.ts";
import { database } from "#lib/db/client.ts";
import { claimJob } from "./attempts.ts";
import { nothingMeasured } from "./nothing-measured.ts";

export interface LookAt {
  /** How many prompts it is at. */
  readonly n: number;
  /** How many the next one is at; null where the plan ends. */
  readonly next: number | null;
  readonly scored?: readonly string[];
  readonly verdict?: "inconclusive" | "incompatible";
}

/** Estimates without an interval. */
export const at = (value: number, n = 32) => ({ value, low: value, high: value, n });

/** Writes down a look at a pair, as its worker does, without measuring anything. */
export async function recordLook(pairId: string, look: LookAt): Promise<void> {
  const { n, next, scored = ["kinds"], verdict = "inconclusive" } = look;
  const fidelity = {
    recovered: null,
    conditional: at(0.5, n),
    guide: at(0.6, n),
    cfg: at(0.7, n),
    gain: at(0.2, n),
    scored: [...scored],
    unscored: [],
    domain: null,
  } as unknown as NonNullable<Measured["fidelity"]>;
  await database().job.updateMany({ where: { subjectId: pairId, kind: "check" }, data: { state: "queued" } });
  const outcome = {
    verdict,
    reasons: [],
    summary: { request: { pictures: n }, measured: { ...nothingMeasured, next, fidelity } },
    levels: [],
    next,
    prompts: [],
    machine: "test",
  };
  expect(await recordOutcome(pairId, (await claimJob("check", pairId))!, outcome, async () => {})).toBe(true);
}
