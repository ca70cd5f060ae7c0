import { alphaBarsOf, plainBetas } from "#lib/diffusion/betas.ts";
import { type Conditioning, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import { type GuidedNetworks, guided, predictPair } from "#lib/diffusion/guidance.ts";
import { createSampler } from "#lib/diffusion/samplers/create-sampler.ts";
import { mapPairs } from "#lib/diffusion/samplers/prediction.ts";
import { noNoise } from "#lib/diffusion/samplers/sampler.ts";
import { trainedLevels } from "#lib/diffusion/samplers/trained-levels.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import { AppError } from "#lib/errors.ts";
import { allFinite, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { below, generatorFor, uniform } from "../random.ts";
import type { Recipe } from "../recipe.ts";
import type { StatePiece } from "./state-pieces.ts";
import type { Walks } from "./walks.ts";

export interface Teacher {
  readonly networks: Pick<GuidedNetworks, "unet" | "cfgLayout">;
  readonly schedule: Schedule;
  /** A row for each walk, and one of the empty prompt. */
  readonly prompted: Conditioning;
  readonly empty: Conditioning;
  /** Of one picture's latents: [C, H, W]. */
  readonly shape: readonly number[];
}

/**
 * The states that CFG passes through (DDIM), each walk at a guidance of its own, with what the base predicts there with its prompt and
 * without; then the ends of the walks, noised forward to a timestep of the training, for samplers that pass between.
 *
 * @param tick  after each pair of predictions
 */
export async function drawStates(
  teacher: Teacher,
  { piece, count, steps, states }: Walks,
  { seed, guidance }: Pick<Recipe, "seed" | "guidance">,
  tick: () => Promise<void>,
): Promise<Omit<StatePiece, "seconds">> {
  const { schedule, prompted, shape, networks } = teacher;
  const draws = generatorFor(seed, "walks", piece);
  let latents = draws.randn([count, ...shape]);
  const guidanceScales = Float32Array.from(
    { length: count },
    () => guidance.low + uniform(draws) * (guidance.high - guidance.low),
  );
  const empty = repeatConditioning(teacher.empty, count);
  const seen = new SeenStates(count, states, shape);
  const predict = async (at: FloatTensor, timestep: number): Promise<readonly [FloatTensor, FloatTensor]> => {
    const pair = await predictPair(networks.unet, networks.cfgLayout, at, timestep, {
      conditional: prompted,
      unconditional: empty,
    });
    if (!pair.every(allFinite))
      throw new AppError("not_finite", `The base's own prediction at timestep ${timestep} is not a number.`, {
        timestep,
      });
    seen.add(at, pair, timestep);
    await tick();
    return pair;
  };
  const sampler = createSampler("ddim", schedule, steps);
  for (const [index, { timestep }] of sampler.evaluations.entries()) {
    const prediction = guided(...(await predict(latents, timestep)), guidanceScales);
    latents = sampler.step(latents, prediction, index, noNoise);
  }
  const { at } = trainedLevels(schedule, alphaBarsOf(schedule, plainBetas, "finite"), true);
  for (let i = steps; i < states; i++) {
    const { alpha, sigma, timestep } = at(below(draws, schedule.trainTimesteps));
    const noised = mapPairs(latents, draws.randn(latents.shape), (x0, noise) => alpha * x0 + sigma * noise);
    await predict(noised, timestep);
  }
  const { states: all, timesteps } = seen;
  return { states: all, timesteps, guidanceScales: tensor(guidanceScales, [count]), conditioning: prompted };
}

/** Laid out walk by walk, while they come step by step. */
class SeenStates {
  readonly states: FloatTensor;
  readonly timesteps: FloatTensor;
  readonly #count: number;
  readonly #each: number;
  #done = 0;

  constructor(count: number, each: number, shape: readonly number[]) {
    this.#count = count;
    this.#each = each;
    const size = shape.reduce((product, dim) => product * dim, 3);
    this.states = tensor(new Float32Array(count * each * size), [count * each, 3, ...shape]);
    this.timesteps = tensor(new Float32Array(count * each), [count * each]);
  }

  add(latents: FloatTensor, [conditional, unconditional]: readonly [FloatTensor, FloatTensor], timestep: number): void {
    for (let walk = 0; walk < this.#count; walk++) {
      const place = walk * this.#each + this.#done;
      const own = rows(this.states, place, place + 1).data;
      [latents, conditional, unconditional].forEach((part, i) =>
        own.set(rows(part, walk, walk + 1).data, (i * own.length) / 3),
      );
      this.timesteps.data[place] = timestep;
    }
    this.#done++;
  }
}
