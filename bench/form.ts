import { openSplitUNet, openUNet } from "#lib/diffusion/unet-networks.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { interleave, median, ratio } from "./interleave.ts";
import type { Subject } from "./subject.ts";
import { estimate, milliseconds, table } from "./table.ts";

export interface FormResult {
  readonly rounds: number;
  readonly joinedMs: number;
  readonly splitMs: number;
  readonly joinedOverSplit: Estimate;
}

/** One pass through the UNet as one graph, beside the same pass through encoder and decoder as two. */
export async function benchForm({ parts }: Subject, rounds: number, runtime: Runtime): Promise<FormResult> {
  const [joined, split] = [await openUNet(parts, runtime), await openSplitUNet(parts, runtime)];
  const generator = createGenerator(0);
  const latents = generator.randn([1, parts.unet.config.inChannels, parts.height, parts.width]);
  const text = generator.randn([1, parts.tokens, parts.unet.config.crossAttentionDim]);
  const times = await interleave(
    {
      joined: () => joined.predict(latents, 801, { text }, null),
      split: () => split.predict(latents, 801, { text }, null),
    },
    rounds,
  );
  await joined.close();
  await split.close();
  return {
    rounds,
    joinedMs: median(times.joined),
    splitMs: median(times.split),
    joinedOverSplit: ratio(times.joined, times.split),
  };
}

export const showForm = ({ rounds, joinedMs, splitMs, joinedOverSplit }: FormResult): string =>
  table([
    ["one UNet step", "ms median", "joined / split"],
    ["one graph", milliseconds(joinedMs), estimate(joinedOverSplit)],
    ["encoder and decoder", milliseconds(splitMs), ""],
  ]) + `\n\n${rounds} rounds, interleaved.`;
