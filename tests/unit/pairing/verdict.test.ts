import { describe, expect, test } from "vitest";
import type { Agreement, Estimate, Evidence, Fidelity, Lineage } from "#lib/pairing/evidence.ts";
import type { Claim, Claims } from "#lib/pairing/recovery.ts";
import { judge, lineageBand, weakestOf } from "#lib/pairing/verdict.ts";

const at = (value: number, low = value, high = value, n = 96): Estimate => ({ value, low, high, n });
/** What is certain, and for what is not how likely it still becomes so. */
const claims = (certain: readonly Claim[], hope = 0.5): Claims => {
  const of = (claim: Claim) => ({ isCertain: certain.includes(claim), hope: certain.includes(claim) ? 1 : hope });
  return { gain: of("gain"), verified: of("verified"), usable: of("usable"), tooLittle: of("tooLittle") };
};
const certainOf = ({ low, high }: Estimate): Claim[] => [
  "gain",
  ...(low > 0.7 ? (["verified"] as const) : []),
  ...(low > 0.4 ? (["usable"] as const) : []),
  ...(high < 0.4 ? (["tooLittle"] as const) : []),
];
const fidelity = (recovered: Estimate | null, more: Partial<Fidelity> = {}): Fidelity => ({
  conditional: at(0.7),
  guide: at(0.85),
  cfg: at(0.9),
  gain: recovered ? at(0.2, 0.1, 0.3, recovered.n) : at(0.02, -0.01, 0.05),
  recovered,
  claims: claims(recovered ? certainOf(recovered) : []),
  unreadable: [],
  available: 384,
  tries: 1,
  guidanceScale: 5,
  evaluator: "attributes",
  scored: ["background", "present", "color", "size"],
  unscored: [],
  domain: "storybook",
  notes: [],
  distances: { conditional: null, guide: null },
  ...more,
});
const agreement = (fvu: Estimate, more: Partial<Agreement> = {}): Agreement => ({
  fvu,
  delivered: at(0.3),
  cosine: at(0.5),
  byTimestep: [],
  byGuidance: [],
  finite: true,
  modelIsFinite: true,
  addsNothing: false,
  ...more,
});
const lineage = (medianCosine: number, furthest: readonly string[] = []): Lineage => ({
  medianCosine,
  lowCosine: medianCosine,
  meanCosine: medianCosine,
  medianDistance: 0.1,
  tensors: 100,
  furthest,
  guideNamesThisBase: true,
});
const nothing: Evidence = { structure: [], lineage: null, agreement: null, fidelity: null };
const verdictOn = (evidence: Partial<Evidence>): string => judge({ ...nothing, ...evidence }).verdict;

