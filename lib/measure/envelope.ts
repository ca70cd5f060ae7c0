import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import type { GuidedNetworks } from "#lib/diffusion/guidance.ts";
import { atStrength } from "#lib/diffusion/guide-strength.ts";
import type { SplitUNet } from "#lib/diffusion/unet-networks.ts";
import type { Envelope, Setting, Span } from "#lib/pairing/envelope.ts";
import type { Estimate, Way } from "#lib/pairing/evidence.ts";
import { mean } from "#lib/pairing/recovery.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { type AgreementState, measureAgreement } from "./agreement.ts";
import { drawAndRead, readersFor } from "./arm.ts";
import { bootstrap } from "./bootstrap.ts";
import type { Comparison } from "./comparison.ts";
import type { Evaluator } from "./evaluator.ts";
import { stepsRecipe } from "./steps-recipe.ts";
import { withTape } from "./teacher.ts";
import type { Tick } from "./tick.ts";

export interface EnvelopeRequest extends Comparison {
  /** So many of the prompts are chosen on; the others say what came of it. */
  readonly choosing: number;
  /** [n, C, H, W]: of the trajectories on which it is read how much one step delivers, the first prompts' own. */
  readonly stepsNoise: FloatTensor;
}

/** By way, what each prompt gave: those that were chosen on, in their order, or the others. */
export interface KeptByTrial extends Way {
  readonly prompts: "chosen on" | "others";
  readonly kept: readonly number[];
}

/** Of guidance: the usual one, and round ones about it. CFG is asked for all, the guide for those of its range. */
const GUIDANCES = [2, 3, 5, 8] as const;
const SHARES_OF_STEPS = [0.4, 0.6, 1, 1.5] as const;
const STRENGTHS = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;
const SHARES_OF_CFG = [0, 0.1, 0.25, 0.5] as const;

/** The guidance at which CFG is at its best, then the strength and the CFG steps at which the guide is, and what comes of it elsewhere. */
export async function measureEnvelope(
  networks: GuidedNetworks & { readonly unet: SplitUNet },
  evaluator: Evaluator,
  request: EnvelopeRequest,
  tick: Tick,
): Promise<{ envelope: Envelope; raw: KeptByTrial[] }> {
  const { choosing, prompts, steps, range } = request;
  const counts = countsOf(request);
  const guidances = guidancesOf(request);
  const counter = progressOf(request, tick);
  const trials = await trialsOf(networks, evaluator, request, counter.step);
  const chosen: Span = { low: 0, high: choosing };
  const usual: Setting = { guidanceScale: request.guidanceScale, guideStrength: 1, cfgSteps: 0 };

  const none = await trials.draw("conditional", usual, chosen);
  const cfgAt = new Map<number, readonly number[]>();
  for (const guidanceScale of guidances)
    cfgAt.set(guidanceScale, await trials.draw("cfg", { ...usual, guidanceScale }, chosen));
  const cfgGuidance = bestOf(cfgAt, request.guidanceScale);
  const guidanceScale = Math.min(Math.max(cfgGuidance, range.minGuidance), range.maxGuidance);
  const asMade = { ...usual, guidanceScale };

  const guideAt = new Map<number, readonly number[]>();
  for (const one of new Set([...guidances.filter((each) => isWithin(each, range)), guidanceScale]))
    guideAt.set(one, await trials.draw("guide", { ...asMade, guidanceScale: one }, chosen));
  const delivered = await deliveredBy(networks, request, guidanceScale, counter.step);
  const strengthAt = new Map<number, readonly number[]>();
  for (const guideStrength of STRENGTHS)
    strengthAt.set(guideStrength, await trials.draw("guide", { ...asMade, guideStrength }, chosen));
  const allowed = STRENGTHS.filter((one) => isAllowed(delivered.get(one)!));
  const guideStrength =
    allowed.length > 0
      ? bestOf(new Map(allowed.map((one) => [one, strengthAt.get(one)!])), nearest(allowed, 1))
      : STRENGTHS[0]; // the least that was tried is the nearest to what is allowed
  const strong = { ...asMade, guideStrength };
  const cfgStepsAt = new Map<number, readonly number[]>();
  for (const cfgSteps of counts.cfgSteps)
    cfgStepsAt.set(cfgSteps, await trials.draw("guide", { ...strong, cfgSteps }, chosen));
  const best = { ...strong, cfgSteps: bestOf(cfgStepsAt, 0) };
  const stepsAt = [];
  for (const count of counts.steps)
    stepsAt.push({
      steps: count,
      cfg: await trials.draw("cfg", { ...usual, guidanceScale: cfgGuidance }, chosen, count),
      guide: await trials.draw("guide", asMade, chosen, count),
    });

  const others: Span = { low: choosing, high: prompts.length };
  const found = {
    none: await trials.draw("conditional", usual, others),
    cfg: await trials.draw("cfg", { ...usual, guidanceScale: cfgGuidance }, others),
    guide: await trials.draw("guide", asMade, others),
    best: await trials.draw("guide", best, others),
  };
  await counter.end();
  const cfgBest = cfgAt.get(cfgGuidance)!;
  return {
    raw: trials.raw,
    envelope: {
      n: choosing,
      others: prompts.length - choosing,
      steps,
      none: meanOver(none),
      byGuidance: [...new Set([...cfgAt.keys(), ...guideAt.keys()])]
        .toSorted((a, b) => a - b)
        .flatMap((one) => {
          const [cfg, guide] = [cfgAt.get(one), guideAt.get(one)];
          return cfg ? [{ guidanceScale: one, cfg: meanOver(cfg), guide: guide ? meanOver(guide) : null }] : [];
        }),
      bySteps: stepsAt.map((one) => ({ steps: one.steps, cfg: meanOver(one.cfg), guide: meanOver(one.guide) })),
      byStrength: STRENGTHS.map((strength) => ({
        strength,
        guide: meanOver(strengthAt.get(strength)!),
        delivered: delivered.get(strength)!,
        isAllowed: isAllowed(delivered.get(strength)!),
      })),
      byCfgSteps: counts.cfgSteps.map((cfgSteps) => ({
        cfgSteps,
        passes: steps + cfgSteps,
        guide: meanOver(cfgStepsAt.get(cfgSteps)!),
      })),
      cfgGuidance,
      best: { ...best, passes: steps + best.cfgSteps },
      holds: {
        guidance: spanOf(
          [...guideAt].toSorted(([a], [b]) => a - b),
          guidanceScale,
          none,
          cfgBest,
        ),
        steps: spanOf(
          stepsAt.map((one) => [one.steps, one.guide] as const),
          steps,
          none,
          cfgBest,
        ),
      },
      found: {
        none: meanOver(found.none),
        cfg: meanOver(found.cfg),
        guide: meanOver(found.guide),
        best: meanOver(found.best),
        againstGuide: meanOver(differences(found.best, found.guide)),
        againstCfg: meanOver(differences(found.best, found.cfg)),
      },
    },
  };
}

