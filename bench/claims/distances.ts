import { protocol } from "#lib/measure/pair-protocol.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Way } from "#lib/pairing/evidence.ts";
import { mean } from "#lib/pairing/recovery.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import type { Style } from "../verdicts/styles.ts";
import { type Captions, type Drawn, withPair } from "./draw.ts";
import { frechetDistance, momentsOf } from "./frechet.ts";
import { readReference } from "./reference.ts";

const { sampler, steps, usualGuidance: guidanceScale } = protocol;
const base: Way = { mode: "cfg", guidanceScale, cfgSteps: 0, sampler, steps };

/** Of the evaluator's features from those of rendered scenes; `floor`: CFG from CFG with other noise, at as many pictures. */
export interface Frechet {
  readonly conditional: number;
  readonly guide: number;
  readonly cfg: number;
  readonly floor: number;
  readonly n: number;
}

export const FRECHET_PASSES = steps + steps + 2 * (2 * steps);

type Pair = { readonly style: Style; readonly guide: string };

export const measureFrechet = (pair: Pair, captions: Captions, runtime: Runtime): Promise<Frechet> =>
  withPair(pair, captions, runtime, async (draw) => {
    const rendered = await readReference(pair.style);
    const [conditional, guide, cfg] = [
      momentsOf((await draw({ ...base, mode: "conditional" })).features),
      momentsOf((await draw({ ...base, mode: "guide" })).features),
      momentsOf((await draw(base)).features),
    ];
    const again = momentsOf((await draw(base, { ...captions, seed: captions.seed + 1 })).features);
    return {
      conditional: frechetDistance(conditional, rendered),
      guide: frechetDistance(guide, rendered),
      cfg: frechetDistance(cfg, rendered),
      floor: frechetDistance(cfg, again),
      n: captions.count,
    };
  });

/** A guide at few steps. */
export interface StepsRow {
  readonly steps: number;
  readonly sampler: SamplerName;
  /** Fréchet distance of the guide at these steps ÷ that of CFG at 50. */
  readonly frechetRatio: number;
  readonly fidelity: number;
}

export interface StepsFound {
  readonly rows: readonly StepsRow[];
  readonly cfg: { readonly steps: number; readonly frechet: number; readonly fidelity: number };
}

const FEW = [8, 16, 20] as const;
const MANY = 50;
const samplers = ["ddim", "dpmpp-2m"] as const satisfies readonly SamplerName[];
export const STEPS_PASSES = samplers.length * FEW.reduce((sum, count) => sum + count, 0) + 2 * MANY;

export const measureSteps = (pair: Pair, captions: Captions, runtime: Runtime): Promise<StepsFound> =>
  withPair(pair, captions, runtime, async (draw) => {
    const rendered = await readReference(pair.style);
    const distance = ({ features }: Drawn): number => frechetDistance(momentsOf(features), rendered);
    const cfg = await draw({ ...base, steps: MANY });
    const frechet = distance(cfg);
    const rows: StepsRow[] = [];
    for (const rule of samplers)
      for (const count of FEW) {
        const drawn = await draw({ ...base, mode: "guide", sampler: rule, steps: count });
        rows.push({ steps: count, sampler: rule, frechetRatio: distance(drawn) / frechet, fidelity: mean(drawn.kept) });
      }
    return { rows, cfg: { steps: MANY, frechet, fidelity: mean(cfg.kept) } };
  });
