import type { SamplerName } from "#lib/sampler-names.ts";

/** What an adapter that shortens sampling asks for, where a file says that it is one. */
export interface Accelerator {
  readonly name: string;
  /** What says so. A file's name is only a hint. */
  readonly from: string;
  /** The sampler that it was trained for, by its name here. */
  readonly sampler: SamplerName;
  readonly timestepSpacing: "leading" | "trailing";
  readonly steps: number;
  /** 1 is the conditional prediction alone. */
  readonly guidance: number;
}

/**
 * Adapters of this kind have the shapes of any other, so only what is written on them can tell: a title or note in the
 * metadata, else the name of the file. How each is used is what its authors write on its page.
 */
export function acceleratorOf(metadata: ReadonlyMap<string, string>, file: string): Accelerator | null {
  const places = [
    ...titles.map((key) => ({ text: metadata.get(key), from: `metadata "${key}"` })),
    { text: file, from: "its file name, which is only a hint" },
  ];
  for (const { text, from } of places) {
    const found = text === undefined ? undefined : known.find(({ says }) => says.test(text.slice(0, 2000)));
    if (!found) continue;
    const { name, sampler, timestepSpacing, guidance } = found;
    const told = Number(/(?<!\d)([1-9]|1[0-6])[-_ ]?steps?(?![a-z])/i.exec(text!)?.[1] ?? found.steps);
    return { name, from, sampler, timestepSpacing, steps: told, guidance };
  }
  return null;
}

const titles = ["modelspec.title", "modelspec.description", "ss_output_name", "ss_training_comment"];

type Known = Omit<Accelerator, "from"> & { readonly says: RegExp };

/** Words between anything that is no letter. The first that fits holds: Hyper-SD and DMD2 speak of LCM too. */
const known: readonly Known[] = [
  // https://huggingface.co/ByteDance/Hyper-SD: DDIM with trailing timesteps and no guidance for 2 to 8 steps
  {
    name: "Hyper-SD",
    says: /(?<![a-z])(hyper[-_ ]?sd(xl)?\d*)(?![a-z])/i,
    sampler: "ddim",
    timestepSpacing: "trailing",
    steps: 8,
    guidance: 1,
  },
  // https://huggingface.co/ByteDance/SDXL-Lightning
  {
    name: "SDXL-Lightning",
    says: /(?<![a-z])(lightning)(?![a-z])/i,
    sampler: "euler",
    timestepSpacing: "trailing",
    steps: 4,
    guidance: 1,
  },
  // https://huggingface.co/tianweiy/DMD2
  {
    name: "DMD2",
    says: /(?<![a-z])(dmd2?)(?![a-z])/i,
    sampler: "lcm",
    timestepSpacing: "leading",
    steps: 4,
    guidance: 1,
  },
  // https://huggingface.co/stabilityai/sdxl-turbo
  {
    name: "Turbo",
    says: /(?<![a-z])((sd(xl)?[-_ ]?)?turbo)(?![a-z])/i,
    sampler: "euler-a",
    timestepSpacing: "trailing",
    steps: 4,
    guidance: 1,
  },
  // Zheng et al. 2024, arXiv 2402.19159; LCM is the nearest sampler here to its own
  { name: "TCD", says: /(?<![a-z])(tcd)(?![a-z])/i, sampler: "lcm", timestepSpacing: "leading", steps: 4, guidance: 1 },
  // Wang et al. 2024, arXiv 2405.18407
  {
    name: "PCM",
    says: /(?<![a-z])(pcm)(?![a-z])/i,
    sampler: "ddim",
    timestepSpacing: "trailing",
    steps: 4,
    guidance: 1,
  },
  // Luo et al. 2023, arXiv 2311.05556
  {
    name: "LCM",
    says: /(?<![a-z])(lcm|latent[-_ ]consistency)(?![a-z])/i,
    sampler: "lcm",
    timestepSpacing: "leading",
    steps: 4,
    guidance: 1,
  },
];
