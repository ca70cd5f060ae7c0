import type { OpenedRecipe } from "#lib/catalog/recipes/schema.ts";
import { readPngTextInBrowser } from "#lib/picture/browser-png-text.ts";

const MAX_BYTES = 64e6;

/** The texts of a PNG that hold a recipe: ours, of A1111 and those after it, and ComfyUI's two. */
const readKeys = ["guidepost", "parameters", "prompt", "workflow"];

/** The recipe that a picture carries, read here; the hub says what of it is there. @throws an Error whose message is for the person */
export async function openPicture(file: File): Promise<OpenedRecipe> {
  if (file.size > MAX_BYTES) throw new Error(`${file.name} is larger than 64 MB; give a picture as it was downloaded.`);
  const texts = await readPngTextInBrowser(new Uint8Array(await file.arrayBuffer()));
  const known = readKeys.flatMap((key) => (texts.has(key) ? [[key, texts.get(key)]] : []));
  if (known.length === 0)
    throw new Error(
      `${file.name} carries no recipe; take a PNG as it was downloaded from here, or from a tool that writes generation parameters.`,
    );
  const answer = await fetch("/api/v1/previews/recipe", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(known)),
  });
  const body = (await answer.json()) as OpenedRecipe & { readonly error?: string };
  if (!answer.ok) throw new Error(body.error ?? "The hub cannot be reached; try again in a moment.");
  return body;
}

/** What came of it, in sentences. */
export function sayOpened(name: string, { finetune, guide, mode, missing, notes }: OpenedRecipe): string[] {
  const models = [finetune?.repo, guide?.repo].filter(Boolean).join(" with ");
  return [
    `${name}${mode ? `, a picture ${{ conditional: "with the prompt alone", guide: "with a guide", cfg: "with CFG" }[mode]},` : ""} is open again${models ? `: ${models}` : ""}.`,
    ...missing.map(
      ({ role, name: file, hash }) =>
        `Not on this hub, or not for you to see: ${{ unet: "the model", textEncoder: "the text encoder", vae: "the VAE", lora: "the LoRA" }[role] ?? `the ${role}`} ${file}${hash ? ` (${hash.slice(0, 12)})` : ""}.`,
    ),
    ...notes,
  ];
}
