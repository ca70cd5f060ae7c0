import { openGuide } from "#lib/diffusion/guide-network.ts";
import type { GuidedNetworks } from "#lib/diffusion/guidance.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openSplitUNet, type SplitUNet } from "#lib/diffusion/unet-networks.ts";
import type { Start } from "#lib/measure/arm.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { starter, testRuntime } from "./golden.ts";

/** Watercolor with guide-tiny, opened, and what it draws these prompts from. */
export interface GuidedWatercolor extends AsyncDisposable {
  readonly networks: GuidedNetworks & { readonly unet: SplitUNet };
  readonly start: Start;
}

export async function openGuidedWatercolor(prompts: readonly string[]): Promise<GuidedWatercolor> {
  const files = await readModelFiles({
    model: starter("watercolor"),
    lowRank: [],
    guide: starter("guide-tiny/guide.safetensors"),
  });
  const parts = unetParts(files, { height: 16, width: 16 });
  const text = await openText({ ...files, lowRank: [] }, testRuntime);
  const size = wholePicture({ height: 128, width: 128 });
  const unet = await openSplitUNet(parts, testRuntime);
  const guide = await openGuide(files.guide!, parts, testRuntime);
  const start = {
    schedule: files.model.schedule,
    prompted: await text.condition(prompts, size),
    empty: await text.condition([null], size),
    noise: createGenerator(77).randn([prompts.length, 4, 16, 16]),
  };
  await text.close();
  return {
    networks: { unet, guide, cfgLayout: "two passes" },
    start,
    async [Symbol.asyncDispose]() {
      await unet.close();
      await guide.close();
    },
  };
}
