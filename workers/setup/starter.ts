import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { can } from "#lib/catalog/kinds.ts";
import { hub } from "#lib/auth/actor.ts";
import { type RepoName, requireRead } from "#lib/auth/access.ts";
import { createCommit, headOf } from "#lib/catalog/commits/service.ts";
import { createOrganisation } from "#lib/catalog/namespaces/service.ts";
import { installEvaluator } from "#lib/catalog/evaluators/service.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import type { NewRepo } from "#lib/catalog/repos/schema.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { completeUpload, getUpload, signParts } from "#lib/catalog/uploads/service.ts";
import { AppError } from "#lib/errors.ts";

const root = fileURLToPath(new URL("../../starter", import.meta.url));
const OWNER = "guidepost"; // the cards name their base by it
const BASE = `${OWNER}/storybook`;

interface Item {
  readonly name: string;
  readonly kind: NewRepo["kind"];
  /** Where each file of the repo lies, in the starter folder. */
  readonly files: ReadonlyMap<string, string>;
}

const folder = (name: string, within = ""): [string, string][] =>
  globSync("**/*.*", { cwd: join(root, name) }).map((file) => [join(within, file), join(name, file)]);

/** The evaluator lies in the base too, where links of before find it; there it decides nothing. The prompts are read there. */
const beside: readonly [string, string][] = [
  ...folder("evaluator", "evaluator"),
  ["evaluator/prompts.txt", "prompts.txt"],
];

const evaluator = (): Item => ({ name: "evaluator", kind: "evaluator", files: new Map(folder("evaluator")) });

/**
 * What judges first, so that it is read while the base is sent; then the base, for the others name it; guides next, so that each fine-tune
 * is measured as it comes.
 */
const items = (): readonly Item[] => [
  evaluator(),
  { name: "storybook", kind: "base", files: new Map([...folder("storybook"), ...beside]) },
  ...["guide-tiny", "guide-distilled"].map((name) => ({ name, kind: "guide" as const, files: new Map(folder(name)) })),
  { name: "watercolor", kind: "finetune", files: new Map(folder("watercolor")) },
  ...["clay", "neon", "pixel", "pencil"].map((name) => ({
    name,
    kind: "finetune" as const,
    files: new Map(folder(`${name}-lora`)),
  })),
];

/** Loads what is not there yet of the starter collection, over the same road as everybody's uploads. Cut off, it goes on where it was. */
export async function loadStarter(): Promise<void> {
  await createOrganisation(hub, { name: OWNER, displayName: "Starter collection" }).catch(unlessThere);
  for (const item of items()) {
    await load(item);
    if (can(item, "isBase")) await letItJudge();
  }
}

/**
 * The evaluator of the collection, for its base and what was made from that: as a repo of its own, installed. A hub that had it in its
 * base keeps what was measured with it, for it is the same bytes. Does nothing where the collection's base is not there.
 */
export async function loadEvaluator(): Promise<void> {
  const isThere = await requireRead(hub, toRepoName(BASE)).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  await load(evaluator());
  await letItJudge();
}

async function letItJudge(): Promise<void> {
  for (;;) {
    try {
      return void (await installEvaluator(hub, { repo: `${OWNER}/evaluator`, revision: "HEAD", bases: [BASE] }));
    } catch (cause) {
      if (!(cause instanceof AppError && cause.code === "upload_not_ready")) throw cause;
      await sleep(50); // a worker is reading it
    }
  }
}

async function load({ name, kind, files }: Item): Promise<void> {
  const repo: RepoName = { owner: OWNER, repo: name };
  await createRepo(hub, {
    owner: OWNER,
    name,
    kind,
    visibility: "public",
    ...(can({ kind }, "hasBase") && { base: BASE }),
  }).catch(unlessThere);
  if (await headOf((await requireRead(hub, repo)).id)) return;
  const operations = await Promise.all(
    [...files].map(async ([path, file]) => ({
      op: "add" as const,
      path,
      upload: await upload(repo, path, join(root, file)),
    })),
  );
  await createCommit(hub, repo, { title: "The starter collection", operations });
}

async function upload(repo: RepoName, path: string, file: string): Promise<string> {
  const bytes = await readFile(file);
  const { id, partSize, partCount } = await beginUpload(hub, repo, {
    path,
    size: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
  const { items: parts } =
    partCount > 0
      ? await signParts(
          hub,
          id,
          Array.from({ length: partCount }, (_, i) => i + 1),
        )
      : { items: [] };
  for (const { number, url } of parts) {
    const answer = await fetch(url, {
      method: "PUT",
      body: bytes.subarray((number - 1) * partSize, number * partSize),
    });
    if (!answer.ok)
      throw new AppError(
        "storage_unavailable",
        `The store refused part ${number} of ${path} (status ${answer.status}).`,
        { path },
      );
  }
  await completeUpload(hub, id);
  return verified(id);
}

/** A worker reads the bytes. */
async function verified(id: string): Promise<string> {
  for (;;) {
    const { state, problem, path } = await getUpload(hub, id);
    if (state === "verified") return id;
    if (problem !== null) throw new AppError("internal", `${path} was refused: ${problem}`);
    await sleep(50);
  }
}

function unlessThere(cause: unknown): void {
  if (!(cause instanceof AppError) || cause.code !== "conflict") throw cause;
}
