import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AppError } from "#lib/errors.ts";
import { inspectComponent } from "./component-folder.ts";
import { inspectDiffusersFolder } from "./diffusers-folder.ts";
import { blank, type Inspection } from "./facts.ts";
import { inspectFile } from "./inspect-file.ts";

/** How diffusers and transformers name the weights of a component. */
const stems = ["diffusion_pytorch_model", "model"];

/** Says what a folder is: a whole model, one component of one, or the place where a single weights file lies. */
export async function inspectFolder(given: string): Promise<Inspection> {
  const path = resolve(given);
  const names = await readdir(path).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(
      "bad_request",
      `${given} cannot be opened (${cause.code}); check its permissions.`,
      { path: given },
      cause,
    );
  });
  if (names.includes("model_index.json")) return inspectDiffusersFolder(path);
  const weights = names.filter((name) => name.endsWith(".safetensors"));
  const stem = stems.find((start) => weights.some((name) => name.startsWith(start)));
  if (names.includes("config.json") && stem) return inspectComponent(path, stem);
  const name = basename(path);
  const [only] = weights;
  if (only !== undefined && weights.length === 1) return inspectFile(join(path, only), `${name}/${only}`);

  const advice =
    weights.length > 0
      ? `inspect its ${weights.length} safetensors files one by one`
      : "it has neither a model_index.json nor safetensors files";
  return { ...blank, name, whatRuns: `nothing; ${advice}` };
}
