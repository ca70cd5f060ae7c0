import { cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { conditioningRows, repeatConditioning } from "#lib/diffusion/conditioning.ts";
import { denoise } from "#lib/diffusion/denoise.ts";
import type { GuidedNetworks } from "#lib/diffusion/guidance.ts";
import type { Model } from "#lib/diffusion/model.ts";
import { vaeSize } from "#lib/diffusion/vae-size.ts";
import { openVaeDecoder } from "#lib/diffusion/vae-networks.ts";
import { toPicture } from "#lib/picture/rgb.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import type { HeldOutPlace } from "./held-out-place.ts";
import type { Sample } from "./progress.ts";
import { generatorFor } from "./random.ts";

/** How many prompts are drawn each time. */
const MOST_SAMPLES = 2;

/** What to draw, of the prompts that are held out. */
export interface SampleRequest {
  readonly model: Model;
  /** Of those prompts, in their order. */
  readonly prompts: readonly string[];
  /** Whether CFG draws them too, from the same noise. */
  readonly withCfg: boolean;
}

/** The first held-out prompts as the guide draws them by now. The VAE is open only meanwhile. */
export async function drawSamples(
  networks: Pick<GuidedNetworks, "unet" | "guide">,
  { recipe, config, parts, schedule, runtime, prompted, empty }: HeldOutPlace,
  step: number,
  { model, prompts, withCfg }: SampleRequest,
): Promise<Sample[]> {
  const count = Math.min(MOST_SAMPLES, prompts.length);
  const shape = [count, config.base.inChannels, parts.height, parts.width];
  const noise = generatorFor(recipe.seed, "samples").randn(shape);
  const texts = { conditional: conditioningRows(prompted, 0, count), unconditional: repeatConditioning(empty, count) };
  const open = { ...networks, cfgLayout: cfgLayoutFor(model.unet.weights.parameters) };
  const draw = async (mode: Sample["mode"]): Promise<FloatTensor> => {
    const plan = { mode, guidanceScale: recipe.guidance.reference, cfgSteps: 0 };
    let latents = noise;
    const request = { plan, schedule, sampler: "ddim" as const, steps: recipe.heldOut.steps, noise, texts };
    for await (const state of denoise(open, request)) ({ latents } = state);
    return latents;
  };
  const modes: readonly Sample["mode"][] = withCfg ? ["guide", "cfg"] : ["guide"];
  const vae = await openVaeDecoder(model.vae, vaeSize(model, parts), runtime);
  try {
    const samples: Sample[] = [];
    for (const mode of modes) {
      const pictures = await vae.decode(await draw(mode));
      for (let position = 0; position < count; position++)
        samples.push({
          mode,
          step: mode === "cfg" ? 0 : step,
          position,
          prompt: prompts[position]!,
          picture: toPicture(rows(pictures, position, position + 1)),
        });
    }
    return samples;
  } finally {
    await vae.close();
  }
}