function guidancesOf({ guidanceScale, range: { maxGuidance } }: EnvelopeRequest): number[] {
  return [...new Set([...GUIDANCES, guidanceScale, Math.max(maxGuidance, GUIDANCES.at(-1)!)])].toSorted(
    (a, b) => a - b,
  );
}

function countsOf({ steps }: EnvelopeRequest): {
  readonly steps: readonly number[];
  readonly cfgSteps: readonly number[];
} {
  const unique = (counts: readonly number[]): number[] => [...new Set(counts)].toSorted((a, b) => a - b);
  return {
    steps: unique(SHARES_OF_STEPS.map((share) => Math.max(1, Math.round(share * steps)))),
    cfgSteps: unique(SHARES_OF_CFG.map((share) => Math.round(share * steps))),
  };
}

const isWithin = (guidance: number, { minGuidance, maxGuidance }: EnvelopeRequest["range"]): boolean =>
  guidance >= minGuidance && guidance <= maxGuidance;

const nearest = (values: readonly number[], to: number): number =>
  values.reduce((best, one) => (Math.abs(one - to) < Math.abs(best - to) ? one : best));

/** The most that was kept; but what is usual, and then what is nearest to it, where that is no more than one standard error behind. */
export function bestOf(kept: ReadonlyMap<number, readonly number[]>, usual: number): number {
  const all = [...kept].map(([value, scores]) => ({ value, scores, mean: mean(scores) }));
  const best = all.reduce((most, one) => (one.mean > most.mean ? one : most));
  return all
    .filter(({ scores, mean: own }) => best.mean - own <= errorOf(differences(best.scores, scores)))
    .toSorted((a, b) => Math.abs(a.value - usual) - Math.abs(b.value - usual))[0]!.value;
}

/** Of a mean. */
function errorOf(values: readonly number[]): number {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1) / values.length);
}

/** Around what is asked for, how far it keeps enough without a break; by what was seen alone. */
function spanOf(
  points: readonly (readonly [at: number, kept: readonly number[]])[],
  from: number,
  none: readonly number[],
  cfg: readonly number[],
): Span | null {
  const [least, most] = [mean(none), mean(cfg)];
  const enough = least + thresholds.verifiedRecovered * (most - least);
  if (most <= least) return null;
  const holds = points.map(([at, kept]) => ({ at, isEnough: mean(kept) >= enough }));
  const start = holds.findIndex(({ at }) => at === from);
  if (!holds[start]?.isEnough) return null;
  let [low, high] = [start, start];
  while (holds[low - 1]?.isEnough) low--;
  while (holds[high + 1]?.isEnough) high++;
  return { low: holds[low]!.at, high: holds[high]!.at };
}

/**
 * At each strength, how large what one step adds is, as a share of what CFG adds, on CFG's own trajectories, which are followed once for
 * all. By its length and not by its part in CFG's direction: a guide goes its own way, and the longer it is made the less of that part it has.
 */
