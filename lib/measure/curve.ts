import type { GuidedNetworks } from "#lib/diffusion/guidance.ts";
import type { Curve, CurvePoint, Delivered, Estimate, GuidancePoint, Way } from "#lib/pairing/evidence.ts";
import { mean } from "#lib/pairing/recovery.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import { concat, type FloatTensor } from "#lib/tensor/tensor.ts";
import { drawAndRead, readersFor } from "./arm.ts";
import { bootstrap } from "./bootstrap.ts";
import type { Comparison } from "./comparison.ts";
import { deliveredGuidance } from "./delivered.ts";
import type { Evaluator } from "./evaluator.ts";
import { relativeDistances, rowDistances } from "./row-distances.ts";
import type { Tick } from "./tick.ts";

/** By way, what each prompt gave, in the order of the prompts. */
export interface KeptByWay extends Way {
  readonly kept: readonly number[];
  /** From CFG's picture of the same noise, as in `CurvePoint`. */
  readonly distance: readonly number[];
}

interface Drawn {
  readonly way: Way;
  readonly passes: number;
  readonly kept: readonly number[];
  readonly latents: FloatTensor;
}

/** So much of the steps is CFG's before it is left out: the first steps decide what stands where (Kynkäänniemi et al. 2024, arXiv 2404.07724). */
const SHARES_OF_CFG = [0.1, 0.25, 0.5] as const;

/** What CFG keeps is known at these shares of the way from no guidance to what is asked for, and at the strongest that the guide was made for. */
const SHARES_OF_GUIDANCE = [0.25, 0.5, 0.75] as const;

/**
 * “Why not simply fewer steps?”: all that somebody could do instead of a guide with fewer passes, and the guidance that the guide
 * delivers, in one run from the same noise.
 */
export async function measureCurve(
  networks: GuidedNetworks,
  evaluator: Evaluator,
  request: Comparison,
  tick: Tick,
): Promise<{ curve: Curve; raw: KeptByWay[] }> {
  const { prompts, rowsAtOnce, guidanceScale, steps, sampler } = request;
  const readers = await readersFor([evaluator], request);
  const ways = waysOf(request);
  const chunks = Math.ceil(prompts.length / rowsAtOnce);
  const total = ([...ways.all, ways.cfg].reduce((sum, way) => sum + way.steps, 0) + steps) * chunks;
  let done = 0;
  const draw = async (way: Way): Promise<Drawn> => {
    const [kept, parts]: [number[], FloatTensor[]] = [[], []];
    let passes = 0;
    for (let begin = 0; begin < prompts.length; begin += rowsAtOnce) {
      const end = Math.min(begin + rowsAtOnce, prompts.length);
      const drawn = await drawAndRead(networks, readers, request, way, [begin, end], () => tick(++done, total));
      kept.push(...drawn.seen[0]!.scores);
      parts.push(drawn.latents);
      passes = drawn.passes;
    }
    return { way, passes, kept, latents: concat(parts) };
  };

  const cfg = await draw(ways.cfg);
  const drawn: Drawn[] = [cfg];
  for (const way of ways.all) drawn.push(await draw(way));
  const find = (mode: Way["mode"], guidance: number): Drawn | undefined =>
    drawn.find(
      ({ way }) =>
        way.mode === mode &&
        way.guidanceScale === guidance &&
        way.cfgSteps === 0 &&
        way.steps === steps &&
        way.sampler === sampler,
    );
  const [conditional, guide] = [find("conditional", guidanceScale)!, find("guide", guidanceScale)!];

  const delivered = deliveredGuidance(
    [
      { guidanceScale: 1, kept: conditional.kept },
      ...ways.guidances.map((guidance) => ({ guidanceScale: guidance, kept: find("cfg", guidance)!.kept })),
    ],
    guide.kept,
  );
  const asDelivered = delivered && (await draw({ ...ways.cfg, guidanceScale: delivered.guidanceScale.value }));
  if (!delivered) await tick(total, total);
  const shown = drawn.filter(({ way }) => way.guidanceScale === guidanceScale);
  const curve: Curve = {
    n: prompts.length,
    guidanceScale,
    points: shown.map((one) => pointOf(one, guide, cfg)).toSorted((a, b) => a.passes - b.passes),
    byGuidance: ways.guidances.map((guidance) =>
      atGuidance(guidance, find("cfg", guidance)!, find("guide", guidance) ?? null, conditional),
    ),
    delivered: delivered && asDelivered && toDelivered(delivered, asDelivered, guide),
  };
  const raw = [...drawn, ...(asDelivered ? [asDelivered] : [])].map((one) => ({
    ...one.way,
    kept: one.kept,
    distance: relativeDistances(one.latents, cfg.latents),
  }));
  return { curve, raw };
}

