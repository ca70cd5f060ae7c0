import { describe, expect, test } from "vitest";
import { guided, type GuidancePlan, modeOfStep, requirePlan } from "#lib/diffusion/guidance.ts";
import { parseGuideConfig } from "#lib/diffusion/guide-config.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { sd15GuideMetadata } from "../../../bench/sd15.ts";

const plan = (more: Partial<GuidancePlan>): GuidancePlan => ({ mode: "guide", guidanceScale: 5, cfgSteps: 0, ...more });
const guide = parseGuideConfig(sd15GuideMetadata, "guide");

describe("a plan", () => {
  test("lets CFG do the first steps before the guide", () => {
    expect([0, 1, 2, 3].map((step) => modeOfStep(plan({ cfgSteps: 2 }), step))).toEqual([
      "cfg",
      "cfg",
      "guide",
      "guide",
    ]);
  });

  test("lets CFG do the first steps before none is guided", () => {
    expect([0, 1, 2].map((step) => modeOfStep(plan({ mode: "conditional", cfgSteps: 1 }), step))).toEqual([
      "cfg",
      "conditional",
      "conditional",
    ]);
  });

  test("is conditional at guidance 1, in every mode", () => {
    for (const mode of ["conditional", "guide", "cfg"] as const) {
      expect(modeOfStep(plan({ mode, guidanceScale: 1, cfgSteps: 1 }), 0)).toBe("conditional");
    }
  });

  test.each<[Partial<GuidancePlan>, string | null, RegExp]>([
    [{ guidanceScale: NaN }, null, /NaN/],
    [{ guidanceScale: 8.5 }, null, /outside 1 to 8/],
    [{ mode: "cfg", guidanceScale: -1 }, null, /0 to 100/],
    [{ cfgSteps: 21 }, null, /0 to the 20 steps/],
    [{ cfgSteps: 0.5 }, null, /whole number/],
    [{ mode: "cfg", cfgSteps: 2 }, null, /mean nothing in the mode cfg/],
    [{}, "red", /cannot follow a negative one; let CFG do the first steps with --cfg-steps/],
    [{ mode: "conditional" }, "red", /use --mode cfg/],
    [{ mode: "cfg", guidanceScale: 1 }, "red", /Guidance 1 or less follows the prompt alone/],
  ])("%j with the negative prompt %j is refused", (more, negativePrompt, says) => {
    expect(() => requirePlan(plan(more), { guide, negativePrompt, steps: 20 })).toThrow(says);
  });

  test("takes a negative prompt where CFG does some of the steps", () => {
    requirePlan(plan({ cfgSteps: 3 }), { guide, negativePrompt: "red", steps: 20 });
    requirePlan(plan({ mode: "cfg" }), { guide: null, negativePrompt: "red", steps: 20 });
    expect(() => requirePlan(plan({}), { guide: null, negativePrompt: null, steps: 20 })).toThrow(/--guide/);
  });
});

test("guidance moves away from the unconditional prediction, by row", () => {
  const [conditional, unconditional] = [
    tensor(Float32Array.of(1, 2, 3, 4), [2, 2]),
    tensor(Float32Array.of(0, 0, 1, 1), [2, 2]),
  ];
  expect(guided(conditional, unconditional, Float32Array.of(5, 1))).toEqual(
    tensor(Float32Array.of(5, 10, 3, 4), [2, 2]),
  );
});
