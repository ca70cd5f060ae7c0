import { takeExtraNetworks } from "#lib/prompt/extra-networks.ts";
import type { Recipe } from "./recipe.ts";
import { a1111SamplerNames } from "./samplers.ts";

/**
 * The recipe as the “generation parameters” that AUTOMATIC1111's web UI writes and most tools of the field read: the
 * prompt, the negative prompt, and last one line of names and values. Readers take a prompt line that begins with
 * "Negative prompt:" for the negative prompt, and trim each line; `serialiseRecipe` is exact.
 */
export function toInfotext(recipe: Recipe): string {
  const lines = [[recipe.prompt, ...networksOf(recipe)].filter((text) => text !== "").join(" ")];
  if (recipe.negativePrompt) lines.push(`Negative prompt: ${recipe.negativePrompt}`);
  lines.push(
    parameters(recipe)
      .map(([name, value]) => `${name}: ${quote(String(value))}`)
      .join(", "),
  );
  return lines.join("\n");
}

type RecipeFile = Recipe["files"][number];

function parameters(recipe: Recipe): [name: string, value: string | number | bigint][] {
  const unet = recipe.files.find(({ role }) => role === "unet" || role === "checkpoint");
  const guide = recipe.files.find(({ role }) => role === "guide");
  const loras = recipe.files.filter(({ role }) => role === "lora");
  const embeddings = recipe.files.filter(({ role }) => role === "embedding");
  const [sampler, schedule] = a1111SamplerNames[recipe.sampler];
  const isPlain = (recipe.promptSyntax ?? "plain") === "plain";
  const looksWeighed = /[([]/.test(`${recipe.prompt}${recipe.negativePrompt ?? ""}`);
  const all: [name: string, value: string | number | bigint | null | undefined][] = [
    ["Steps", recipe.steps],
    ["Sampler", sampler],
    ["Schedule type", schedule],
    ["CFG scale", recipe.guidanceScale],
    ["Seed", recipe.seed],
    ["RNG", recipe.seed === null ? null : "CPU"], // their default draws on the GPU, where a seed is another picture
    ["Size", `${recipe.width}x${recipe.height}`],
    ["Model hash", unet && shortHash(unet)],
    ["Model", recipe.model],
    ["Clip skip", recipe.clipSkip === undefined ? null : recipe.clipSkip + 1], // theirs counts from 1
    ["Denoising strength", recipe.picture?.strength],
    ["CFG Rescale phi", recipe.guidanceRescale],
    ["Batch size", recipe.batch > 1 ? recipe.batch : null],
    ["Batch noise", recipe.batch > 1 && recipe.seed !== null ? (recipe.noise ?? "one stream") : null],
    ["Emphasis", isPlain && looksWeighed ? "None" : null], // else readers would weigh what stands in brackets
    ["Prompt syntax", isPlain ? null : "a1111"],
    ["Lora hashes", loras.map(loraHash).join(", ") || null],
    ["TI hashes", embeddings.map(embeddingHash).join(", ") || null],
    ["Guide", guide && plainName(guide)],
    ["Guide hash", guide && shortHash(guide)],
    ["Guidance mode", recipe.mode],
    ["Guide strength", recipe.guideStrength],
    ["CFG steps", recipe.cfgSteps],
    ["Version", `guidepost ${recipe.guidepost}`],
  ];
  return all.flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]]));
}

/** `<lora:name:0.8>` for each LoRA that the prompt does not ask for itself, as readers look for its strength there. */
function networksOf({ prompt, promptSyntax, files }: Recipe): string[] {
  const asked = promptSyntax === "a1111" ? takeExtraNetworks(prompt).networks.map(({ name }) => name) : [];
  return files.flatMap((file) => {
    const name = tagName(file);
    if (file.role !== "lora" || asked.includes(name)) return [];
    const strength = file.strength ?? 1;
    const both = file.textStrength === undefined ? strength : `${file.textStrength}:${strength}`;
    return [`<lora:${name}:${both}>`];
  });
}

/** A name within “<lora:…>” loses the signs that divide and end it. */
const tagName = (file: RecipeFile): string => plainName(file).replaceAll(/[:<>]/g, "");

/** “AutoV2”: the first ten digits of the file's sha256, which model sites look up. */
const shortHash = ({ sha256 }: RecipeFile): string => sha256.slice(0, 10);

/**
 * A name in this list cannot be quoted, so it loses the two signs that divide the list, as in A1111. Readers look for
 * “AutoV3”, the first twelve digits of the tensors' sha256; where that is not known, model sites find the file by
 * “AutoV2” as well.
 */
const loraHash = (file: RecipeFile): string =>
  `${tagName(file).replaceAll(",", "")}: ${file.tensorsSha256?.slice(0, 12) ?? shortHash(file)}`;

/** By the word that the prompt names; its digits are of the whole file, as A1111 has them. */
const embeddingHash = (file: RecipeFile): string =>
  `${(file.word ?? plainName(file)).replaceAll(/[,:]/g, "")}: ${file.sha256.slice(0, 12)}`;

const plainName = ({ name }: RecipeFile): string => name.replace(/\.safetensors$/, "");

/**
 * A1111 quotes what holds a comma, a colon or a new line; a quote, or a blank at either end, would not come back
 * without.
 */
const quote = (value: string): string => (/[,:"\n\r]|^\s|\s$/.test(value) ? JSON.stringify(value) : value);
