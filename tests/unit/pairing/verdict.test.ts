import { describe, expect, test } from "vitest";
import type { Agreement, Estimate, Evidence, Fidelity, Lineage } from "#lib/pairing/evidence.ts";
import { judge, lineageBand } from "#lib/pairing/verdict.ts";

const at = (value: number, low = value, high = value): Estimate => ({ value, low, high, n: 32 });
const fidelity = (recovered: Estimate | null, more: Partial<Fidelity> = {}): Fidelity => ({
  conditional: at(0.7),
  guide: at(0.85),
  cfg: at(0.9),
  gain: recovered ? at(0.2, 0.1, 0.3) : at(0.02, -0.01, 0.05),
  recovered,
  evaluator: "attributes",
  scored: ["background", "present", "color", "size"],
  unscored: [],
  domain: "storybook",
  notes: [],
  ...more,
});
const agreement = (fvu: Estimate, finite = true): Agreement => ({
  fvu,
  delivered: at(0.3),
  cosine: at(0.5),
  byTimestep: [],
  byGuidance: [],
  finite,
});
const lineage = (medianCosine: number): Lineage => ({
  medianCosine,
  lowCosine: medianCosine,
  meanCosine: medianCosine,
  medianDistance: 0.1,
  tensors: 100,
  guideNamesThisBase: true,
});
const nothing: Evidence = { structure: [], lineage: null, agreement: null, fidelity: null };
const verdictOn = (evidence: Partial<Evidence>): string => judge({ ...nothing, ...evidence }).verdict;

describe("pictures judge", () => {
  test.each([
    [at(0.96, 0.81, 1.18), "verified"],
    [at(0.8, 0.5, 1.1), "verified"],
    [at(0.79, 0.6, 0.95), "usable with limits"],
    [at(0.9, 0.49, 1.3), "usable with limits"],
    [at(0.5, 0.01, 0.9), "usable with limits"],
    [at(0.5, 0, 0.9), "not measured"],
    [at(0.3, -0.2, 0.9), "not measured"],
    [at(0.2, 0.1, 0.25), "incompatible"],
    [at(-0.4, -0.9, 0.1), "incompatible"],
  ])("R %j is %s", (recovered, verdict) => {
    expect(verdictOn({ fidelity: fidelity(recovered) })).toBe(verdict);
  });

  test("and one-step figures do not, however poor, up to no guide at all", () => {
    expect(verdictOn({ fidelity: fidelity(at(0.96, 0.81, 1.18)), agreement: agreement(at(0.99, 0.9, 1.1)) })).toBe(
      "verified",
    );
  });
});

describe("nothing is guessed", () => {
  test("without pictures a pair is not measured, good figures or not", () => {
    expect(verdictOn({})).toBe("not measured");
    expect(verdictOn({ agreement: agreement(at(0.05)), lineage: lineage(1) })).toBe("not measured");
  });

  test("where CFG gains nothing certain, that is said", () => {
    const { verdict, reasons } = judge({ ...nothing, fidelity: fidelity(null) });
    expect(verdict).toBe("not measured");
    expect(reasons[0]).toMatch(/^CFG itself adds nothing significant .*−0\.010 to \+0\.050, n = 32/);
  });

  test("what is lost, what is not scored and what was never validated is said", () => {
    const { reasons } = judge({
      ...nothing,
      fidelity: fidelity(at(0.6, 0.3, 0.8), { unscored: [{ attribute: "color", accuracy: 0.39 }], domain: null }),
    });
    expect(reasons.join(" ")).toMatch(/5\.0 % fewer are kept than with CFG \(85\.0 % against 90\.0 %/);
    expect(reasons.join(" ")).toMatch(/Color is not scored: .* 39\.0 %/);
    expect(reasons.join(" ")).toMatch(/never validated/);
  });
});

describe("ruled out, whatever pictures say", () => {
  const good = fidelity(at(0.96, 0.81, 1.18));
  test.each<[string, Partial<Evidence>]>([
    ["a structure that does not fit", { structure: ["text width: made for 768, the model has 1024"] }],
    ["unrelated weights", { lineage: lineage(0.3) }],
    ["a prediction that is not a number", { agreement: agreement(at(NaN), false) }],
    ["predictions worse than none", { agreement: agreement(at(1.4, 1, 1.8)) }],
  ])("%s", (_what, evidence) => {
    expect(verdictOn({ fidelity: good, ...evidence })).toBe("incompatible");
  });

  test("but not distant weights, nor predictions that may be worse than none", () => {
    expect(verdictOn({ fidelity: good, lineage: lineage(0.6), agreement: agreement(at(1.1, 0.9, 1.3)) })).toBe(
      "verified",
    );
  });
});

test("lineage has four bands", () => {
  expect([1, 0.98, 0.97, 0.9, 0.89, 0.5, 0.49, -1].map((cosine) => lineageBand(lineage(cosine)))).toEqual([
    "derived",
    "derived",
    "distant",
    "distant",
    "doubtful",
    "doubtful",
    "unrelated",
    "unrelated",
  ]);
});
