import type { Actor } from "#lib/auth/actor.ts";
import { findBlobByHash } from "#lib/catalog/blobs/service.ts";
import { mode } from "#lib/catalog/previews/schema.ts";
import { AppError } from "#lib/errors.ts";
import type { ForeignRecipe, NamedHash } from "#lib/picture/foreign-recipe.ts";
import { readForeign, unreadTool } from "#lib/picture/read-foreign.ts";
import { parseRecipe, type Recipe } from "#lib/picture/recipe.ts";
import { toSeedJson } from "#lib/picture/seed.ts";
import { repoOfName, repoWithFile, type Side } from "./repository.ts";
import { type FoundRepo, offeredSampler, type OpenedRecipe, type PictureTexts } from "./schema.ts";

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
  const { prompt, negativePrompt, seed, steps, guidanceScale, cfgSteps, sampler, mode: drawnAs, files } = recipe;
  const of = (role: string) => files.filter((file) => file.role === role);
  const loras = of("lora");
  const missing: OpenedRecipe["missing"] = [];
  const find = async (file: Recipe["files"][number] | undefined, side: Side): Promise<FoundRepo | null> => {
    const found = file ? await repoWithFile(actor, file.sha256, side) : null;
    if (file && !found) missing.push({ role: file.role, name: file.name, hash: file.sha256 });
    return found;
  };
  const base = await find(of("unet")[0], "model");
  const finetune = loras.length > 0 ? await find(loras[0], "model") : base;
  const guide = await find(of("guide")[0], "guide");
  for (const file of [...loras.slice(1), ...of("vae"), ...of("textEncoder")]) await find(file, "model");
  const offered = offeredSampler.safeParse(sampler).data ?? null;
  const notes = [
    ...(offered === null ? [`It was drawn with the sampler ${sampler}, which a preview does not offer.`] : []),
    ...(seed === null ? ["It began with a file of noise and not with a seed; a seed draws another picture."] : []),
    ...(loras.length > 1 ? ["It was drawn with several LoRAs at once; a preview takes the first."] : []),
    ...(loras.some(({ strength = 1 }) => strength !== 1)
      ? ["Its LoRA had another strength than 1; a preview draws with 1."]
      : []),
  ];
  return {
    prompt,
    negativePrompt,
    seed: seed === null ? null : toSeedJson(seed),
    steps,
    guidanceScale,
    cfgSteps,
    sampler: offered,
    mode: drawnAs,
    finetune,
    guide,
    missing,
    notes,
  };
}

async function openForeign(actor: Actor, told: ForeignRecipe): Promise<OpenedRecipe> {
  const missing: OpenedRecipe["missing"] = [];
  const find = async (role: string, file: NamedHash | null | undefined, side: Side): Promise<FoundRepo | null> => {
    if (!file) return null;
    const found =
      (await byHash(actor, file.hash, side)) ??
      (file.name === null ? null : await repoOfName(actor, file.name.split("/")[0]!, side)); // «tiny/guide» is a file of tiny
    if (!found) missing.push({ role, name: file.name ?? "without a name", hash: file.hash });
    return found;
  };
  const base = await find("model", told.model, "model");
  const finetune = told.loras.length > 0 ? await find("lora", told.loras[0], "model") : base;
  const guide = await find("guide", told.guide, "guide");
  for (const lora of told.loras.slice(1, MAX_LOOKED_UP)) await find("lora", lora, "model");
  for (const word of told.embeddings.slice(0, MAX_LOOKED_UP)) await find("embedding", word, "model");
  await find("vae", told.vae, "model");
  const sampler = offeredSampler.safeParse(told.sampler?.name).data ?? null;
  const notes = [
    ...(sampler === null && told.sampler?.name
      ? [`It was drawn with the sampler ${told.sampler.name}, which a preview does not offer.`]
      : []),
    ...told.notes,
    ...(told.loras.length > 1 ? ["It was drawn with several LoRAs at once; a preview takes the first."] : []),
    ...(told.loras.some(({ unetStrength }) => unetStrength !== null && unetStrength !== 1)
      ? ["Its LoRA had another strength than 1; a preview draws with 1."]
      : []),
  ];
  const { negativePrompt, seed, steps, guidanceScale, cfgSteps } = told;
  return {
    prompt: told.prompt.replaceAll(/\s+/g, " "),
    negativePrompt,
    seed: seed === null ? null : toSeedJson(seed),
    steps,
    guidanceScale,
    cfgSteps,
    sampler,
    mode: mode.safeParse(told.mode).data ?? null,
    finetune,
    guide,
    missing,
    notes,
  };
}

const MAX_LOOKED_UP = 16; // a stranger's text may list thousands

const algorithms = { 8: "autov1", 10: "autov2", 12: "autov3", 64: "sha256" } as const;

async function byHash(actor: Actor, hash: string | null, side: Side): Promise<FoundRepo | null> {
  const algorithm = hash === null ? undefined : algorithms[hash.length as keyof typeof algorithms];
  const blob = algorithm ? await findBlobByHash(algorithm, hash!) : null;
  return blob && repoWithFile(actor, blob.sha256, side);
}
