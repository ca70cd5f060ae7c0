import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { FileOperation } from "#lib/catalog/commits/schema.ts";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import { hostileCommits } from "../support/hostile-commits.ts";
import { eventually, must } from "../support/hub-member.ts";
import { beside, residentMegabytes } from "./beside.ts";
import type { Figure, Gate, GateStage } from "./gate.ts";

const inShort = new Set(["a LoRA of 100,000 keys, as kohya names them", "offsets that overlap"]);

/** Those that cost most to read, and one of each kind of lie. */
const inFull = new Set([
  ...inShort,
  "a LoRA of 100,000 keys that nothing knows",
  "a LoRA with 10,000 keys of metadata",
  "a LoRA whose tags are four megabytes of JSON",
  "a checkpoint of 100,000 tensors",
  "a header of 16 MiB with long names",
  "the same name twice",
  "a dimension of 2^53",
  "a pickle",
  "an index of 100,000 shards that are not there",
  "a vocabulary of 1,000,000 words",
  "unet/config.json nested 2,000,000 deep",
]);

const WORKER_MORE_MB = 200;

/** Weights and configs of strangers are read beside both processes that everybody depends on, and each ends in a word on what it is. */
export const hostile: Gate = {
  about: "files of models that lie, or that cost much to read, uploaded, committed and looked at in a loop",
  run: async (stage, length) => {
    const figures: Figure[] = [];
    const { hub } = stage;
    const worker = hub.processes().get("worker");
    for (const { what, make } of hostileCommits) {
      if (!(length === "full" ? inFull : inShort).has(what)) continue;
      const folder = await mkdtemp(join(tmpdir(), "guidepost-hostile-"));
      try {
        await make(folder);
        const before = residentMegabytes(worker);
        const first = await commit(stage, folder);
        if (!isNamed(first)) console.error(`${what}: ${first.state}, ${first.problem}`);
        figures.push(
          { what: `${what}: read and said what it is, of 1`, value: Number(isNamed(first)), unit: "", atLeast: 1 },
          ...(await beside(what, stage, ["/", "/browse"], length, () => commit(stage, folder))),
          {
            what: `${what}: memory of the worker, more`,
            value: residentMegabytes(worker) - before,
            unit: "MB",
            atMost: WORKER_MORE_MB,
          },
        );
      } finally {
        await rm(folder, { recursive: true });
      }
    }
    const lives = worker !== undefined && hub.processes().get("worker") === worker;
    return [
      ...figures,
      { what: "the worker of the beginning lives, of 1", value: Number(lives), unit: "", atLeast: 1 },
    ];
  },
};

let count = 0;

/** All files of a folder in a new repo, until the hub has read them; then its page is looked at. */
async function commit({ eve, hub }: GateStage, folder: string): Promise<Ended> {
  const repo = await eve.newRepo(`hostile-${(count += 1)}`, { visibility: "public" });
  const operations: FileOperation[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = relative(folder, join(entry.parentPath, entry.name));
    const { upload, problem } = await sent(eve, repo, path, await readFile(join(folder, path)));
    if (problem !== null) return { state: "failed", problem }; // no bytes of it are in any commit
    operations.push({ op: "add", path, upload });
  }
  must(201, await eve.commit(repo, operations));
  const { body } = await eventually(
    `${repo} read`,
    () => eve.ask("GET", `/repos/${repo}/inspection`),
    ({ status, body: seen }) => status === 200 && ["succeeded", "failed"].includes((seen as InspectionView).state),
  );
  const page = await fetch(`${hub.url}/${repo}`);
  await page.arrayBuffer();
  if (page.status !== 200) throw new Error(`${repo}: its page answered ${page.status}`);
  return body as InspectionView;
}

type Ended = Pick<InspectionView, "state" | "problem">;

/** A file is refused at its end already where it is none that may be here. */
async function sent(
  eve: GateStage["eve"],
  repo: string,
  path: string,
  bytes: Buffer,
): Promise<{ upload: string; problem: string | null }> {
  const { id } = await eve.upload(repo, path, bytes);
  const { problem } = await eve.ended(id);
  return { upload: id, problem };
}

/** A failure is a sentence for whoever uploaded it, and nothing of ours. */
const isNamed = ({ state, problem }: Ended): boolean =>
  state === "succeeded" ||
  (problem !== null && /^.{10,2000}\.$/s.test(problem) && !/on our side|process ended/.test(problem));
