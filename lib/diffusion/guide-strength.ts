import { tensor } from "#lib/tensor/tensor.ts";
import type { GuideNetwork } from "./guide-network.ts";

/** The strongest that is drawn: at three times its strength a guide overdoes it wherever it was tried. */
export const MOST_GUIDE_STRENGTH = 10;

/** The same guide with all that it adds multiplied; 1 is as it was made, 0 adds nothing. It does not own the network. */
export function atStrength(guide: GuideNetwork, strength: number): GuideNetwork {
  if (strength === 1) return guide;
  return {
    async residuals(...state) {
      const residuals = await guide.residuals(...state);
      return Object.fromEntries(
        Object.entries(residuals).map(([name, { data, shape }]) => [
          name,
          tensor(
            data.map((value) => strength * value),
            shape,
          ),
        ]),
      );
    },
    close: () => guide.close(),
  };
}
