import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { hub, type Person } from "#lib/auth/actor.ts";
import { storeBytes } from "#lib/catalog/blobs/service.ts";
import { installEvaluator } from "#lib/catalog/evaluators/service.ts";
import { toCommitId } from "#lib/catalog/commits/commit-id.ts";
import { countHeadPaths, findRef, insertCommit, moveBranch } from "#lib/catalog/commits/repository.ts";
import { readManifest, treeAfter } from "#lib/catalog/commits/service.ts";
import { requestInspection } from "#lib/catalog/inspections/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import type { Change } from "#lib/catalog/trees/change.ts";
import type { Content } from "#lib/catalog/trees/node.ts";
import type { NewRepo, RepoItem } from "#lib/catalog/repos/schema.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { checkHandler } from "#workers/hub/handlers/check.ts";
import { inspectHandler } from "#workers/hub/handlers/inspect.ts";
import { previewHandler } from "#workers/hub/handlers/preview.ts";
import { createModels } from "#workers/hub/models.ts";
import { starter } from "./golden.ts";
import { claimJob, failJob, runJob } from "./attempts.ts";

export type Files = Readonly<Record<string, Uint8Array | string>>;

/** All files below a folder of the starter collection, by their paths in it. */
export const starterFiles = (folder: string): Promise<Files> => filesBelow(starter(folder));

async function filesBelow(root: string): Promise<Files> {
  const entries = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = await Promise.all(
    entries.map(
      async ({ parentPath, name }) =>
        [relative(root, join(parentPath, name)), await readFile(join(parentPath, name))] as const,
    ),
  );
  return Object.fromEntries(files);
}

const golden = (path: string): string => fileURLToPath(new URL(`../golden/${path}`, import.meta.url));

/** A tiny model of a family that the reference library wrote, as a diffusers folder. */
export async function familyFiles(family: string): Promise<Files> {
  const files = Object.entries(await filesBelow(golden(`families/${family}`)));
  return Object.fromEntries(files.filter(([path]) => path.includes("/") || path === "model_index.json"));
}

/** The same in one file, beside it the configs and tokenizers of its family. */
export async function singleFileFiles(family: string): Promise<Files> {
  const beside = Object.entries(await familyFiles(family)).filter(
    ([path]) => path.includes("/") && !path.endsWith(".safetensors"),
  );
  return {
    ...Object.fromEntries(beside),
    [`${family}-tiny.safetensors`]: await readFile(golden(`single-files/${family}/model.safetensors`)),
  };
}

export const adapterFile = (name: string): Promise<Buffer> => readFile(golden(`adapters/${name}/adapter.safetensors`));

/** The starter's base as a hub has it: with captions, and with an evaluator that decides nothing there. */
export const baseFiles = async (): Promise<Files> => ({
  ...(await starterFiles("storybook")),
  "evaluator/evaluator.safetensors": await readFile(starter("evaluator/evaluator.safetensors")),
  "evaluator/prompts.txt": await readFile(starter("prompts.txt")),
});

/** An evaluator, the starter's where nothing else is given, as a public repo of a person: installed by the hub for some bases. */
export async function letJudge(
  owner: Person,
  bases: readonly string[],
  { name = "evaluator", files }: { readonly name?: string; readonly files?: Files } = {},
): Promise<{ repo: RepoItem; commitId: string }> {
  const made = await newRepoWith(owner, { name, kind: "evaluator" }, files ?? (await starterFiles("evaluator")));
  await workOff("inspect");
  await installEvaluator(hub, { repo: `${owner.name}/${name}`, revision: "HEAD", bases: [...bases] });
  return made;
}

export type NewRepoOf = Pick<NewRepo, "name" | "kind"> & Partial<Pick<NewRepo, "visibility" | "base">>;

/** A repo of a person with one commit of these files; its bytes go straight into the store, past the upload. */
export async function newRepoWith(
  owner: Person,
  { name, kind, visibility = "public", base }: NewRepoOf,
  files: Files,
): Promise<{ repo: RepoItem; commitId: string }> {
  const repo = await createRepo(owner, {
    owner: owner.name,
    name,
    kind,
    visibility,
    ...(base !== undefined && { base }),
  });
  return { repo, commitId: await commitFiles(repo, files, owner) };
}

/** A commit of exactly these files on the default branch. Without an author it is the hub's own. */
export async function commitFiles(
  { id: repoId }: { readonly id: string },
  files: Files,
  author: Person | null = null,
): Promise<string> {
  const contents: ContentAt[] = [];
  for (const [path, bytes] of Object.entries(files))
    contents.push({ path, content: { ...(await storeBytes(Buffer.from(bytes))), lfs: path.endsWith(".safetensors") } });
  return commitContents(repoId, contents, author);
}

type ContentAt = Change & { readonly content: Content };

/** A commit of exactly these contents, which are there, on the default branch. */
export async function commitContents(
  repoId: string,
  contents: readonly ContentAt[],
  author: Person | null = null,
): Promise<string> {
  const kept = new Set(contents.map(({ path }) => path));
  return inTransaction(database(), async (transaction) => {
    const head = await findRef(transaction, repoId, "main");
    const commit = {
      repoId,
      parentId: head?.commitId ?? null,
      authorId: author?.userId ?? null,
      title: "Files",
      message: "",
    };
    const gone = (head ? await readManifest(head.commitId) : []).filter(({ path }) => !kept.has(path));
    const changes = [...contents, ...gone.map(({ path }) => ({ path, content: null }))];
    const tree = await treeAfter(transaction, repoId, commit.parentId, changes);
    const id = toCommitId({ ...commit, treeId: tree.root.id });
    await insertCommit(transaction, id, commit, tree);
    await countHeadPaths(transaction, repoId, tree.differences);
    await moveBranch(transaction, repoId, "main", head, id);
    await requestInspection(transaction, id, "upload");
    return id;
  });
}

/** Does what waits, as a worker would, one after the other. */
export async function workOff(kind: "inspect" | "check" | "preview"): Promise<void> {
  const models = createModels();
  const handler = { inspect: inspectHandler, check: checkHandler, preview: previewHandler }[kind];
  const waiting = async (): Promise<string[]> => {
    const queued = {
      where: { state: "queued" as const },
      orderBy: { createdAt: "asc" as const },
      select: { id: true },
    };
    const { inspection, pair, preview } = database();
    const rows = {
      inspect: () => inspection.findMany(queued),
      check: () => pair.findMany(queued),
      preview: () => preview.findMany(queued),
    };
    return (await rows[kind]()).map(({ id }) => id);
  };
  try {
    for (let ids = await waiting(); ids.length > 0; ids = await waiting()) {
      for (const id of ids) {
        const attempt = await claimJob(kind, id);
        if (attempt === null) throw new Error(`${kind} ${id} could not be claimed`);
        await runJob(handler, kind, id, attempt, { models }).catch(async (failure: unknown) => {
          if (!(failure instanceof AppError) || failure.code === "internal") throw failure;
          await failJob(kind, id, attempt, failure);
        });
      }
    }
  } finally {
    models.close();
  }
}

/** How many prompts the checks that are not done are to draw, fewer than anybody may ask for: a test has no minute to spare. */
export async function drawOnly(pictures: number): Promise<void> {
  for (const { id, summary } of await database().pair.findMany({
    where: { state: { in: ["queued", "running"] } },
    select: { id: true, summary: true },
  })) {
    const { request } = summary as { request: object };
    await database().pair.update({ where: { id }, data: { summary: { request: { ...request, pictures } } } });
  }
}
