import { expect, test } from "vitest";
import type { KeptByWay } from "#lib/measure/curve.ts";
import { compareWays, tolerance } from "#lib/measure/same-again.ts";

const way = (mode: "guide" | "cfg", kept: number[], distance: number[]): KeptByWay => ({
  mode,
  guidanceScale: 5,
  cfgSteps: 0,
  sampler: "ddim",
  steps: 20,
  kept,
  distance,
});
const there = [way("guide", [1, 0.5, 0.75], [0.2, 0.3, 0.4]), way("cfg", [1, 1, 1], [0, 0, 0])];

test("ways that were drawn again agree within their tolerance, in whichever order, and of the first prompts too", () => {
  const here = [way("cfg", [1, 1], [0, 0]), way("guide", [1, 0.5], [0.2, 0.3 + tolerance.distance / 2])];
  const { levels, differences } = compareWays(there, here, "attributes");
  expect(differences).toEqual([]);
  expect(levels.map(({ name, values }) => [name, values])).toEqual([
    ["other ways", 4],
    ["their latents", 4],
  ]);
});

test("a value that is another, and a way that nobody claimed, are told by the prompt and the way", () => {
  const other = compareWays(there, [way("guide", [1, 0.75], [0.2, 0.35])], "attributes").differences;
  expect(other).toEqual([
    expect.stringMatching(/^The score of prompt 2, guide at guidance 5, .* is 0\.5 in the report and 0\.75 here/),
    expect.stringMatching(/^The distance .* of prompt 2, .* is 0\.3 in the report and 0\.35 here/),
  ]);
});

test("one way may be another, since it depends on all values before, and no more", () => {
  const last = { ...there[1]!, guidanceScale: 3.1 };
  expect(compareWays([...there, last], [...there, { ...last, guidanceScale: 3.2 }], "clip").differences).toEqual([]);
  expect(compareWays([...there, last], [there[0]!], "clip").differences).toEqual([
    "Of 3 ways to draw in the report 1 were drawn here.",
  ]);
});
