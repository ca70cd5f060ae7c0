import { expect, test } from "vitest";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { copiesSentence, sentenceOf, unitSentence } from "../../../app/pairs/[id]/sentence.ts";

const estimate = (value: number, low: number, high: number, n = 48) => ({ value, low, high, n });
const shares = {
  conditional: estimate(0.701, 0.6, 0.8),
  guide: estimate(0.84, 0.8, 0.9),
  cfg: estimate(0.932, 0.9, 0.96),
  gain: estimate(0.2, 0.1, 0.3),
  scored: ["background"],
  domain: "watercolor",
};
const measured = (recovered: ReturnType<typeof estimate> | null, more = {}) =>
  ({
    structure: [],
    lineage: { band: "derived" },
    agreement: { fvu: estimate(0.8, 0.7, 0.9) },
    cost: { againstCfg: 0.505 },
    looks: [],
    evaluators: [],
    next: null,
    fidelity: { ...shares, recovered },
    ...more,
  }) as unknown as PairView["measured"];
const pair = (change: Partial<PairView>): PairView =>
  ({
    state: "succeeded",
    verdict: "verified",
    finetune: { repo: "ann/meadow", commit: "" },
    measured: null,
    stale: null,
    problem: null,
    reasons: [],
    ...change,
  }) as PairView;

test.each<[string, Partial<PairView>, string]>([
  [
    "verified, certain to a tenth",
    { measured: measured(estimate(0.984, 0.914, 1.055)) },
    "On meadow this guide keeps to the prompt about as well as CFG does, at half the work: it recovers 98% of what CFG adds to prompt fidelity (between 91% and 106%, measured on 48 prompts).",
  ],
  [
    "verified, and less is certain",
    { measured: measured(estimate(0.829, 0.681, 0.951)) },
    "On meadow this guide does most of what CFG does, at half the work: it recovers 83% of what CFG adds to prompt fidelity (between 68% and 95%, measured on 48 prompts).",
  ],
  [
    "more than CFG, by chance",
    { measured: measured(estimate(1.03, 0.818, 1.46)) },
    "On meadow this guide does most of what CFG does, at half the work: it recovers 103% of what CFG adds to prompt fidelity (between 82% and 146%, measured on 48 prompts; more than 100% is no more than chance).",
  ],
  [
    "by an evaluator that does not know the style",
    {
      verdict: "usableWithLimits",
      measured: measured(estimate(0.95, 0.9, 1), {
        fidelity: { ...shares, domain: null, recovered: estimate(0.95, 0.9, 1) },
      }),
    },
    "On meadow this guide certainly does a part of what CFG does, at half the work: it recovers 95% of what CFG adds to prompt fidelity (between 90% and 100%, measured on 48 prompts). Pictures show 84% of what their prompts ask for, against 93% with CFG and 70% without guidance, and it could be chance that they differ. What read the pictures was never checked on this style, so nothing is verified here; take it with care.",
  ],
  [
    "a larger guide",
    { measured: measured(estimate(0.95, 0.6, 1), { cost: { againstCfg: 0.676 } }) },
    "On meadow this guide does most of what CFG does, at 68% of the work: it recovers 95% of what CFG adds to prompt fidelity (between 60% and 100%, measured on 48 prompts).",
  ],
  [
    "usable with limits, and certainly less than CFG",
    { verdict: "usableWithLimits", measured: measured(estimate(0.6, 0.4, 0.8)) },
    "On meadow this guide certainly does a part of what CFG does, at half the work: it recovers 60% of what CFG adds to prompt fidelity (between 40% and 80%, measured on 48 prompts). Pictures show 84% of what their prompts ask for, against 93% with CFG and 70% without guidance.",
  ],
  [
    "usable with limits, and perhaps as good as CFG",
    { verdict: "usableWithLimits", measured: measured(estimate(0.7, 0.2, 1.2)) },
    "On meadow this guide certainly does a part of what CFG does, at half the work: it recovers 70% of what CFG adds to prompt fidelity (between 20% and 120%, measured on 48 prompts). Pictures show 84% of what their prompts ask for, against 93% with CFG and 70% without guidance, and it could be chance that they differ.",
  ],
  [
    "another structure",
    {
      verdict: "incompatible",
      measured: measured(null, { structure: ["latent channels: made for 4, the model has 9"], fidelity: null }),
    },
    "This guide cannot run on meadow, which is built otherwise (latent channels: made for 4, the model has 9). Use CFG there, or another guide.",
  ],
  [
    "another origin",
    { verdict: "incompatible", measured: measured(null, { lineage: { band: "unrelated" }, fidelity: null }) },
    "This guide is of no use to meadow, which was not made from the guide's base: the weights have nothing in common. Use CFG there, or another guide.",
  ],
  [
    "worse than none",
    {
      verdict: "incompatible",
      measured: measured(estimate(0.02, -0.05, 0.1), { agreement: { fvu: estimate(1.2, 1.1, 1.3, 16) } }),
    },
    "On meadow this guide does harm: a step with it lies further from CFG than a step without any guidance. Use CFG there, or another guide.",
  ],
  [
    "no use",
    { verdict: "incompatible", measured: measured(estimate(0.02, -0.05, 0.1)) },
    "On meadow this guide does too little to be seen: it recovers 2% of what CFG adds to prompt fidelity (between −5% and 10%, measured on 48 prompts). Use CFG there, or another guide.",
  ],
  [
    "not a number",
    {
      verdict: "incompatible",
      reasons: ["A prediction of the model itself was not a number, with CFG or without."],
      measured: measured(null, { fidelity: null }),
    },
    "This guide does not work on meadow: a prediction of the model itself was not a number, with CFG or without. Use CFG there, or another guide.",
  ],
  [
    "nothing to recover",
    { verdict: "inconclusive", measured: measured(null, { fidelity: { ...shares, recovered: null } }) },
    "On meadow CFG itself adds nothing that 48 prompts could tell from chance, so nobody can say what share of it the guide recovers. So far pictures show 84% (80% to 90%) of what their prompts ask for with the guide, 93% (90% to 96%) with CFG and 70% (60% to 80%) without guidance. No more prompts are planned: look at what it draws and judge for yourself.",
  ],
  [
    "too few prompts",
    {
      verdict: "inconclusive",
      measured: measured(null, { fidelity: { ...shares, gain: estimate(0.2, 0.1, 0.3, 5), recovered: null } }),
    },
    "Whether this guide is of use on meadow cannot be told: there were 5 prompts to draw, and 48 are the least that a verdict rests on.",
  ],
  [
    "nothing that reads",
    { verdict: "notMeasured", measured: measured(null, { fidelity: null }) },
    "This guide runs on meadow, but nothing on this hub reads its pictures, so nobody can say how well it works. Look at what it draws and judge for yourself.",
  ],
  [
    "a style that nobody tested what judges on",
    {
      verdict: "notMeasured",
      measured: measured(null, { fidelity: null, evaluators: [{ silence: "The automatic judge was never tested." }] }),
    },
    "This guide runs on meadow, but nothing here says how well it works. The automatic judge was never tested. Look at what it draws and judge for yourself.",
  ],
  [
    "nothing that is scored",
    { verdict: "notMeasured", measured: measured(null, { fidelity: { ...shares, scored: [], recovered: null } }) },
    "Nothing was scored on meadow, so nobody can say how well this guide works there. Look at what it draws and judge for yourself.",
  ],
  [
    "open, with a look to come",
    {
      state: "queued",
      verdict: "inconclusive",
      measured: measured(estimate(0.4, -0.1, 0.9), { next: 96 }),
      outlook: { prompts: 96, ofAtMost: 384, seconds: 43, comesByItself: true },
    },
    "Whether this guide is of use on meadow cannot be told yet: it recovers 40% of what CFG adds to prompt fidelity (between −10% and 90%, measured on 48 prompts). So far pictures show 84% (80% to 90%) of what their prompts ask for with the guide, 93% (90% to 96%) with CFG and 70% (60% to 80%) without guidance. It goes on by itself, behind whatever somebody waits for: 96 prompts are looked at next, about 43 s of work, and up to 384 where that leaves it open.",
  ],
  [
    "of some use, with a last look that nobody has asked for",
    {
      state: "failed",
      verdict: "usableWithLimits",
      measured: measured(estimate(0.7, 0.5, 0.9), { next: 384 }),
      outlook: { prompts: 384, ofAtMost: 384, seconds: null, comesByItself: false },
    },
    "On meadow this guide certainly does a part of what CFG does, at half the work: it recovers 70% of what CFG adds to prompt fidelity (between 50% and 90%, measured on 48 prompts). Pictures show 84% of what their prompts ask for, against 93% with CFG and 70% without guidance. Whether it does most of it is still open. 384 prompts would be looked at next, the last of the plan; nobody has asked for that yet, and whoever measures it again goes on from here.",
  ],
  [
    "waiting",
    { state: "queued", verdict: "notMeasured" },
    "Nobody knows yet whether this guide works on meadow: it is waiting to be measured.",
  ],
  [
    "running",
    { state: "running", verdict: "notMeasured" },
    "Nobody knows yet whether this guide works on meadow: it is being measured now.",
  ],
  [
    "failed",
    { state: "failed", verdict: "notMeasured", problem: "Memory ran out." },
    "Measuring this guide on meadow failed, so nothing is known of it yet: Memory ran out.",
  ],
  [
    "cancelled",
    { state: "cancelled", verdict: "notMeasured" },
    "Measuring this guide on meadow was cancelled, so nothing is known of it yet.",
  ],
])("%s, in words for a beginner", (_what, change, sentence) => {
  expect(sentenceOf(pair(change)).replaceAll("\u00a0", " ")).toBe(sentence);
});

