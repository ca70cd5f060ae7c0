import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AppError } from "#lib/errors.ts";
import { requireDiskFolder } from "#lib/weights/disk-folder.ts";
import { inspectComponent } from "./component-folder.ts";
import { inspectDiffusersFolder } from "./diffusers-folder.ts";
import { blank, type Inspection } from "./inspection.ts";
import { inspectFile } from "./inspect-file.ts";

/** How PEFT names the weights of an adapter. */
const ADAPTER = "adapter_model.safetensors";

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
  if (names.includes("model_index.json")) return inspectDiffusersFolder(await requireDiskFolder(path));
  const weights = names.filter((name) => name.endsWith(".safetensors"));
  const stem = stems.find((start) => weights.some((name) => name.startsWith(start)));
  if (names.includes("config.json") && stem) return inspectComponent(path, stem);
  const name = basename(path);
  const ggufs = names.filter((file) => file.endsWith(".gguf"));
  const readable = weights.length > 0 ? weights : ggufs;
  if (names.includes("adapter_config.json") && names.includes(ADAPTER))
    return inspectFile(join(path, ADAPTER), `${name}/${ADAPTER}`);
  const [only] = readable;
  if (only !== undefined && readable.length === 1) return inspectFile(join(path, only), `${name}/${only}`);
  return { ...blank, name, whatRuns: `nothing; ${adviceFor(names, readable)}` };
}

function adviceFor(names: readonly string[], readable: readonly string[]): string {
  if (readable.length > 0) return `inspect its ${readable.length} ${readable[0]!.split(".").at(-1)} files one by one`;
  const pickle = names.find((name) => /\.(ckpt|pt|pth|bin)$/.test(name));
  if (pickle)
    return `its weights are in ${pickle}, a pickle, and opening one can run code; save the model as .safetensors`;
  return "it has neither a model_index.json nor safetensors files";
}
