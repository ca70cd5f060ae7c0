import type { Actor } from "#lib/auth/actor.ts";
import { findInspection } from "#lib/catalog/inspections/service.ts";
import type { RunnableModel } from "#lib/catalog/models/service.ts";
import { takeExtraNetworks } from "#lib/prompt/extra-networks.ts";
import { loraOfName } from "./repository.ts";
import type { Asked, StoredRecipe } from "./schema.ts";

type LowRank = StoredRecipe["lowRank"][number];

/** What a recipe can say. */
const MOST_IN_PROMPT = 100;

/** So many files at once; a picture of the field has a handful. */
const MOST_LORAS = 8;

/** So many names are looked for; what a prompt says beyond is left out. */
const MOST_NAMES = 32;

/**
 * The low-rank files of a preview: the chosen one, and in the field's syntax those that the prompt asks for with
 * `<lora:name:strength>`, by the name of the repo, “owner/repo”, or of its file. One that is chosen already takes the
 * prompt's strength. What is not here, or made for another kind of base, is left out and said.
 */
export async function lorasOf(
  actor: Actor,
  { prompt, promptSyntax, loraStrength }: Asked,
  { base, lowRank: chosen }: RunnableModel,
): Promise<{ readonly lowRank: LowRank[]; readonly notes: string[] }> {
  const lowRank: LowRank[] = chosen.map((file) => ({ ...file, strength: loraStrength }));
  const notes: string[] = [];
  if (promptSyntax === "plain") return { lowRank, notes };
  let looked = 0;
  const contract = (await findInspection(base.commitId))?.contract ?? null;
  for (const { kind, name, written, unetStrength, textEncoderStrength } of takeExtraNetworks(prompt).networks) {
    const leaveOut = (why: string): unknown => notes.push(`“${written.slice(0, 60)}” was left out: ${why}.`);
    const strengths = {
      strength: unetStrength,
      ...(textEncoderStrength !== unetStrength && { textStrength: textEncoderStrength }),
    };
    if (kind === "hypernet") {
      leaveOut("hypernetworks do not run here");
      continue;
    }
    if (Math.max(Math.abs(unetStrength), Math.abs(textEncoderStrength)) > MOST_IN_PROMPT) {
      leaveOut(`its strength is beyond ${MOST_IN_PROMPT}`);
      continue;
    }
    const named = lowRank.findIndex((file) => isCalled(name, file));
    if (named === -1 && ++looked > MOST_NAMES) {
      leaveOut(`a prompt may name ${MOST_NAMES}`);
      continue;
    }
    const found = named === -1 ? await loraOfName(actor, name) : null;
    const own = named === -1 ? lowRank.findIndex(({ commitId }) => commitId === found?.commitId) : named;
    if (own !== -1) lowRank[own] = { ...lowRank[own]!, ...strengths };
    else if (!found) leaveOut("no LoRA of that name is on this hub, or not for you to see");
    else if (found.contract !== null && found.contract !== contract)
      leaveOut(`${found.repo} was made for another kind of base`);
    else if (lowRank.length === MOST_LORAS) leaveOut(`a preview takes ${MOST_LORAS} at most`);
    else lowRank.push({ commitId: found.commitId, name: found.name, path: found.path, ...strengths });
  }
  return { lowRank, notes };
}

const isCalled = (asked: string, { name, path }: LowRank): boolean =>
  [name, nameOfFile(path)].some((own) => own.toLowerCase() === asked.toLowerCase());

/** As a prompt calls a file: without its folder and its ending. */
const nameOfFile = (path: string): string =>
  path
    .split("/")
    .at(-1)!
    .replace(/\.safetensors$/i, "");
