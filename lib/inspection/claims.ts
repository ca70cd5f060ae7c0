import type { Kind } from "./kind.ts";

/** Where metadata says one thing and the tensors another, in words. Metadata that claims nothing we know is left alone. */
export function falseClaims(metadata: ReadonlyMap<string, string>, kind: Kind, family: string | null): string[] {
  const format = formats.find(({ is }) => is === metadata.get("format"));
  const said =
    format && format.kind !== kind
      ? [`Its metadata says that it is ${format.said}, and its tensors are not those of one.`]
      : [];
  const familyKey = ["modelspec.architecture", "ss_base_model_version"].find((key) => metadata.has(key));
  const claimed = familyKey && families.find(({ pattern }) => pattern.test(metadata.get(familyKey)!))?.name;
  const fitting = family?.split(" or ") ?? []; // several families may fit
  const differs =
    claimed &&
    fitting.some((one) => families.some(({ name }) => one.startsWith(name))) &&
    !fitting.some((one) => one.startsWith(claimed));
  return differs
    ? [...said, `Its metadata says ${claimed} ("${familyKey}"), and its tensors are those of ${family}.`]
    : said;
}

const formats: readonly { is: string; kind: Kind; said: string }[] = [
  { is: "guide/1", kind: "guide", said: "a guide" },
  { is: "evaluator/1", kind: "evaluator", said: "an evaluator" },
];

const families: readonly { name: string; pattern: RegExp }[] = [
  { name: "SD 1.x", pattern: /^(stable-diffusion-v1|sd[_-]?v?1)/ },
  { name: "SD 2.x", pattern: /^(stable-diffusion-v2|sd[_-]?v?2)/ },
  { name: "SDXL", pattern: /^(stable-diffusion-xl|sdxl)/ },
  { name: "SD 3", pattern: /^(stable-diffusion-v3|sd3)/ },
  { name: "Flux", pattern: /^flux/ },
];
