import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { getJobTimeline } from "#lib/catalog/jobs/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { getUpload } from "#lib/catalog/uploads/service.ts";
import { AppError } from "#lib/errors.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { newPerson } from "../../support/actors.ts";
import { stageWhole } from "../../support/stage-upload.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { hashUpload, sha256Of, weightsOf } from "../../support/upload-client.ts";

// Whoever guesses the bytes of somebody's private file is told nothing by what the hub does with them.

const hub = await useTempHub();
const secretText = "the first words of a private card";
const secretWeights = weightsOf(2000, 1);
let ben: Person;

beforeAll(async () => {
  const ann = await newPerson("ann");
  ben = await newPerson("ben");
  await createRepo(ann, { owner: "ann", name: "hidden", kind: "finetune", visibility: "private" });
  const upload = await stageWhole(ann, "ann/hidden", "a.safetensors", secretWeights);
  await hashUpload(upload.id);
  await createCommit(
    ann,
    { owner: "ann", repo: "hidden" },
    {
      title: "x",
      operations: [
        { op: "add", path: "a.txt", content: secretText },
        { op: "add", path: "a.safetensors", upload: upload.id },
      ],
    },
  );
  await createRepo(ben, { owner: "ben", name: "own", kind: "finetune", visibility: "public" });
});
afterAll(() => hub.close());

const commit = (content: string, path = `${randomUUID()}.txt`) =>
  createCommit(ben, { owner: "ben", repo: "own" }, { title: "x", operations: [{ op: "add", path, content }] });

test("a commit stores them as if they were new, and as often", async () => {
  const put = vi.spyOn(objectStore(), "put");
  const puts = async (content: string): Promise<number> => {
    put.mockClear();
    await commit(content);
    return put.mock.calls.length;
  };
  const ofNew = await puts(`${secretText}.`);
  expect(ofNew).toBeGreaterThan(0);
  expect(await puts(secretText)).toBe(ofNew);
  expect(await puts(secretText)).toBe(ofNew - 1); // now it is one's own
});

test("naming them by their sha256 finds nothing, in the words for what is nowhere", async () => {
  const fails = (sha256: string) =>
    createCommit(
      ben,
      { owner: "ben", repo: "own" },
      { title: "x", operations: [{ op: "add", path: "b.safetensors", sha256 }] },
    ).catch((cause: AppError) => [cause.code, cause.message.replace(sha256, "…")]);
  const answer = await fails(sha256Of("nowhere"));
  expect(answer).toMatchObject(["not_found", expect.stringContaining("upload it")]);
  expect(await fails(sha256Of(secretWeights))).toEqual(answer);
});

test("an upload of them goes the same way, step by step, and says the same", async () => {
  const life = async (bytes: Buffer) => {
    const { id } = await stageWhole(ben, "ben/own", "b.safetensors", bytes, sha256Of(bytes));
    await hashUpload(id);
    const { state, problem, arrived, progress } = await getUpload(ben, id);
    const { events } = await getJobTimeline(ben, id);
    return { state, problem, arrived, progress, events: events.map(({ kind, message }) => [kind, message]) };
  };
  const ofNew = await life(weightsOf(2000, 2));
  expect(ofNew.state).toBe("verified");
  expect(await life(secretWeights)).toEqual(ofNew);
});