async function deliveredBy(
  { unet, guide }: GuidedNetworks & { readonly unet: SplitUNet },
  { schedule, steps, prompts, prompted, empty, stepsNoise, rowsAtOnce, kept }: EnvelopeRequest,
  guidanceScale: number,
  onStep: () => Promise<void>,
): Promise<Map<number, Estimate>> {
  const count = stepsNoise.shape[0]!;
  const states = new Map<number, AgreementState[]>(STRENGTHS.map((strength) => [strength, []]));
  for (let begin = 0; begin < count; begin += rowsAtOnce) {
    const end = Math.min(begin + rowsAtOnce, count);
    const noise = rows(stepsNoise, begin, end);
    const recipe = stepsRecipe(prompts.slice(begin, end), noise, guidanceScale, steps);
    await withTape(kept?.pieces ?? null, recipe, async (first) => {
      let tape = first;
      for (const strength of STRENGTHS) {
        const request = {
          schedule,
          steps,
          prompted: conditioningRows(prompted, begin, end),
          empty,
          noise,
          guidanceScales: new Float32Array(end - begin).fill(guidanceScale),
          prompts: Array.from({ length: end - begin }, (_, i) => begin + i),
          tape,
        };
        states.get(strength)!.push(...(await measureAgreement(unet, atStrength(guide!, strength), request, onStep)));
        tape = first.again();
      }
    });
  }
  return new Map([...states].map(([strength, of]) => [strength, sizeOf(of)]));
}

function sizeOf(states: readonly AgreementState[]): Estimate {
  const byPrompt = [...Map.groupBy(states, ({ prompt }) => prompt).values()];
  return bootstrap(byPrompt.length, (indices) => {
    let [delivered, asked] = [0, 0];
    for (const i of indices)
      for (const state of byPrompt[i]!) {
        delivered += state.delivered;
        asked += state.asked;
      }
    return Math.sqrt(delivered / asked);
  });
}

const isAllowed = ({ value }: Estimate): boolean => value <= thresholds.mostDelivered;

/** Draws what is asked for once, however often it is asked for. */
async function trialsOf(
  networks: GuidedNetworks,
  evaluator: Evaluator,
  request: EnvelopeRequest,
  onStep: () => Promise<void>,
) {
  const readers = await readersFor([evaluator], request);
  const raw: KeptByTrial[] = [];
  const draw = async (
    mode: Way["mode"],
    setting: Setting,
    { low, high }: Span,
    steps = request.steps,
  ): Promise<readonly number[]> => {
    const { guideStrength, ...plan } = setting;
    const way: Way = { mode, ...plan, ...(guideStrength !== 1 && { guideStrength }), sampler: request.sampler, steps };
    const of = low === 0 ? "chosen on" : "others";
    const known = raw.find((one) => one.prompts === of && isSame(one, way));
    if (known) return known.kept;
    const kept: number[] = [];
    for (let begin = low; begin < high; begin += request.rowsAtOnce) {
      const end = Math.min(begin + request.rowsAtOnce, high);
      const { seen } = await drawAndRead(networks, readers, request, way, [begin, end], onStep);
      kept.push(...seen[0]!.scores);
    }
    raw.push({ ...way, prompts: of, kept });
    return kept;
  };
  return { draw, raw };
}

const isSame = (one: Way, other: Way): boolean =>
  one.mode === other.mode &&
  one.guidanceScale === other.guidanceScale &&
  one.cfgSteps === other.cfgSteps &&
  (one.guideStrength ?? 1) === (other.guideStrength ?? 1) &&
  one.steps === other.steps;

/** Steps of all ways, as many as there are at most: what is drawn already is not drawn again. */
function progressOf(request: EnvelopeRequest, tick: Tick) {
  const total = stepsAtMost(request);
  let done = 0;
  return {
    step: () => tick(Math.min(++done, total - 1), total),
    end: () => tick(total, total),
  };
}

function stepsAtMost(request: EnvelopeRequest): number {
  const { choosing, prompts, steps, rowsAtOnce, stepsNoise } = request;
  const counts = countsOf(request);
  const chunks = (count: number): number => Math.ceil(count / rowsAtOnce);
  const ways = 2 + 2 * guidancesOf(request).length + STRENGTHS.length + counts.cfgSteps.length;
  const ofSteps = counts.steps.reduce((sum, count) => sum + 2 * count, 0);
  return (
    (ways * steps + ofSteps) * chunks(choosing) +
    4 * steps * chunks(prompts.length - choosing) +
    STRENGTHS.length * steps * chunks(stepsNoise.shape[0]!)
  );
}

const differences = (one: readonly number[], other: readonly number[]): number[] =>
  one.map((value, i) => value - other[i]!);

const meanOver = (values: readonly number[]): Estimate =>
  bootstrap(values.length, (indices) => mean(indices.map((i) => values[i]!)));
