import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Report } from "#lib/catalog/reports/schema.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { modelIn } from "#workers/files/model-in.ts";
import type { CheckJob } from "#workers/inference/messages.ts";
import type { Part, Parts } from "./wanted-files.ts";

export type Laid = Pick<CheckJob, "choice" | "base" | "evaluators" | "prompts">;

/** Lays the parts out as folders of links to their files, as a worker does, for as long as `work` takes. */
export async function withLaidOut<T>(
  { pair: { unit, measured } }: Report,
  { model, lowRank, guide, judge, evaluators }: Parts,
  paths: ReadonlyMap<string, string>,
  work: (laid: Laid) => Promise<T>,
): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "guidepost-verify-"));
  const layOut = async (name: string, part: Part): Promise<string> => {
    const folder = join(root, name, toRepoName(part.repo).repo);
    for (const { path, sha256 } of part.files) {
      const link = join(folder, path);
      await mkdir(dirname(link), { recursive: true });
      await symlink(resolve(paths.get(sha256)!), link);
    }
    return folder;
  };
  try {
    const judgeFolder = judge && (await layOut("judge", judge));
    return await work({
      choice: {
        ...(await modelIn(await layOut("model", model))),
        lowRank: await Promise.all(
          lowRank.map(async (part, i) => {
            const { strength, textStrength } = unit.components[i + 1]!;
            const path = join(await layOut(`lora-${i}`, part), mainFileOf(part));
            return { path, strength, ...(textStrength !== strength && { textStrength }) };
          }),
        ),
        guide: join(await layOut("guide", guide), mainFileOf(guide)),
      },
      base: judgeFolder === null ? null : await modelIn(judgeFolder),
      evaluators: await Promise.all(
        evaluators.map(async (part, i) => {
          const folder = await layOut(`evaluator-${i}`, part);
          return measured?.evaluators[i]?.kind === "clip" ? folder : join(folder, mainFileOf(part));
        }),
      ),
      prompts: null,
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** A guide, a network of attributes, and what is applied to a base, is its one weights file. */
const mainFileOf = ({ files }: Part): string =>
  files.find(({ path }) => path.endsWith(".safetensors"))?.path ?? files[0]!.path;
