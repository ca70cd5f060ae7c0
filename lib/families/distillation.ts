/** A model that was trained to need fewer steps than its base. */
export interface Distillation {
  readonly name: "LCM" | "TCD" | "Lightning" | "Hyper-SD" | "Turbo" | "DMD2" | "Flash" | "PCM";
  /** How many steps it is made for; null where nothing says. */
  readonly steps: number | null;
  /** What says so. */
  readonly from: string;
}

/**
 * Told by a UNet that takes the guidance as an input, by metadata, or by the file's own name: these models are published
 * under names that say the number of steps, such as `sdxl_lightning_4step_lora.safetensors`.
 */
export function distillationOf(
  name: string,
  metadata: ReadonlyMap<string, string>,
  takesGuidance = false,
): Distillation | null {
  if (takesGuidance) return { name: "LCM", steps: LCM_STEPS, from: "the guidance that its UNet takes as an input" };
  const places: readonly (readonly [from: string, text: string])[] = [
    ...keys.map((key) => [`metadata "${key}"`, metadata.get(key) ?? ""] as const),
    ["its name", name],
  ];
  for (const [from, text] of places) {
    const words = text.slice(0, MAX_CHARACTERS).toLowerCase();
    const found = methods.find(({ pattern }) => pattern.test(words));
    if (found) return { name: found.name, steps: stepsIn(words) ?? found.steps, from };
  }
  return null;
}

const MAX_CHARACTERS = 1000;
const LCM_STEPS = 4; // Luo et al. 2023, arXiv 2310.04378, table 1

const keys = ["modelspec.title", "modelspec.description", "ss_output_name"];

/** «4step», «8steps», «8-steps» */
function stepsIn(words: string): number | null {
  const steps = Number(/(?<!\d)(\d{1,2})[ _-]?steps?(?![a-z])/.exec(words)?.[1] ?? 0);
  return steps > 0 ? steps : null;
}

const methods: readonly { name: Distillation["name"]; pattern: RegExp; steps: number | null }[] = [
  { name: "Lightning", pattern: /xl[ _-]?lightning|(?<![a-z])lightning[ _-]?\d{1,2}[ _-]?step/, steps: null },
  { name: "Hyper-SD", pattern: /(?<![a-z])hyper[ _-]?sd/, steps: null },
  { name: "DMD2", pattern: /(?<![a-z])dmd2?(?![a-z])/, steps: null },
  { name: "TCD", pattern: /(?<![a-z])tcd(?![a-z])/, steps: null },
  { name: "PCM", pattern: /(?<![a-z])pcm(?![a-z])/, steps: null },
  { name: "LCM", pattern: /(?<![a-z])lcm(?![a-z])/, steps: LCM_STEPS },
  { name: "Turbo", pattern: /(sd|xl)[ _-]?turbo(?![a-z])/, steps: null },
  { name: "Flash", pattern: /(?<![a-z])flash[ _-]?(sd|sdxl|diffusion)(?![a-z])/, steps: null },
];
