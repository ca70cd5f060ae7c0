import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import type { UNetConfig } from "#lib/diffusion/unet-config.ts";
import type { createGenerator } from "#lib/tensor/random.ts";
import { tensor } from "#lib/tensor/tensor.ts";

/** Noise in place of what text encoders say, for one picture; SDXL's sizes are those of its own pictures. */
export function conditioningFor(
  { crossAttentionDim, added }: UNetConfig,
  tokens: number,
  generator: ReturnType<typeof createGenerator>,
): Conditioning {
  const text = generator.randn([1, tokens, crossAttentionDim]);
  if (!added) return { text };
  const pooledText = generator.randn([1, added.pooledWidth]);
  return { text, pooledText, timeIds: tensor(Float32Array.of(1024, 1024, 0, 0, 1024, 1024), [1, added.timeIds]) };
}
