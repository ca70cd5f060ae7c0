/** A model that others are made from as if it were a base of its own. */
export interface Lineage {
  readonly name: string;
  readonly from: string;
}

/**
 * Shapes and names are those of the family in all of them, so only metadata can tell, and that is a claim: “according
 * to …”. Null where nothing is claimed; nothing is guessed from the name of the file.
 */
export function lineageOf(metadata: ReadonlyMap<string, string>): Lineage | null {
  for (const key of keys) {
    const words = (metadata.get(key) ?? "").slice(0, MAX_CHARACTERS).toLowerCase();
    const found = lineages.find(({ words: any }) => any.some((word) => words.includes(word)));
    if (found) return { name: found.name, from: `metadata "${key}"` };
  }
  return null;
}

const MAX_CHARACTERS = 1000;

/** What a model was made from comes before what it calls itself. */
const keys = [
  "ss_base_model_version",
  "ss_sd_model_name",
  "modelspec.merged_from",
  "modelspec.title",
  "modelspec.description",
];

/** The longer name stands before the shorter one. */
const lineages: readonly { readonly name: string; readonly words: readonly string[] }[] = [
  { name: "NoobAI-XL", words: ["noobai", "noob-ai", "noob_ai", "noobxl"] },
  { name: "Illustrious", words: ["illustrious", "illuxl"] },
  {
    name: "Pony Diffusion",
    words: ["ponydiffusion", "pony diffusion", "pony_diffusion", "ponyxl", "pony xl", "ponyv6"],
  },
  { name: "Animagine XL", words: ["animagine"] },
  { name: "NovelAI", words: ["novelai", "nai-anime", "animefull"] },
  { name: "Playground", words: ["playground-v2", "playground v2", "playgroundv2"] },
];
