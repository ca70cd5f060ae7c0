import { expect, test } from "vitest";
import type { Curve, CurvePoint, Estimate, Way } from "#lib/pairing/evidence.ts";
import { findingsOf } from "#lib/pairing/ways.ts";

const at = (value: number, half = 0.01): Estimate => ({ value, low: value - half, high: value + half, n: 48 });

function point(passes: number, against: number, way: Partial<Way> = {}): CurvePoint {
  return {
    mode: "cfg",
    guidanceScale: 5,
    cfgSteps: 0,
    sampler: "ddim",
    steps: 20,
    ...way,
    passes,
    fidelity: at(0.9 + against),
    againstGuide: at(against),
    distance: at(0.3),
  };
}

const guide = point(20, 0, { mode: "guide" });
const half = (against: number): CurvePoint => point(20, against, { steps: 10, sampler: "dpmpp-2m" });
const mixed = (cfgSteps: number, against: number): CurvePoint =>
  point(20 + cfgSteps, against, { mode: "guide", cfgSteps });

function curve(points: readonly CurvePoint[], delivered: Curve["delivered"] = null): Curve {
  return { n: 48, guidanceScale: 5, points, byGuidance: [], delivered };
}
const delivering = (value: number, isBeyond = false): Curve["delivered"] => ({
  guidanceScale: at(value, 0.4),
  isBeyond,
  cfg: at(0.9),
  distance: at(0.2),
});

test.each([
  [
    half(-0.05),
    "With 20 passes nothing that was tried keeps as much as the guide: the best of it, CFG at 10 steps of DPM++ 2M, keeps 0.050 (95% interval 0.040 to 0.060) less.",
  ],
  [
    half(-0.005),
    "With 20 passes CFG at 10 steps of DPM++ 2M may keep as much as the guide: 48 prompts leave a difference of −0.005 open (95% interval −0.015 to +0.005).",
  ],
  [
    half(-0.01),
    "With 20 passes CFG at 10 steps of DPM++ 2M may keep as much as the guide: 48 prompts leave a difference of −0.010 open (95% interval −0.020 to +0.000).",
  ],
  [
    half(0.02),
    "With 20 passes CFG at 10 steps of DPM++ 2M keeps 0.020 (95% interval 0.010 to 0.030) more than the guide does; here fewer steps are the better choice.",
  ],
])("of what takes as many passes as the guide the best is told, as certainly as it is known", (other, sentence) => {
  expect(findingsOf(curve([guide, other, point(40, 0.5)]))[0]).toBe(sentence);
});

test("what takes more passes than the guide is not what is done instead of it", () => {
  expect(findingsOf(curve([guide, half(-0.05), mixed(2, 0.3)]))[0]).toContain("CFG at 10 steps of DPM++ 2M");
});

test("that CFG's first steps buy something is said where it is certain, of the fewest that do", () => {
  const said = (...mixes: CurvePoint[]) => findingsOf(curve([guide, half(-0.05), ...mixes]))[1];
  expect(said(mixed(1, 0.005), mixed(2, 0.03), mixed(5, 0.04))).toBe(
    "Letting CFG do the first 2 steps keeps 0.030 (95% interval 0.020 to 0.040) more, for 2 passes more.",
  );
  expect(said(mixed(1, 0.02))).toContain("the first 1 step keeps");
  expect(said(mixed(2, 0.01), mixed(5, -0.03))).toBe(
    "Letting CFG do the first steps, up to 5 of them, adds nothing that 48 prompts can tell.",
  );
});

test("what is delivered is told with its interval, and without one beyond what was drawn", () => {
  const said = (delivered: Curve["delivered"]) => findingsOf(curve([guide, half(-0.05)], delivered)).at(-1);
  expect(said(delivering(3.4))).toBe(
    "Asked for guidance 5, the guide keeps as much as CFG at guidance 3.4 (95% interval 3 to 3.8, n = 48).",
  );
  expect(said(delivering(8, true))).toBe(
    "Asked for guidance 5, the guide keeps more than CFG at any guidance up to 8; with 95% certainty as much as CFG at 7.6 or more (n = 48).",
  );
  expect(said(null)).toContain("no guidance to deliver");
});
