import { readFile } from "node:fs/promises";
import type { Person } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { completeUpload, getUpload, signParts } from "#lib/catalog/uploads/service.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { hashHandler } from "#workers/hub/handlers/hash.ts";
import { sweep } from "#workers/hub/sweeper.ts";
import { claimJob, runJob } from "../support/attempts.ts";
import type { Told, Wish } from "./told.ts";

/**
 * One life of a hub and its client, in one process: what they do is cut off where GUIDEPOST_FAILPOINT says. The client knows its file
 * and its key, and nothing of earlier lives. What it is told goes to standard output, a line each.
 */
const wish = JSON.parse(process.argv[2]!) as Wish;
const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`);

if (wish.do === "sweep") tell({ swept: (await sweep(new Date(wish.now)))! });
else await uploadAndCommit(wish);
process.exit(0);

async function uploadAndCommit({
  person,
  owner,
  repo,
  path,
  file,
  key,
}: Extract<Wish, { do: "upload" }>): Promise<void> {
  const ann: Person = { ...person, scopes: new Set(["read", "write"]) };
  const bytes = await readFile(file);
  const { id, state, arrived, partCount, partSize } = await beginUpload(
    ann,
    { owner, repo },
    { path, size: bytes.byteLength, idempotencyKey: key },
  );
  tell({ begun: id, state, arrived });
  if (state === "open" || state === "receiving") {
    const missing = Array.from({ length: partCount }, (_, i) => i + 1).filter((number) => !arrived.includes(number));
    if (missing.length > 0) {
      for (const { number, url } of (await signParts(ann, id, missing)).items) {
        await send(url, bytes.subarray((number - 1) * partSize, number * partSize));
        tell({ part: number });
      }
    }
    tell({ completed: (await completeUpload(ann, id)).state });
  }
  const attempt = await claimJob("hash", id); // what a worker does
  if (attempt !== null) await runJob(hashHandler, "hash", id, attempt);
  const read = await getUpload(ann, id);
  tell({ read: read.state, sha256: read.sha256! });
  const commit = await createCommit(
    ann,
    { owner, repo },
    {
      title: "Files",
      operations: [
        { op: "add", path, upload: id },
        { op: "add", path: "README.md", content: `# ${key}\n` },
      ],
    },
  );
  tell({ committed: commit.id });
}

/** To S3 as it is; to the disk by the route that answers its URLs. */
async function send(url: string, bytes: Uint8Array): Promise<void> {
  const request = new Request(url, { method: "PUT", body: bytes as Uint8Array<ArrayBuffer> });
  const response =
    objectStore().kind === "s3"
      ? await fetch(request)
      : await (
          await import("../../app/storage/[...path]/route.ts")
        ).PUT(request, { params: Promise.resolve({ path: new URL(url).pathname.split("/").slice(2) }) });
  if (!response.ok) throw new Error(`PUT ${response.status}: ${await response.text()}`);
}