test("what is stale says of when it speaks", () => {
  const stale = "The guide has other weights since.";
  expect(sentenceOf(pair({ measured: measured(estimate(1, 0.9, 1.1)), stale }))).toMatch(
    /measured on 48 prompts\)\. That was so when it was measured, and says nothing of today: the guide has other weights since\.$/,
  );
});

test("“as well as CFG” is said only where a tenth less is ruled out", () => {
  const says = (low: number): boolean =>
    sentenceOf(pair({ measured: measured(estimate(1.1, low, 1.5)) })).includes("as well as CFG");
  expect([0.5, 0.89, 0.9, 1.05].map(says)).toEqual([false, false, true, true]);
});

test("it is said who is credited where several have the same bytes, and of which parts a unit consists", () => {
  expect(copiesSentence({ repo: "ann/meadow", commit: "", copies: 1 })).toBeNull();
  expect(copiesSentence({ repo: "ann/meadow", commit: "", copies: 2 })).toBe(
    "One other repo has the same bytes as ann/meadow, which had them first and is named here.",
  );
  const part = { commit: "", weightsSha256: "", textStrength: 1 };
  const base = { ...part, role: "base" as const, repo: "ann/base", strength: 1 };
  expect(unitSentence({ unit: { hash: "", components: [base] } })).toBeNull();
  const lora = { ...part, role: "lora" as const, repo: "ann/neon", strength: 0.8 };
  expect(unitSentence({ unit: { hash: "", components: [base, lora] } })).toBe(
    "Measured as ann/base with ann/neon at strength 0.8.",
  );
});
