import { checkPair, type PairCheckRequest, type PairReport } from "#lib/measure/pair-check.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { starterPath } from "../starter-path.ts";
import { evaluator, type Style, unitOf } from "../verdicts/styles.ts";

/** What a hub would say of a pair: the plan's looks on prompts that stand in no training caption, until nothing is open or `most` are drawn. */
export interface Judged {
  readonly verdict: string;
  readonly recovered: Estimate | null;
  /** Of CFG's correction of single steps. */
  readonly fvu: number | null;
  readonly delivered: number | null;
  /** What the evaluator reads well enough in this style to count. */
  readonly scored: readonly string[];
}

/** Of one picture in all three modes, through the base. */
export const PASSES_OF_A_PICTURE = 80;

export async function judgePair(
  { style, guide }: { readonly style: Style; readonly guide: string },
  most: number,
  runtime: Runtime,
): Promise<Judged> {
  const request: PairCheckRequest = {
    ...unitOf(style),
    guide,
    base: { model: starterPath("storybook") },
    evaluators: [evaluator],
    prompts: null,
    draw: { key: "claims", agreementSeed: 99, pictureSeed: 4711 },
    pictures: firstLook.prompts,
    before: null,
    domain: style,
    kept: null,
    memory: null,
  };
  const report = await lookOn(request, most, runtime);
  const { fidelity, agreement } = report.evidence;
  return {
    verdict: report.verdict,
    recovered: fidelity?.recovered ?? null,
    fvu: agreement?.fvu.value ?? null,
    delivered: agreement?.delivered.value ?? null,
    scored: fidelity?.scored ?? [],
  };
}

async function lookOn(request: PairCheckRequest, most: number, runtime: Runtime): Promise<PairReport> {
  const report = await checkPair(request, runtime, async () => {});
  const { next, evidence, raw } = report;
  if (next === null || next > most) return report;
  return lookOn({ ...request, pictures: next, before: { lineage: evidence.lineage, ...raw } }, most, runtime);
}
