import type { UNetFamily } from "./family.ts";
import { sd1 } from "./sd1.ts";
import { sd2 } from "./sd2.ts";
import { sdxl } from "./sdxl.ts";
import { sdxlRefiner } from "./sdxl-refiner.ts";

export const unetFamilies: readonly UNetFamily[] = [sd1, sd2, sdxl, sdxlRefiner];

export const runningFamilies: readonly UNetFamily[] = unetFamilies.filter(({ whyNot }) => whyNot === null);

/** “SD 1.x, SD 2.x and SDXL” */
export const namesOfRunning: string = inWords(runningFamilies.map(({ name }) => name));

export const findUNetFamily = (id: string | null): UNetFamily | null =>
  unetFamilies.find((family) => family.id === id) ?? null;

/**
 * Those whose text encoders have one of such a width: the names of a learned word, or of a fine-tuned encoder, for
 * instance.
 */
export const familiesOfTextEncoder = (width: number): UNetFamily[] =>
  runningFamilies.filter(({ textEncoders }) => textEncoders.some((encoder) => encoder.width === width));

function inWords(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
