import { writeFile } from "node:fs/promises";
import { checkPair, type PairReport } from "#lib/measure/pair-check.ts";
import { planOf } from "#lib/pairing/plan.ts";
import { openRuntime } from "#workers/inference/runtime.ts";
import { evaluator, type Style, styleNames, tiny, unitOf } from "./styles.ts";
import { valuesPath } from "./values.ts";

/**
 * Measures guide-tiny on every style with prompts such as a hub draws, whatever their looks say, and writes what each prompt kept:
 * `node guidepost.js run bench/verdicts/make-values.ts 192`. Half an hour on two cores that do nothing else; fewer prompts are the
 * first of as many.
 */
const prompts = Number(process.argv[2] ?? planOf(1)[2].prompts);
const draw = { key: "operating characteristics", agreementSeed: 99, pictureSeed: 4711 };
const round = (value: number): number => Number(value.toFixed(4));

const runtime = await openRuntime({ provider: "cpu", threads: 2 });
const rows: Partial<Record<Style, [number, number, number][]>> = {};
for (const style of styleNames) {
  process.stderr.write(`${style}\n`);
  const request = {
    ...unitOf(style),
    guide: tiny,
    base: null,
    evaluators: [evaluator],
    prompts: null,
    draw,
    pictures: prompts,
    before: null,
    domain: style,
    kept: null,
    memory: null,
  };
  const { raw }: PairReport = await checkPair(request, runtime, async () => {});
  rows[style] = raw.fidelity.map(({ conditional, guide, cfg }) => [round(conditional), round(guide), round(cfg)]);
}
await writeFile(valuesPath, `${JSON.stringify(rows)}\n`);
