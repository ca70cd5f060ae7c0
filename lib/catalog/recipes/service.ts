import type { Actor } from "#lib/auth/actor.ts";
import { findBlobByHash } from "#lib/catalog/blobs/service.ts";
import { mode } from "#lib/catalog/previews/schema.ts";
import { AppError } from "#lib/errors.ts";
import type { ForeignRecipe, NamedHash } from "#lib/picture/foreign-recipe.ts";
import { readForeign, unreadTool } from "#lib/picture/read-foreign.ts";
import { parseRecipe, type Recipe } from "#lib/picture/recipe.ts";
import { takeExtraNetworks } from "#lib/prompt/extra-networks.ts";
import { fitSettings } from "./fit-settings.ts";
import { type FoundLora, placeLoras } from "./place-loras.ts";
import { repoOfName, repoWithFile, type Side } from "./repository.ts";
import type { FoundRepo, OpenedRecipe, PictureTexts } from "./schema.ts";

/** What of a picture's recipe is here, for whoever may see it: by the hashes of its files, else by their names. @throws bad_request where there is none in it */
export async function openRecipe(actor: Actor, { guidepost, ...others }: PictureTexts): Promise<OpenedRecipe> {
  if (guidepost !== undefined) return openOwn(actor, parseRecipe(guidepost));
  const texts = new Map(Object.entries(others).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])));
  const foreign = readForeign(texts);
  if (foreign) return openForeign(actor, foreign);
  const tool = unreadTool(texts);
  throw new AppError(
    "bad_request",
    tool
      ? `What ${tool} wrote into this picture cannot be read here; type its settings.`
      : "This picture carries no recipe; take a PNG as it was downloaded from here, or from a tool that writes generation parameters.",
  );
}

async function openOwn(actor: Actor, recipe: Recipe): Promise<OpenedRecipe> {
  const {
    seed,
    sampler,
    mode: drawnAs,
    files,
    promptSyntax = "plain",
    clipSkip = 0,
    guidanceRescale = 0,
    guideStrength = 1,
  } = recipe;
  const of = (role: string) => files.filter((file) => file.role === role);
  const missing: OpenedRecipe["missing"] = [];
  const find = async (file: Recipe["files"][number] | undefined, side: Side): Promise<FoundRepo | null> => {
    const found = file ? await repoWithFile(actor, file.sha256, side) : null;
    if (file && !found) missing.push({ role: file.role, name: file.name, hash: file.sha256 });
    return found;
  };
  const base = await find(of("checkpoint")[0] ?? of("unet")[0], "draws");
  const loras: FoundLora[] = [];
  for (const file of of("lora")) {
    const found = await find(file, "draws");
    const { strength = 1, textStrength = strength } = file;
    if (found) loras.push({ ...found, strength, textStrength });
  }
  const guide = await find(of("guide")[0], "guides");
  for (const file of [...of("vae"), ...of("textEncoder")]) await find(file, "draws");
  const { notes, ...settings } = fitSettings({
    ...recipe,
    // Whatever LoRAs its prompt asked for are among its files.
    prompt: promptSyntax === "a1111" ? takeExtraNetworks(recipe.prompt).text : recipe.prompt,
    guidanceRescale,
    guideStrength,
    clipSkip,
    size: recipe,
  });
  const { notes: placeNotes, ...placed } = await placeLoras({ ...settings, promptSyntax }, base, loras);
  return {
    ...settings,
    ...placed,
    sampler,
    mode: drawnAs,
    guide,
    missing,
    notes: [
      ...(seed === null ? ["It began with a file of noise and not with a seed; a seed draws another picture."] : []),
      ...(recipe.picture ? ["It began with another picture, which a preview does not."] : []),
      ...(recipe.batch > 1 ? [`It shows a batch of ${recipe.batch}; a preview draws one of each.`] : []),
      ...notes,
      ...placeNotes,
    ],
  };
}

async function openForeign(actor: Actor, told: ForeignRecipe): Promise<OpenedRecipe> {
  const missing: OpenedRecipe["missing"] = [];
  const find = async (role: string, file: NamedHash | null | undefined, side: Side): Promise<FoundRepo | null> => {
    if (!file) return null;
    const found = (await byHash(actor, file.hash, side)) ?? (await byName(actor, file.name, side));
    if (!found) missing.push({ role, name: file.name ?? "without a name", hash: file.hash });
    return found;
  };
  const base = await find("model", told.model, "draws");
  const loras: FoundLora[] = [];
  for (const lora of told.loras.slice(0, MAX_LOOKED_UP)) {
    const found = await find("lora", lora, "draws");
    const strength = lora.unetStrength ?? 1;
    if (found) loras.push({ ...found, strength, textStrength: lora.textEncoderStrength ?? strength });
  }
  const guide = await find("guide", told.guide, "guides");
  const { notes, ...settings } = fitSettings({
    ...told,
    guidanceRescale: null,
    clipSkip: Math.max(0, (told.clipSkip ?? 1) - 1),
    size: told.width === null || told.height === null ? null : { width: told.width, height: told.height },
  });
  const placed = await placeLoras({ ...settings, promptSyntax: told.promptSyntax }, base, loras);
  const { notes: placeNotes, ...model } = placed;
  const words = told.embeddings.slice(0, MAX_LOOKED_UP).map(({ name, hash }) => `“${name ?? hash}”`);
  return {
    ...settings,
    ...model,
    sampler: told.sampler?.name ?? told.sampler?.nearest ?? null,
    mode: mode.safeParse(told.mode).data ?? null,
    guide,
    missing,
    notes: [
      ...told.notes,
      ...notes,
      ...placeNotes,
      ...(told.loras.length > MAX_LOOKED_UP
        ? [`It had ${told.loras.length} LoRAs; the first ones were looked for.`]
        : []),
      ...(told.vae
        ? [`It was decoded by the VAE ${told.vae.name ?? told.vae.hash}; a preview takes the model's own.`]
        : []),
      ...(words.length > 0 ? [`Learned words are read as text here: ${words.join(", ")}.`] : []),
    ],
  };
}

const MAX_LOOKED_UP = 16; // a stranger's text may list thousands

/** “tiny/guide” is a file of tiny, and “SDXL/dream.safetensors” lies in a folder of somebody. */
async function byName(actor: Actor, name: string | null, side: Side): Promise<FoundRepo | null> {
  const parts = (name ?? "").split(/[\\/]/).filter((part) => part !== "");
  for (const part of new Set([parts.at(-1), parts[0]])) {
    const found = part === undefined ? null : await repoOfName(actor, part.replace(/\.safetensors$/i, ""), side);
    if (found) return found;
  }
  return null;
}

const algorithms = { 8: "autov1", 10: "autov2", 12: "autov3", 64: "sha256" } as const;

async function byHash(actor: Actor, hash: string | null, side: Side): Promise<FoundRepo | null> {
  const algorithm = hash === null ? undefined : algorithms[hash.length as keyof typeof algorithms];
  const blob = algorithm ? await findBlobByHash(algorithm, hash!) : null;
  return blob && repoWithFile(actor, blob.sha256, side);
}
