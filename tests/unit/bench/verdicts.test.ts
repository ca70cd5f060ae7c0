import { expect, test } from "vitest";
import { recoveredOf } from "../../../bench/verdicts/operating.ts";
import { runGallery } from "../../../bench/verdicts/gallery.ts";
import { readValues } from "../../../bench/verdicts/values.ts";
import { simulate } from "../../../bench/verdicts.ts";
import { testRuntime } from "../../support/golden.ts";

test("on no style “verified” is said where R is 0.7, but by chance, and where it is 0.92 it is hardly missed", async () => {
  for (const { style, gain, characteristics, anyVerified } of await simulate(300, [0.7, 0.92])) {
    const [atThreshold, good] = characteristics;
    // 300 runs of an error of 0.025 give 0.05 in one test of 200.
    expect({ style, share: atThreshold!.shares.verified < 0.05 }).toEqual({ style, share: true });
    // Nor of one of ten guides that an author tries, since they share that error.
    expect({ style, share: anyVerified < 0.05 }).toEqual({ style, share: true });
    if (gain >= 0.15) expect({ style, share: good!.shares.verified > 0.85 }).toEqual({ style, share: true });
  }
});

test("what is simulated from is what pictures have: shares in steps, in three modes", async () => {
  for (const [style, scores] of Object.entries(await readValues())) {
    expect({ style, areEnough: scores.length >= 96 }).toEqual({ style, areEnough: true });
    expect(recoveredOf(scores)).toBeLessThan(1.1);
    for (const one of scores)
      for (const share of Object.values(one as object) as number[])
        expect(share >= 0 && share <= 1 && [2, 3, 4, 5, 7].some((parts) => isWhole(share * parts))).toBe(true);
  }
});

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 0.001;

test("the gallery tells apart what needs no network", async () => {
  const rows = await runGallery(
    testRuntime,
    () => {},
    (name) => name.includes("v-prediction"),
  );
  expect(rows.map(({ found, isRight }) => [found, isRight])).toEqual([["incompatible", true]]);
});
