import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesKept, piecesOf } from "#lib/catalog/kept/repository.ts";
import { sweepPieces } from "#lib/catalog/kept/service.ts";
import { cancelPair } from "#lib/catalog/pairs/service.ts";
import { studyRow } from "#lib/catalog/pairs/study-repository.ts";
import { requestEnvelope } from "#lib/catalog/pairs/study-service.ts";
import { getPair, listPairs } from "#lib/catalog/pairs/views.ts";
import { database } from "#lib/db/client.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { checkHandler } from "#workers/hub/handlers/check.ts";
import { curveOf } from "#workers/hub/handlers/curve.ts";
import { envelopeOf } from "#workers/hub/handlers/envelope.ts";
import { previewHandler } from "#workers/hub/handlers/preview.ts";
import { startWorker, type Worker } from "#workers/hub/worker.ts";
import { forgetJobs } from "../support/attempts.ts";
import { drawOnly } from "../support/evidence.ts";
import { fillPreviewHub, type PreviewHub } from "../support/previews.ts";
import { expectSound } from "../support/sound-hub.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "2" });
const PICTURES = 2;
let people: PreviewHub;
let worker: Worker | null = null;
let id: string;

beforeAll(async () => {
  people = await fillPreviewHub();
  const { items } = await listPairs(people.ann, { limit: 30 });
  id = items.find(({ finetune }) => finetune.repo === "ann/watercolor")!.id;
  for (const pair of items) if (pair.id !== id) await cancelPair(people.ann, pair.id);
  await drawOnly(PICTURES);
  await forgetJobs("files");
});
afterAll(async () => {
  await worker?.stop();
  await hub.close();
});

const start = () =>
  startWorker({
    handlers: {
      hash: previewHandler,
      inspect: previewHandler,
      check: checkHandler,
      preview: previewHandler,
      curve: curveOf(PICTURES),
      envelope: envelopeOf({ choosing: 2, pictures: 4 }),
      distill: previewHandler,
    },
    sweep: async () => {},
  });

const view = () => getPair(people.ben, id, true);
const folder = (): string => join(hub.folder, "cache", "teacher");

/** All of it is a minute of two cores; beside other work it takes as long as that lets it. */
const LONG = 900_000;

test("a worker measures a pair, and what the model draws by itself lies in the store", { timeout: LONG }, async () => {
  worker = await start();
  await expect.poll(async () => (await view()).state, { timeout: LONG }).toBe("succeeded");
  await expect.poll(async () => (await piecesOf((await view()).unit.hash, Infinity)).length).toBe(8);
});

test("a worker measures its curve and its envelope when somebody asks", { timeout: LONG }, async () => {
  // So few prompts are neither compared nor tuned on by themselves: as if there had been enough.
  const { summary } = await database().pair.findUniqueOrThrow({ where: { id } });
  const told = summary as { measured: { fidelity: { cfg: { n: number } } } };
  told.measured.fidelity.cfg.n = 48;
  await database().pair.update({ where: { id }, data: { summary: told } });

  await database().$transaction(async (transaction) => {
    const curve = await studyRow(transaction, id, "curve");
    await enqueue(transaction, { kind: "curve", subjectId: curve.id, priority: "batch" });
  });
  await requestEnvelope(people.ben, id);
  await expect
    .poll(async () => [(await view()).curve?.state, (await view()).envelope?.state], { timeout: LONG })
    .toEqual(["succeeded", "succeeded"]);
  const { curve, envelope } = await view();
  expect(curve!.found).toMatchObject({ n: PICTURES, guidanceScale: 5 });
  expect(curve!.found!.points.map(({ passes }) => passes)).toEqual([20, 20, 20, 20, 22, 22, 25, 25, 30, 30, 40]);
  expect(envelope!.found).toMatchObject({ n: 2, others: 2, steps: 20 });
  expect(envelope!.raw!.prompts).toHaveLength(4);
  expect(envelope!.raw!.prompts.slice(0, PICTURES)).toEqual(curve!.raw!.prompts);
  // Both draw the same prompts from the same noise, so what CFG keeps of them is the same number.
  const keptBy = (mode: string, w: number) =>
    envelope!.raw!.trials.find((one) => one.mode === mode && one.guidanceScale === w && one.steps === 20)!.kept;
  const way = (mode: string, w: number) =>
    curve!.raw!.ways.find((one) => one.mode === mode && one.guidanceScale === w && one.steps === 20 && !one.cfgSteps)!;
  for (const mode of ["conditional", "cfg", "guide"]) expect(keptBy(mode, 5)).toEqual(way(mode, 5).kept);
});

test("another worker takes what is kept from the store, and what is too much goes", { timeout: LONG }, async () => {
  const { hash } = (await view()).unit;
  const made = (await readdir(folder())).length; // of a child that has ended
  await expect.poll(async () => (await piecesOf(hash, Infinity)).length).toBe(made);
  const pieces = await piecesOf(hash, Infinity);
  await rm(folder(), { recursive: true });
  const last = (await view()).envelope!;
  await database().study.update({ where: { id: last.id }, data: { state: "failed" } }); // so that it can be asked for again
  await requestEnvelope(people.ben, id);
  await expect.poll(async () => (await view()).envelope?.state, { timeout: LONG }).toBe("succeeded");
  expect((await view()).envelope!.found).toEqual(last.found); // to the last bit
  expect((await readdir(folder())).toSorted()).toEqual(pieces.map(({ name }) => name).toSorted());
  expect(await piecesOf(hash, Infinity)).toHaveLength(pieces.length);
  await expectSound();

  const bytes = await bytesKept();
  const removed = await sweepPieces(new Date(), Math.round(bytes / 2));
  expect(removed).toBeGreaterThan(0);
  expect(await bytesKept()).toBeLessThanOrEqual(bytes / 2);
  const left = await piecesOf(hash, Infinity);
  expect(left).toHaveLength(pieces.length - removed);
  for (const { storageKey } of left) expect(await objectStore().head(storageKey)).not.toBeNull();
  await sweepPieces(new Date(Date.now() + 31 * 86_400_000));
  expect(await bytesKept()).toBe(0);
  for (const { storageKey } of pieces) expect(await objectStore().head(storageKey)).toBeNull();
});
