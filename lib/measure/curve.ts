import type { GuidancePlan, GuidedNetworks } from "#lib/diffusion/guidance.ts";
import type { Curve, CurvePoint } from "#lib/pairing/evidence.ts";
import { mean } from "#lib/pairing/recovery.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { samplerLabels, type SamplerName } from "#lib/sampler-names.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { type Arm, drawArm, type Start } from "./arm.ts";
import { bootstrap } from "./bootstrap.ts";
import type { Evaluator } from "./evaluator.ts";
import type { KeptShares } from "./fidelity.ts";
import type { Tick } from "./tick.ts";

export interface CurveRequest extends Start {
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly rowsAtOnce: number;
  readonly domain: string | null;
  decode(latents: FloatTensor): Promise<readonly Picture[]>;
  /** What was drawn of the same prompts from the same noise in the three modes: it is not drawn again. */
  readonly known: readonly KeptShares[];
}

/** Half of the steps, with the same rule and with one that makes do with few (Lu et al. 2022, arXiv 2211.01095, algorithm 2). */
const ofHalfTheSteps = (sampler: SamplerName): SamplerName[] => [...new Set<SamplerName>([sampler, "dpmpp-2m"])];

/** So much of the steps is CFG's before it is left out: the first steps decide what stands where (Kynkäänniemi et al. 2024, arXiv 2404.07724). */
const SHARES_OF_CFG = [0.1, 0.25, 0.5] as const;

interface NamedArm extends Arm {
  readonly name: string;
}

/** «Why not simply fewer steps?»: all that somebody could do instead of a guide with fewer passes, in one run from the same noise. */
export async function measureCurve(
  networks: GuidedNetworks,
  evaluator: Evaluator,
  request: CurveRequest,
  tick: Tick,
): Promise<Curve> {
  const { known, steps, rowsAtOnce, domain } = request;
  const prompts = known.map(({ prompt }) => prompt);
  const scoring = await evaluator.expect(prompts, domain);
  const arms = armsOf(request);
  const total = arms.reduce((sum, arm) => sum + arm.steps, 0) * Math.ceil(prompts.length / rowsAtOnce);
  let done = 0;
  const guide = known.map((one) => one.guide);
  const points: CurvePoint[] = [
    pointOf(
      "without guidance",
      steps,
      known.map(({ conditional }) => conditional),
      guide,
    ),
    pointOf("the guide", steps, guide, guide),
    pointOf(
      "CFG",
      2 * steps,
      known.map(({ cfg }) => cfg),
      guide,
    ),
  ];
  for (const arm of arms) {
    const scores: number[] = [];
    let passes = 0;
    for (let begin = 0; begin < prompts.length; begin += rowsAtOnce) {
      const end = Math.min(begin + rowsAtOnce, prompts.length);
      const drawn = await drawArm(networks, request, arm, [begin, end], () => tick(++done, total));
      const seen = await scoring.read({ latents: drawn.latents, pictures: () => request.decode(drawn.latents) }, begin);
      scores.push(...seen.scores);
      passes = drawn.passes;
    }
    points.push(pointOf(arm.name, passes, scores, guide));
  }
  return { n: prompts.length, points: points.toSorted((a, b) => a.passes - b.passes) };
}

function armsOf({ sampler, steps, guidanceScale }: CurveRequest): NamedArm[] {
  const plan = (mode: GuidancePlan["mode"], cfgSteps = 0): GuidancePlan => ({ mode, guidanceScale, cfgSteps });
  const half = Math.ceil(steps / 2);
  const shorter = ofHalfTheSteps(sampler).map((rule) => ({
    name: `CFG at ${half} steps of ${samplerLabels[rule]}`,
    plan: plan("cfg"),
    sampler: rule,
    steps: half,
  }));
  const mixed = SHARES_OF_CFG.flatMap((share) => {
    const cfgSteps = Math.round(share * steps);
    return [
      { name: `CFG for ${countOf(cfgSteps)}, then no guidance`, plan: plan("conditional", cfgSteps), sampler, steps },
      { name: `CFG for ${countOf(cfgSteps)}, then the guide`, plan: plan("guide", cfgSteps), sampler, steps },
    ];
  });
  return [...shorter, ...mixed];
}

const countOf = (steps: number): string => (steps === 1 ? "1 step" : `${steps} steps`);

/** Paired: what both make of one prompt from one noise. */
function pointOf(name: string, passes: number, scores: readonly number[], guide: readonly number[]): CurvePoint {
  const over = (of: (i: number) => number) => bootstrap(scores.length, (indices) => mean(indices.map(of)));
  return { name, passes, fidelity: over((i) => scores[i]!), againstGuide: over((i) => scores[i]! - guide[i]!) };
}
