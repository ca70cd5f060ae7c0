import { unetFamilies } from "./all.ts";
import { otherFamilies } from "./other-families.ts";

/** A family that metadata claims, and the key that does. */
export interface Claim {
  readonly name: string;
  readonly id: string;
  readonly key: string;
}

/** Of ModelSpec and of the training scripts; null where they claim nothing that is known here. */
export function claimedFamily(metadata: ReadonlyMap<string, string>): Claim | null {
  for (const key of keys) {
    const named = familyNamed(metadata.get(key) ?? "");
    if (named) return { ...named, key };
  }
  return null;
}

/** The family that a text begins with the name of, however it is spelt: “sd_v1”, “SD 1.x”, “stable-diffusion-v1-5”. */
export function familyNamed(text: string): Omit<Claim, "key"> | null {
  const value = text
    .slice(0, MAX_CHARACTERS)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "");
  const [longest] = beginnings
    .filter(({ begins }) => value.startsWith(begins))
    .toSorted((a, b) => b.begins.length - a.begins.length);
  return longest ? { name: longest.name, id: longest.id } : null;
}

const MAX_CHARACTERS = 200;
const keys = ["modelspec.architecture", "ss_base_model_version"];
const beginnings = [...unetFamilies, ...otherFamilies].flatMap(({ name, id, claims }) =>
  claims.map((begins) => ({ name, id, begins })),
);
