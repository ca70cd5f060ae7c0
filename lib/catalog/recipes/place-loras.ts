import { findInspection } from "#lib/catalog/inspections/service.ts";
import { MOST_STRENGTH } from "#lib/catalog/previews/limits.ts";
import { repoNameOf } from "./repository.ts";
import type { FoundRepo, OpenedRecipe } from "./schema.ts";

/** A LoRA of a picture that is on this hub. */
export interface FoundLora extends FoundRepo {
  /** In the UNet; 1 = as it was trained. */
  readonly strength: number;
  readonly textStrength: number;
}

type Placed = Pick<OpenedRecipe, "prompt" | "promptSyntax" | "finetune" | "loraStrength"> & {
  readonly notes: string[];
};

/**
 * Where the LoRAs of a picture go in the studio: the first is the model itself where it draws on the picture's own
 * base, or where that is not here; the others are asked for in the prompt, as `<lora:owner/repo:strength>`.
 */
export async function placeLoras(
  { prompt, promptSyntax }: Pick<OpenedRecipe, "prompt" | "promptSyntax">,
  base: FoundRepo | null,
  loras: readonly FoundLora[],
): Promise<Placed> {
  const plain = { prompt, promptSyntax, finetune: base, loraStrength: 1, notes: [] };
  const [first, ...others] = loras;
  if (!first) return plain;
  const isModel = base === null || (await drawsOn(first, base));
  const isOneStrength = first.strength === first.textStrength && Math.abs(first.strength) <= MOST_STRENGTH;
  const asked = [...(isModel && isOneStrength ? [] : [first]), ...others];
  const placed = {
    ...plain,
    finetune: isModel ? repoOf(first) : base,
    loraStrength: isModel && isOneStrength ? first.strength : 1,
  };
  if (asked.length === 0) return placed;
  const names = asked.map(({ repo }) => repo).join(", ");
  if (promptSyntax === "plain" && /[()[\]\\]|\b(BREAK|AND)\b/.test(prompt))
    return {
      ...placed,
      notes: [`${names} cannot be asked for in a prompt that is read as plain text; they are left out.`],
    };
  return {
    ...placed,
    prompt: [prompt, ...asked.map(referenceTo)].join(" "),
    promptSyntax: "a1111",
    notes: [`${names} ${asked.length === 1 ? "is" : "are"} asked for in the prompt, with the strength that it had.`],
  };
}

const repoOf = ({ repo, commit, isHead }: FoundLora): FoundRepo => ({ repo, commit, isHead });

const referenceTo = ({ repo, strength, textStrength }: FoundLora): string =>
  strength === textStrength ? `<lora:${repo}:${strength}>` : `<lora:${repo}:te=${textStrength}:unet=${strength}>`;

/** Whether a low-rank fine-tune runs, and on this base: its newest commit stands for those before it. */
async function drawsOn({ commit }: FoundRepo, base: FoundRepo): Promise<boolean> {
  const own = await findInspection(commit);
  const onto = own?.facts?.runs ? own.facts.detectedBase : null;
  return onto !== null && (onto.commitId === base.commit || (await repoNameOf(onto.commitId)) === base.repo);
}