/** CFG as it is asked for, to which all are compared, and all others but that at the guidance which is delivered. */
function waysOf({ sampler, steps, guidanceScale, range }: Comparison): {
  readonly cfg: Way;
  readonly all: readonly Way[];
  /** At which CFG is drawn, the weakest first. */
  readonly guidances: readonly number[];
} {
  const way = (mode: Way["mode"], more: Partial<Way> = {}): Way => ({
    mode,
    guidanceScale,
    cfgSteps: 0,
    sampler,
    steps,
    ...more,
  });
  const half = Math.ceil(steps / 2);
  // Half of the steps with the same rule, and with one that makes do with few (Lu et al. 2022, arXiv 2211.01095, algorithm 2).
  const rules = [...new Set<SamplerName>([sampler, "dpmpp-2m"])];
  const counts = [...new Set(SHARES_OF_CFG.map((share) => Math.round(share * steps)))].filter(
    (cfgSteps) => cfgSteps > 0 && cfgSteps < steps,
  );
  const weaker = SHARES_OF_GUIDANCE.map((share) => Number((1 + share * (guidanceScale - 1)).toFixed(3)));
  const others = range.maxGuidance > guidanceScale ? [...weaker, range.maxGuidance] : weaker;
  const guidances = [...others, guidanceScale].toSorted((a, b) => a - b);
  return {
    cfg: way("cfg"),
    guidances,
    all: [
      way("conditional"),
      way("guide"),
      ...rules.map((rule) => way("cfg", { sampler: rule, steps: half })),
      ...counts.flatMap((cfgSteps) => [way("conditional", { cfgSteps }), way("guide", { cfgSteps })]),
      ...others.map((guidance) => way("cfg", { guidanceScale: guidance })),
      ...others
        .filter((guidance) => guidance >= range.minGuidance)
        .map((guidance) => way("guide", { guidanceScale: guidance })),
    ],
  };
}

/** Paired: what all make of one prompt from one noise. */
function pointOf({ way, passes, kept, latents }: Drawn, guide: Drawn, cfg: Drawn): CurvePoint {
  return {
    ...way,
    passes,
    fidelity: meanOver(kept),
    againstGuide: meanOver(kept.map((one, i) => one - guide.kept[i]!)),
    distance: meanOver(relativeDistances(latents, cfg.latents)),
  };
}

/** Every guidance by its own measure: what CFG adds grows with it, and so do all distances from CFG. */
function atGuidance(guidanceScale: number, cfg: Drawn, guide: Drawn | null, none: Drawn): GuidancePoint {
  const [withGuide, without] = [guide, none].map((one) => one && rowDistances(one.latents, cfg.latents)) as [
    number[] | null,
    number[],
  ];
  return {
    guidanceScale,
    cfg: meanOver(cfg.kept),
    guide: guide && meanOver(guide.kept),
    distance:
      withGuide && bootstrap(withGuide.length, (indices) => sumOf(withGuide, indices) / sumOf(without, indices)),
  };
}

function toDelivered(found: Pick<Delivered, "guidanceScale" | "isBeyond">, cfg: Drawn, guide: Drawn): Delivered {
  const distance = meanOver(relativeDistances(guide.latents, cfg.latents));
  return { ...found, cfg: meanOver(cfg.kept), distance };
}

const meanOver = (values: readonly number[]): Estimate =>
  bootstrap(values.length, (indices) => mean(indices.map((i) => values[i]!)));

const sumOf = (values: readonly number[], indices: readonly number[]): number =>
  indices.reduce((sum, i) => sum + values[i]!, 0);
