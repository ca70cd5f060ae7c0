import type { GuideNetwork } from "#lib/diffusion/guide-network.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";

/** How strong what a guide adds is, at one timestep and guidance. */
export interface StrengthAt {
  readonly timestep: number;
  readonly guidanceScale: number;
  /** Root mean square over all that it adds to the skips and the middle, of all states. */
  readonly rms: number;
}

/**
 * Watches a guide at work. That of Hsiao et al. 2024 (arXiv 2406.01954, the figure of injected feature maps) adds most early, and more at
 * higher guidance; one that is flat has learned a constant.
 */
export class ResidualStrength {
  readonly #sums = new Map<string, { timestep: number; guidanceScale: number; squares: number; elements: number }>();

  /** The same guide, of which each residual is noted. */
  watch(guide: GuideNetwork): GuideNetwork {
    return {
      residuals: async (latents, timestep, conditioning, guidanceScales) => {
        const residuals = await guide.residuals(latents, timestep, conditioning, guidanceScales);
        for (const { data, shape } of Object.values(residuals)) {
          const row = sizeOf(shape.slice(1));
          for (const [i, guidanceScale] of guidanceScales.entries())
            this.#note(timestep, guidanceScale, data.subarray(i * row, (i + 1) * row));
        }
        return residuals;
      },
      close: () => guide.close(),
    };
  }

  /** In the order of a walk, weak guidance first. */
  rows(): StrengthAt[] {
    return [...this.#sums.values()]
      .toSorted((a, b) => a.guidanceScale - b.guidanceScale || b.timestep - a.timestep)
      .map(({ timestep, guidanceScale, squares, elements }) => ({
        timestep,
        guidanceScale,
        rms: Math.sqrt(squares / elements),
      }));
  }

  #note(timestep: number, guidanceScale: number, values: Float32Array): void {
    const key = `${timestep} ${guidanceScale}`;
    const sums = this.#sums.get(key) ?? { timestep, guidanceScale, squares: 0, elements: 0 };
    for (const value of values) sums.squares += value * value;
    sums.elements += values.length;
    this.#sums.set(key, sums);
  }
}
