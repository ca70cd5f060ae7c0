import { samplerLabels } from "#lib/sampler-names.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The recipe as the «generation parameters» that AUTOMATIC1111's web UI writes and most tools of the field read: the prompt,
 * the negative prompt, and last one line of names and values. Readers take a prompt line that begins with "Negative prompt:"
 * for the negative prompt, and trim each line; `serialiseRecipe` is exact.
 */
export function toInfotext(recipe: Recipe): string {
  const lines = [recipe.prompt];
  if (recipe.negativePrompt) lines.push(`Negative prompt: ${recipe.negativePrompt}`);
  lines.push(
    parameters(recipe)
      .map(([name, value]) => `${name}: ${quote(String(value))}`)
      .join(", "),
  );
  return lines.join("\n");
}

type RecipeFile = Recipe["files"][number];

function parameters(recipe: Recipe): [name: string, value: string | number][] {
  const unet = recipe.files.find(({ role }) => role === "unet");
  const guide = recipe.files.find(({ role }) => role === "guide");
  const loras = recipe.files.filter(({ role }) => role === "lora");
  const all: [name: string, value: string | number | null | undefined][] = [
    ["Steps", recipe.steps],
    ["Sampler", samplerLabels[recipe.sampler]],
    ["CFG scale", recipe.guidanceScale],
    ["Seed", recipe.seed],
    ["RNG", recipe.seed === null ? null : "CPU"], // their default draws on the GPU, where a seed is another picture
    ["Size", `${recipe.width}x${recipe.height}`],
    ["Model hash", unet && shortHash(unet)],
    ["Model", recipe.model],
    ["Lora hashes", loras.map(loraHash).join(", ") || null],
    ["Guide", guide && plainName(guide)],
    ["Guide hash", guide && shortHash(guide)],
    ["Guidance mode", recipe.mode],
    ["CFG steps", recipe.cfgSteps],
    ["Version", `guidepost ${recipe.guidepost}`],
  ];
  return all.flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]]));
}

/** «AutoV2»: the first ten digits of the file's sha256, which model sites look up. */
const shortHash = ({ sha256 }: RecipeFile): string => sha256.slice(0, 10);

/** A name in this list cannot be quoted, so it loses the two signs that divide the list, as in A1111. */
const loraHash = (file: RecipeFile): string => `${plainName(file).replaceAll(/[:,]/g, "")}: ${shortHash(file)}`;

const plainName = ({ name }: RecipeFile): string => name.replace(/\.safetensors$/, "");

/** A1111 quotes what holds a comma, a colon or a new line; a quote, or a blank at either end, would not come back without. */
const quote = (value: string): string => (/[,:"\n\r]|^\s|\s$/.test(value) ? JSON.stringify(value) : value);
