import { expect, test } from "vitest";
import type { GuideNetwork } from "#lib/diffusion/guide-network.ts";
import { ResidualStrength } from "#lib/distill/residual-strength.ts";
import { tensor } from "#lib/tensor/tensor.ts";

/** Two rows: to each element it adds its row's guidance, and in the middle three times that. */
const guide: GuideNetwork = {
  async residuals(_latents, _timestep, _conditioning, [first, second]) {
    return {
      skip: tensor(Float32Array.of(first!, -first!, second!, -second!), [2, 2]),
      middle: tensor(Float32Array.of(3 * first!, 3 * second!), [2, 1]),
    };
  },
  close: async () => {},
};

test("strength is the root mean square of all that is added, by timestep and guidance, in the order of a walk", async () => {
  const strength = new ResidualStrength();
  const watched = strength.watch(guide);
  const nothing = tensor(new Float32Array(2), [2, 1, 1, 1]);
  for (const timestep of [100, 900]) {
    const added = await watched.residuals(nothing, timestep, { text: nothing }, Float32Array.of(2, 4));
    expect(added["middle"]!.data).toEqual(Float32Array.of(6, 12)); // as it was
  }
  await watched.residuals(nothing, 900, { text: nothing }, Float32Array.of(2, 2));
  const root = Math.sqrt((1 + 1 + 9) / 3);
  expect(strength.rows()).toEqual([
    { timestep: 900, guidanceScale: 2, rms: 2 * root },
    { timestep: 100, guidanceScale: 2, rms: 2 * root },
    { timestep: 900, guidanceScale: 4, rms: 4 * root },
    { timestep: 100, guidanceScale: 4, rms: 4 * root },
  ]);
});
