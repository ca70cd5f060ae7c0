import { type Conditioning, conditioningRows, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import { denoise } from "#lib/diffusion/denoise.ts";
import type { GuidedNetworks } from "#lib/diffusion/guidance.ts";
import type { Schedule } from "#lib/diffusion/schedule.ts";
import type { Way } from "#lib/pairing/evidence.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";

/** What all ways draw from. */
export interface Start {
  readonly schedule: Schedule;
  /** A row for each prompt, and one of the empty prompt. */
  readonly prompted: Conditioning;
  readonly empty: Conditioning;
  /** [n, C, H, W]; every way starts from it. */
  readonly noise: FloatTensor;
}

/** Rows `begin` to `end` drawn one way: their finished latents, and how many passes through the base one of them took. */
export async function drawArm(
  networks: GuidedNetworks,
  { schedule, prompted, empty, noise }: Start,
  { mode, guidanceScale, cfgSteps, sampler, steps }: Way,
  [begin, end]: readonly [begin: number, end: number],
  onStep: () => Promise<void>,
): Promise<{ latents: FloatTensor; passes: number }> {
  let drawn = { latents: rows(noise, begin, end), passes: 0 };
  const texts = {
    conditional: conditioningRows(prompted, begin, end),
    unconditional: repeatConditioning(empty, end - begin),
  };
  const plan = { mode, guidanceScale, cfgSteps };
  for await (const { latents, passes } of denoise(networks, {
    plan,
    schedule,
    sampler,
    steps,
    noise: drawn.latents,
    texts,
  })) {
    drawn = { latents, passes };
    await onStep();
  }
  return drawn;
}
