import type { FieldReader } from "./field-reader.ts";
import type { ForeignRecipe } from "./foreign-recipe.ts";

type Read = Omit<ForeignRecipe, "notes">;

/** What of its noise is another here. */
export function noiseNotes({ tool, isCpuNoise, seed, batch, sampler }: Read, read: FieldReader): string[] {
  const notes: string[] = [];
  if (seed !== null && !isCpuNoise)
    notes.push(
      read.text("rng") === "NV"
        ? "Its noise was drawn as an Nvidia card draws it (RNG: NV), so the same seed is another picture here."
        : "Its noise was drawn on a graphics card, the rule there, so the same seed is another picture here.",
    );
  const [variation, strength] = [read.seed("variation seed"), read.number("variation seed strength")];
  if (variation !== null || strength !== null)
    notes.push(
      `It was varied with the seed ${variation ?? "?"} at strength ${strength ?? "?"}, which is not done here.`,
    );
  if (read.has("seed resize from")) notes.push("Its noise was drawn at another size, which is not done here.");
  const delta = read.text("ensd");
  if (delta !== null && sampler?.nearest === "euler-a")
    notes.push(`The noise of its steps came from the seed moved by ${delta.slice(0, 20)}, which is not done here.`);
  if (batch && tool !== "Guidepost")
    notes.push(
      `It is one of a batch of ${batch.size}. Its seed is its own; the others have the seeds before and after it.`,
    );
  else if (batch)
    notes.push(
      batch.isOneStream
        ? `It shows a batch of ${batch.size} drawn from one seed as one stream; draw the whole batch to have them all.`
        : `It shows a batch of ${batch.size}, from seed, seed + 1 and so on.`,
    );
  return notes;
}

/** What else changed it and is not done here. */
export function settingNotes({ denoisingStrength, prompt }: Read, read: FieldReader): string[] {
  const notes: string[] = [];
  if (hires.filter((name) => read.has(name)).length > 0)
    notes.push("It was enlarged and drawn over in a second pass (Hires. fix), which is not done here.");
  else if (denoisingStrength !== null && denoisingStrength < 1)
    notes.push(`It began with another picture at strength ${denoisingStrength}; give that picture to draw it again.`);
  const emphasis = read.text("emphasis");
  if (emphasis !== null && emphasis !== "Original" && emphasis !== "None" && /[([]/.test(prompt))
    notes.push(`Its emphasis followed the rule “${emphasis.slice(0, 40)}”; here it follows “Original”.`);
  for (const [name, what] of notDone) if (read.has(name)) notes.push(`${what}, which is not done here.`);
  return notes;
}

const hires = [
  "hires upscale",
  "hires upscaler",
  "hires resize",
  "hires steps",
  "hires cfg scale",
  "hires sampler",
  "hires schedule type",
  "hires checkpoint",
  "hires prompt",
  "hires negative prompt",
  "first pass size",
];

const notDone: ReadonlyMap<string, string> = new Map([
  ["face restoration", "Faces were restored afterwards"],
  ["tiling", "It was drawn to tile without seams"],
  ["refiner", "A refiner took over at the end"],
  ["fp8 weight", "Its weights were rounded to 8 bits"],
  ["token merging ratio", "Tokens were merged to save time"],
  ["ngms", "Guidance was left out where little noise remained"],
  ["eta", "Another share of noise was added at each step"],
  ["schedule rho", "Its noise schedule was bent"],
  ["schedule max sigma", "Its noise schedule had another beginning"],
  ["schedule min sigma", "Its noise schedule had another end"],
  ["discard penultimate sigma", "Its last noise level but one was left out"],
  ["image cfg scale", "It was guided by another picture"],
  ["mask blur", "Only a masked part of it was drawn"],
]);

/** The settings that nobody here knows, such as those of extensions, by their names. */
export function unknownNotes(read: FieldReader): string[] {
  const names = read.rest.filter((name) => !harmless.has(name));
  if (names.length === 0) return [];
  const shown = names.slice(0, MAX_NAMED).map((name) => `“${name.slice(0, 40)}”`);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
  return [`Not read: ${shown.join(", ")}${more}.`];
}

const MAX_NAMED = 12;

/** They say nothing of the picture itself, or belong to a setting that was said already. */
const harmless = new Set([
  "user",
  "conditional mask weight",
  "init image hash",
  "refiner switch at",
  "token merging ratio hr",
  "cache fp16 weight for lora",
  "civitai resources",
  "civitai metadata",
  "created date",
  "ddim discretize",
]);
