import { type Found, compareFound, type Comparison } from "#lib/measure/same-again.ts";
import { checkPair } from "#lib/measure/pair-check.ts";
import type { PassLayout } from "#lib/measure/pair-networks.ts";
import { InferenceSession } from "#lib/onnx/runtime.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { otherLayout } from "#workers/verify/measure-again.ts";
import { table } from "./table.ts";
import { evaluator, type Style, tiny, unitOf } from "./verdicts/styles.ts";

/** Those that differ most: the base, a whole fine-tune, and two low-rank files. */
const measured: readonly Style[] = ["storybook", "watercolor", "neon", "pencil"];

interface Repeated {
  readonly style: Style;
  readonly how: string;
  readonly comparison: Comparison;
}

/**
 * How far two measurements of the same bytes lie apart: as a hub makes it, beside other threads and batches, as `verify` makes it; and
 * beside networks that the runtime did not optimise, which compute the same in other kernels and another order: what stands in here for
 * another processor.
 */
export async function benchRepeat(prompts: number, runtime: Runtime): Promise<readonly Repeated[]> {
  const repeated: Repeated[] = [];
  for (const style of measured) {
    const there = await find(style, prompts, runtime);
    const other = otherLayout(0);
    const threads = runtime.threads === 1 ? 2 : runtime.threads - 1;
    const ways = [
      ["other threads and batches", () => find(style, prompts, { ...runtime, threads }, other)],
      ["networks not optimised", () => unoptimised(() => find(style, prompts, runtime, other))],
    ] as const;
    for (const [how, again] of ways)
      repeated.push({ style, how, comparison: compareFound(there, await again(), "attributes") });
  }
  return repeated;
}

async function find(style: Style, pictures: number, runtime: Runtime, layout?: PassLayout): Promise<Found> {
  const request = {
    ...unitOf(style),
    guide: tiny,
    base: { model: unitOf("storybook").model },
    evaluators: [evaluator],
    pictures,
  };
  const rest = { prompts: null, before: null, domain: null, kept: null, memory: null, ...(layout && { layout }) };
  const { verdict, evidence, raw } = await checkPair({ ...request, ...rest }, runtime, async () => {});
  return { verdict, structure: evidence.structure, lineage: evidence.lineage, ...raw };
}

/** Every network that is opened meanwhile computes operator by operator, as its graph was built. */
async function unoptimised<T>(work: () => Promise<T>): Promise<T> {
  const { create } = InferenceSession;
  InferenceSession.create = ((bytes: Uint8Array, options: InferenceSession.SessionOptions) =>
    create.call(InferenceSession, bytes, {
      ...options,
      graphOptimizationLevel: "disabled",
    })) as typeof InferenceSession.create;
  try {
    return await work();
  } finally {
    InferenceSession.create = create;
  }
}

export const showRepeat = (repeated: readonly Repeated[]): string =>
  table([
    ["style", "beside", "level", "values", "furthest apart", "differences"],
    ...repeated.flatMap(({ style, how, comparison: { levels, differences } }) =>
      levels.map(({ name, values, furthest }) => [
        style,
        how,
        name,
        String(values),
        furthest.toExponential(1),
        String(differences.length),
      ]),
    ),
  ]);
