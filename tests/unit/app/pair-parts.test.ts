import { describe, expect, test } from "vitest";
import type { Measured, PairItem, PairView } from "#lib/catalog/pairs/schema.ts";
import { betterOf } from "../../../app/pairs/[id]/others.ts";
import { labelOf } from "../../../app/pairs/[id]/label.ts";
import { toMacs, workOf } from "../../../app/pairs/[id]/work.ts";

describe("the work of one picture", () => {
  const measured = {
    cost: { base: { total: 300e6 }, guide: { total: 3e6 }, baseParameters: 1, guideParameters: 1, againstCfg: 0.505 },
    protocol: { steps: 20 },
  } as unknown as Measured;

  test("is counted in passes and multiply–accumulates, against CFG", () => {
    const work = workOf(measured)!;
    expect(work.conditional).toEqual({ passes: 20, macs: 6e9, againstCfg: 0.5 });
    expect(work.guide).toEqual({ passes: 20, macs: 6.06e9, againstCfg: 0.505 });
    expect(work.cfg).toEqual({ passes: 40, macs: 12e9, againstCfg: 1 });
    expect(workOf({ ...measured, cost: null })).toBeNull();
  });

  test.each([
    [2.665e6, "2.67 M"],
    [292.5e6, "293 M"],
    [11.7e9, "11.7 G"],
    [40e12, "40.0 T"],
  ])("%d MACs are %s", (macs, said) => expect(toMacs(macs)).toBe(said));
});

describe("the button that measures", () => {
  const pair = (change: object) =>
    ({ state: "succeeded", stale: null, measured: { next: null }, ...change }) as unknown as PairView;
  test.each<[string, object, string | null]>([
    ["is not there where the plan has ended: asking again draws no other prompts", {}, null],
    ["is not there while it goes on", { state: "queued", measured: { next: 96 } }, null],
    ["goes on where too much waited", { measured: { next: 96 } }, "Go on to 96 prompts"],
    ["goes on after a look that failed", { state: "failed", measured: { next: 192 } }, "Go on to 192 prompts"],
    ["measures anew what is stale", { stale: "The guide has other weights since." }, "Measure again"],
    ["tries again what failed", { state: "failed", measured: null }, "Measure again"],
  ])("%s", (_what, change, label) => expect(labelOf(pair(change))).toBe(label));
});

describe("another measurement says more", () => {
  const other = (id: string, n: number, change: Partial<PairItem> = {}) =>
    ({ id, n, state: "succeeded", stale: null, ...change }) as PairItem;
  test("where it rests on more prompts, and speaks of today", () => {
    expect(
      betterOf({ stale: null, n: 48 }, [
        other("a", 96),
        other("b", 192, { stale: "Old." }),
        other("c", 300, { state: "running" }),
      ])?.id,
    ).toBe("a");
    expect(betterOf({ stale: null, n: 96 }, [other("a", 48)])).toBeNull();
    expect(betterOf({ stale: null, n: 48 }, [])).toBeNull();
  });
  test("where this one does not speak of today", () =>
    expect(betterOf({ stale: "Old.", n: 96 }, [other("a", 48)])?.id).toBe("a"));
});
