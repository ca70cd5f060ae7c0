import { expect, test } from "vitest";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { sentenceOf } from "../../../app/pairs/[id]/sentence.ts";

const estimate = (value: number, low: number, high: number, n = 48) => ({ value, low, high, n });
const measured = (recovered: ReturnType<typeof estimate> | null, more = {}) =>
  ({ structure: [], cost: { againstCfg: 0.505 }, fidelity: { recovered, cfg: estimate(0.9, 0.8, 1) }, ...more }) as unknown as PairView["measured"];
const pair = (change: Partial<PairView>): PairView => ({ state: "succeeded", verdict: "verified", finetune: { repo: "ann/meadow", commit: "" }, measured: null, stale: null, problem: null, ...change }) as PairView;

test.each<[string, Partial<PairView>, string]>([
  ["verified", { measured: measured(estimate(0.984, 0.914, 1.055)) }, "On meadow this guide does nearly what CFG does, with 51 % of the work: it recovers 98 % of what CFG adds to prompt fidelity (between 91 % and 106 %, from 48 prompts)."],
  [
    "usable with limits",
    { verdict: "usableWithLimits", measured: measured(estimate(0.6, 0.4, 0.8)) },
    "On meadow this guide does a part of what CFG does, with 51 % of the work: it recovers 60 % of what CFG adds to prompt fidelity (between 40 % and 80 %, from 48 prompts). Some of what a prompt asks for gets lost; letting CFG do the first steps buys some of it back.",
  ],
  ["another structure", { verdict: "incompatible", measured: measured(null, { structure: ["4 channels against 9"], fidelity: null }) }, "This guide cannot run on meadow: 4 channels against 9."],
  ["no use", { verdict: "incompatible", measured: measured(estimate(0.02, -0.05, 0.1)) }, "This guide does not work on meadow: it recovers 2 % of what CFG adds to prompt fidelity (between −5 % and 10 %, from 48 prompts). Use CFG, or another guide."],
  ["nothing to recover", { verdict: "notMeasured", measured: measured(null) }, "On meadow CFG itself adds nothing that could be told from chance on 48 prompts, so there was nothing for the guide to recover. Look at the pictures below."],
  ["nothing that reads", { verdict: "notMeasured", measured: measured(null, { fidelity: null }) }, "This guide runs on meadow, but nothing here can read what the pictures show, so nobody can say how well it works. Look at the pictures below."],
  ["too few", { verdict: "notMeasured", measured: measured(estimate(0.4, -0.1, 0.9)) }, "This guide recovers 40 % of what CFG adds to prompt fidelity (between −10 % and 90 %, from 48 prompts) on meadow, which could be nothing; more pictures have to be measured to tell."],
  ["waiting", { state: "queued", verdict: "notMeasured" }, "Nobody has measured yet whether this guide works on meadow. It is being measured now."],
  ["failed", { state: "failed", verdict: "notMeasured", problem: "Memory ran out." }, "Measuring this guide on meadow failed, so nothing is known of it yet: Memory ran out."],
  ["cancelled", { state: "cancelled", verdict: "notMeasured" }, "Measuring this guide on meadow was cancelled, so nothing is known of it yet."],
])("%s, in words for a beginner", (_what, change, sentence) => {
  expect(sentenceOf(pair(change))).toBe(sentence);
});

test("what is stale says of when it speaks", () => {
  const stale = "The guide has other weights since.";
  expect(sentenceOf(pair({ measured: measured(estimate(1, 0.9, 1.1)), stale }))).toMatch(/from 48 prompts\)\. This was so when it was measured: the guide has other weights since\.$/);
});
