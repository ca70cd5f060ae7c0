import { database } from "#lib/db/client.ts";
import { randomUUID } from "node:crypto";
import type { Person } from "#lib/auth/actor.ts";
import { createPreview } from "#lib/catalog/previews/service.ts";
import { newPreview, type PreviewView } from "#lib/catalog/previews/schema.ts";
import { newPerson } from "./actors.ts";
import { baseFiles, letJudge, newRepoWith, starterFiles, workOff } from "./evidence.ts";

export interface PreviewHub {
  readonly ann: Person;
  readonly ben: Person;
}

/** Ann's base, fine-tune, low-rank fine-tune and guide of the starter collection, inspected; Ben has nothing. */
export async function fillPreviewHub(): Promise<PreviewHub> {
  const [ann, ben] = [await newPerson("ann"), await newPerson("ben")];
  await newRepoWith(ann, { name: "storybook", kind: "base" }, await baseFiles());
  await letJudge(ann, ["ann/storybook"]);
  await newRepoWith(
    ann,
    { name: "watercolor", kind: "finetune", base: "ann/storybook" },
    await starterFiles("watercolor"),
  );
  await newRepoWith(ann, { name: "neon", kind: "finetune", base: "ann/storybook" }, await starterFiles("neon-lora"));
  await newRepoWith(ann, { name: "tiny", kind: "guide", base: "ann/storybook" }, await starterFiles("guide-tiny"));
  await workOff("inspect");
  return { ann, ben };
}

/** The id of the pair of its guide and base. */
export async function pairOfBase(): Promise<string> {
  const { id } = await database().pair.findFirstOrThrow({
    where: { finetuneCommit: { repo: { name: "storybook" } }, guideCommit: { repo: { name: "tiny" } } },
  });
  return id;
}

/** What a body of a request becomes. */
export const asking = (more: object = {}) =>
  newPreview.parse({
    finetune: "ann/watercolor",
    guide: "ann/tiny",
    prompt: "a big red house in a meadow",
    seed: 5,
    steps: 4,
    ...more,
  });

export const ask = (person: Person, more: object = {}): Promise<PreviewView> =>
  createPreview(person, asking({ id: randomUUID(), ...more }));
