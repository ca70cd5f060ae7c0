import { readdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { AppError } from "#lib/errors.ts";
import type { LowRankChoice } from "#lib/diffusion/model-files.ts";
import type { ExtraNetwork } from "#lib/prompt/extra-networks.ts";
import { type PromptSyntax, readPrompt } from "#lib/prompt/read-prompt.ts";

interface Asked {
  readonly prompt: string;
  readonly promptSyntax: PromptSyntax;
  readonly lora: readonly LowRankChoice[];
  readonly loraFolder?: string;
}

/**
 * The low-rank files of --lora and, in the field's syntax, those that the prompt asks for with <lora:name:strength>: a file of
 * --lora by that name takes the prompt's strength, any other is looked for in --lora-folder. What is not found is said.
 */
export async function resolveNetworks(asked: Asked): Promise<{ lowRank: LowRankChoice[]; notes: string[] }> {
  const { networks } = readPrompt(asked.prompt, asked.promptSyntax);
  const lowRank = [...asked.lora];
  const notes: string[] = [];
  const found =
    networks.length > 0 && asked.loraFolder !== undefined ? await filesIn(asked.loraFolder) : new Map<string, string>();
  for (const network of networks) {
    const given = lowRank.findIndex(({ path }) => nameOf(path) === network.name);
    const path = lowRank[given]?.path ?? found.get(network.name);
    if (network.kind === "hypernet") notes.push(`${network.written} was left out: hypernetworks do not run here.`);
    else if (path === undefined) notes.push(notFound(network, asked.loraFolder));
    else {
      const { unetStrength: strength, textEncoderStrength: textStrength } = network;
      const choice = { path, strength, ...(textStrength !== strength && { textStrength }) };
      if (given === -1) lowRank.push(choice);
      else lowRank[given] = choice;
    }
  }
  return { lowRank, notes };
}

const nameOf = (path: string): string => basename(path, extname(path));

function notFound({ written, name }: ExtraNetwork, folder: string | undefined): string {
  const place =
    folder === undefined ? "give it with --lora, or its folder with --lora-folder" : `it is not in ${folder}`;
  return `${written} was left out: there is no file ${name}.safetensors; ${place}.`;
}

async function filesIn(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError("file_not_found", `${folder} cannot be read (${cause.code}); check --lora-folder.`, {}, cause);
  });
  const files = names.filter((name) => name.endsWith(".safetensors"));
  return new Map(files.map((name) => [nameOf(name), join(folder, name)]));
}
