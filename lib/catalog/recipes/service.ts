import type { Actor } from "#lib/auth/actor.ts";
import { findBlobByHash } from "#lib/catalog/blobs/service.ts";
import { mode } from "#lib/catalog/previews/schema.ts";
import { AppError } from "#lib/errors.ts";
import { type Infotext, parseInfotext } from "#lib/picture/read-infotext.ts";
import { parseRecipe, type Recipe } from "#lib/picture/recipe.ts";
import { samplerOfLabel } from "#lib/sampler-names.ts";
import { repoOfName, repoWithFile, type Side } from "./repository.ts";
import type { FoundRepo, OpenedRecipe, PictureTexts } from "./schema.ts";

/** What of a picture's recipe is here, for whoever may see it: by the hashes of its files, else by their names. @throws bad_request where there is none in it */
export async function openRecipe(actor: Actor, { guidepost, parameters }: PictureTexts): Promise<OpenedRecipe> {
  if (guidepost !== undefined) return openOwn(actor, parseRecipe(guidepost));
  const infotext = parameters === undefined ? null : parseInfotext(parameters);
  if (infotext) return openForeign(actor, infotext);
  throw new AppError(
    "bad_request",
    "This picture carries no recipe; take a PNG as it was downloaded from here, or from a tool that writes generation parameters.",
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
  const notes = [
    ...(seed === null ? ["It began with a file of noise and not with a seed; a seed draws another picture."] : []),
    ...(loras.length > 1 ? ["It was drawn with several LoRAs at once; a preview takes the first."] : []),
    ...(loras.some(({ strength = 1 }) => strength !== 1)
      ? ["Its LoRA had another strength than 1; a preview draws with 1."]
      : []),
  ];
  return {
    prompt,
    negativePrompt,
    seed,
    steps,
    guidanceScale,
    cfgSteps,
    sampler,
    mode: drawnAs,
    finetune,
    guide,
    missing,
    notes,
  };
}

async function openForeign(actor: Actor, told: Infotext): Promise<OpenedRecipe> {
  const missing: OpenedRecipe["missing"] = [];
  const find = async (role: string, file: Infotext["model"] | undefined, side: Side): Promise<FoundRepo | null> => {
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
  const sampler = told.sampler === null ? null : samplerOfLabel(told.sampler);
  const notes = [
    ...(sampler === null && told.sampler !== null
      ? [`It was drawn with the sampler ${told.sampler}, which is not here.`]
      : []),
    ...(told.isCpuNoise ? [] : ["Its noise was drawn on a graphics card, so the same seed is another picture here."]),
    ...(told.loras.length > 1 ? ["It was drawn with several LoRAs at once; a preview takes the first."] : []),
  ];
  const { negativePrompt, seed, steps, guidanceScale, cfgSteps } = told;
  return {
    prompt: told.prompt.replaceAll(/\s+/g, " "),
    negativePrompt,
    seed,
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

const algorithms = { 8: "autov1", 10: "autov2", 12: "autov3", 64: "sha256" } as const;

async function byHash(actor: Actor, hash: string | null, side: Side): Promise<FoundRepo | null> {
  const algorithm = hash === null ? undefined : algorithms[hash.length as keyof typeof algorithms];
  const blob = algorithm ? await findBlobByHash(algorithm, hash!) : null;
  return blob && repoWithFile(actor, blob.sha256, side);
}