describe("pictures judge, by the ends of their interval", () => {
  test.each([
    [at(0.9, 0.71, 1.1), "verified", null],
    [at(1.4, 0.69, 2), "usable with limits", 192],
    [at(0.75, 0.41, 0.95), "usable with limits", 192],
    [at(0.9, 0.39, 1.3), "inconclusive", 192],
    [at(0.3, -0.2, 0.9), "inconclusive", 192],
    [at(0.2, 0.1, 0.39), "incompatible", null],
    [at(-0.4, -0.9, 0.1), "incompatible", null],
    [at(0.9, 0.39, 1.3, 384), "inconclusive", null],
    [at(0.75, 0.41, 0.95, 384), "usable with limits", null],
  ])("R %j is %s, and the plan goes on to %j", (recovered, verdict, next) => {
    expect(judge({ ...nothing, fidelity: fidelity(recovered) })).toMatchObject({ verdict, next });
  });

  test("and one-step figures do not, however poor, up to no guide at all", () => {
    expect(verdictOn({ fidelity: fidelity(at(0.96, 0.81, 1.18)), agreement: agreement(at(0.99, 0.9, 1.1)) })).toBe(
      "verified",
    );
  });

  test("“verified” says what is certain, “usable” what is lost", () => {
    const said = (recovered: Estimate): string =>
      judge({ ...nothing, fidelity: fidelity(recovered) }).reasons.join(" ");
    expect(said(at(0.9, 0.71, 1.1))).toMatch(/certainly recovers at least 70% .*0\.90 \(95% interval 0\.71 to 1\.10/);
    expect(said(at(0.6, 0.5, 0.69))).toMatch(/at least 40% .* certainly less than 70%/);
    expect(said(at(0.6, 0.5, 0.8))).toMatch(/at least 40% .* not certainly 70%/);
    expect(said(at(0.6, 0.5, 0.8))).toMatch(
      /What is lost: pictures keep 85% of what their prompts ask for, against 90% with CFG and 70%/,
    );
    expect(said(at(0.2, 0.1, 0.39))).toMatch(/certainly recovers less than 40%/);
  });
});

describe("the plan ends early", () => {
  const next = (more: Partial<Fidelity>): number | null =>
    judge({ ...nothing, fidelity: fidelity(at(0.6, 0.3, 0.9, 48), more) }).next;
  test("where nothing has hope any more, and not before", () => {
    expect(next({})).toBe(96);
    expect(next({ claims: claims(["gain"], 0.009) })).toBeNull();
    expect(next({ claims: claims(["gain", "usable"], 0.009) })).toBeNull();
    expect(next({ claims: claims(["gain", "usable"], 0.02) })).toBe(96);
    expect(next({ recovered: null, claims: claims([], 0.009) })).toBeNull();
  });
  test("where no prompts are left", () => expect(next({ available: 95 })).toBeNull());
  test("where nothing better could be said, since the style is unknown", () =>
    expect(next({ claims: claims(["gain", "usable"]), domain: null })).toBeNull());
});

describe("nothing is guessed", () => {
  test("without pictures a pair is not measured, good figures or not", () => {
    expect(verdictOn({})).toBe("not measured");
    expect(verdictOn({ agreement: agreement(at(0.05)), lineage: lineage(1) })).toBe("not measured");
  });

  test("where CFG gains nothing certain, that is its own sentence, and says what would settle it", () => {
    const { verdict, reasons } = judge({ ...nothing, fidelity: fidelity(null) });
    expect(verdict).toBe("inconclusive");
    expect(reasons[0]).toMatch(/^CFG itself has no measurable benefit here: it adds \+0\.020 .*−0\.010 to \+0\.050/);
    expect(reasons[0]).toMatch(/The plan goes on to 192 prompts\.$/);
    const ended = judge({ ...nothing, fidelity: fidelity(null, { claims: claims([], 0) }) });
    expect(ended.reasons[0]).toMatch(/would settle it\.$/);
  });

  test.each([
    [1, 1, /^One prompt was drawn, .* first look of the plan is at 48; a list of at least 48 different prompts/],
    [47, 47, /^47 prompts were drawn/],
    [47, 384, /first look of the plan is at 48, so nothing is decided yet/],
  ])("%d prompts of %d decide nothing, whatever they say", (n, available, says) => {
    const few = fidelity(null, { gain: at(0.3, 0.3, 0.3, n), claims: null, available });
    const { verdict, reasons } = judge({ ...nothing, fidelity: few });
    expect(verdict).toBe("inconclusive");
    expect(reasons[0]).toMatch(says);
  });

  test("a style on which nobody measured the evaluator verifies nothing", () => {
    const { verdict, reasons } = judge({ ...nothing, fidelity: fidelity(at(0.95, 0.8, 1.1), { domain: null }) });
    expect(verdict).toBe("usable with limits");
    expect(reasons[0]).toMatch(/certainly at least 70%; but how well it reads this style was never measured/);
  });

  test("but CLIP reads no attributes, and verifies without a style", () =>
    expect(verdictOn({ fidelity: fidelity(at(0.95, 0.8, 1.1), { domain: null, evaluator: "clip" }) })).toBe(
      "verified",
    ));

  test("where nothing can be scored, nothing is measured", () => {
    const none = fidelity(null, { scored: [], unscored: [{ attribute: "color", accuracy: 0.4 }], gain: at(NaN) });
    const { verdict, reasons } = judge({ ...nothing, fidelity: none });
    expect(verdict).toBe("not measured");
    expect(reasons.join(" ")).toMatch(/^Nothing was scored: .*Color is not scored: .* 40%/);
    expect(reasons.join(" ")).not.toMatch(/NaN/);
  });

  test("pictures that are not numbers are named by their mode", () => {
    const { verdict, reasons } = judge({ ...nothing, fidelity: fidelity(null, { unreadable: ["guide"] }) });
    expect(verdict).toBe("inconclusive");
    expect(reasons[0]).toMatch(/^Pictures with the guide could not be read as numbers/);
  });

  test("what is not scored is said", () => {
    const some = fidelity(at(0.6, 0.45, 0.8), { unscored: [{ attribute: "color", accuracy: 0.39 }] });
    expect(judge({ ...nothing, fidelity: some }).reasons.join(" ")).toMatch(/Color is not scored: .* 39%/);
  });
});

describe("ruled out, whatever pictures say", () => {
  const good = fidelity(at(0.96, 0.81, 1.18));
  test.each<[string, Partial<Evidence>, RegExp]>([
    ["a structure that does not fit", { structure: ["text width: made for 768, the model has 1024"] }, /made for 768/],
    ["unrelated weights", { lineage: lineage(0.3, ["conv_in.weight (cosine 0.01)"]) }, /furthest conv_in\.weight/],
    [
      "a prediction that is not a number",
      { agreement: agreement(at(NaN), { finite: false }) },
      /with the guide was not/,
    ],
    [
      "a model that predicts no numbers by itself",
      { agreement: agreement(at(NaN), { finite: false, modelIsFinite: false }) },
      /of the model itself/,
    ],
    ["predictions certainly worse than none", { agreement: agreement(at(1.4, 1.01, 1.8, 16)) }, /further from CFG/],
    ["a guide that adds nothing", { agreement: agreement(at(1), { addsNothing: true }) }, /^The guide adds nothing/],
  ])("%s", (_what, evidence, says) => {
    const { verdict, reasons } = judge({ ...nothing, fidelity: good, ...evidence });
    expect(verdict).toBe("incompatible");
    expect(reasons[0]).toMatch(says);
  });

  test("but not distant weights, nor predictions that may be worse than none, nor what few prompts say", () => {
    for (const fvu of [at(1.1, 0.9, 1.3), at(1, 1, 1), at(1.5, 1.2, 1.8, 15)])
      expect(verdictOn({ fidelity: good, lineage: lineage(0.6), agreement: agreement(fvu) })).toBe("verified");
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

describe("where several evaluators read the same pictures", () => {
  const verified = fidelity(at(0.95, 0.8, 1.1));
  const usable = fidelity(at(0.75, 0.5, 0.9), { evaluator: "clip", domain: null });
  const useless = fidelity(at(0.1, 0, 0.3), { evaluator: "clip", domain: null });
  const open = fidelity(at(0.6, 0.1, 1.1), { evaluator: "clip", domain: null });

  test.each([
    [[verified, { ...verified, evaluator: "clip" }], "verified", null],
    [[verified, usable], "usable with limits", 192],
    [[usable, verified], "usable with limits", 192],
    [[verified, open], "inconclusive", 192],
    [[verified, useless], "inconclusive", null],
    [[useless, { ...useless, evaluator: "attributes", domain: "neon" }], "incompatible", null],
    [[useless, open], "inconclusive", 192],
    [[verified, verified, useless], "inconclusive", null],
  ] as const)("a word needs all of them: %#", ([first, ...others], word, next) => {
    expect(judge({ ...nothing, fidelity: first, others })).toMatchObject({ verdict: word, next });
  });

  test("it is said who says what, and whose word stands", () => {
    const { reasons } = judge({ ...nothing, fidelity: usable, others: [verified] });
    expect(reasons[0]).toBe(
      "2 evaluators read the same pictures, and the weaker word stands, for a word needs all of them: CLIP says “usable with limits”, the network of attributes says “verified”.",
    );
    expect(reasons.join(" ")).toMatch(/By CLIP: The guide certainly .* By the network of attributes: The guide/);
    expect(weakestOf([verified, usable])).toBe(1);
    expect(weakestOf([useless, open])).toBe(1);
    expect(weakestOf([verified, verified])).toBe(0);
  });

  test("one that cannot read the pictures is no obstacle, and says why", () => {
    const silences = ["The automatic judge was never tested on this style, so nothing that it reads counts."];
    const { verdict, reasons } = judge({ ...nothing, fidelity: { ...verified, evaluator: "clip" }, silences });
    expect(verdict).toBe("verified");
    expect(reasons).toContain(silences[0]);
    const none = judge({ ...nothing, silences });
    expect(none).toMatchObject({ verdict: "not measured", next: null });
    expect(none.reasons[0]).toMatch(/^The automatic judge was never tested on this style, .* Look at what the guide/);
  });
});
