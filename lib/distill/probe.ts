import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { zeros } from "#lib/tensor/tensor.ts";
import type { Plan, PlannedSeconds } from "./plan-schema.ts";
import type { Subject } from "./subject.ts";

/** Rows of the pass that is timed: as many as are walked side by side of a small base, and one of a large. */
const ROWS = { small: 32, large: 1 };

/** Steps backward do so much less in a second than passes forward, on two cores. */
const BACKWARD_SHARE = 0.5;

/** How long a run will take, by what a pass through the base takes here and now. */
export async function probeSeconds(
  { states, training, base }: Plan,
  { files, parts, runtime }: Subject,
): Promise<PlannedSeconds> {
  const { inChannels, crossAttentionDim, added } = files.model.unet.config;
  const rows = base.parameters < 100e6 ? ROWS.small : ROWS.large;
  const unet = await openUNet(parts, runtime);
  try {
    const conditioning = {
      text: zeros([rows, parts.tokens, crossAttentionDim]),
      ...(added && { pooledText: zeros([rows, added.pooledWidth]), timeIds: zeros([rows, added.timeIds]) }),
    };
    const pass = async (): Promise<number> => {
      const begun = performance.now();
      await unet.predict(zeros([rows, inChannels, parts.height, parts.width]), 500, conditioning, null);
      return (performance.now() - begun) / 1000;
    };
    await pass(); // the first takes memory
    const macsPerSecond = (states.macs / states.passes) * (rows / (await pass()));
    return { states: states.macs / macsPerSecond, training: training.macs / (BACKWARD_SHARE * macsPerSecond) };
  } finally {
    await unet.close();
  }
}
