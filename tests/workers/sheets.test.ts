import { readFile } from "node:fs/promises";
import { decode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createToken } from "#lib/auth/token.ts";
import { cancelPair } from "#lib/catalog/pairs/service.ts";
import { listPairs } from "#lib/catalog/pairs/views.ts";
import { sheet as sheetSchema, type Sheet } from "#lib/catalog/sheets/schema.ts";
import { database } from "#lib/db/client.ts";
import { readPngText } from "#lib/picture/png.ts";
import { parseRecipe } from "#lib/picture/recipe.ts";
import { checkHandler } from "#workers/hub/handlers/check.ts";
import { inspectHandler } from "#workers/hub/handlers/inspect.ts";
import { previewHandler } from "#workers/hub/handlers/preview.ts";
import { startWorker, type Worker } from "#workers/hub/worker.ts";
import { drawOnly } from "../support/evidence.ts";
import { starter } from "../support/golden.ts";
import { type EventStream, openEvents, type ReceivedEvent } from "../support/event-stream.ts";
import { fillPreviewHub, type PreviewHub } from "../support/previews.ts";
import type { Served } from "../support/serve.ts";
import { serveApp } from "../support/serve-app.ts";
import { expectSound } from "../support/sound-hub.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { forgetJobs } from "../support/attempts.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "2" });
const PICTURES = 3;
let people: PreviewHub;
let served: Served;
let worker: Worker | null = null;
let headers: Record<string, string>;
beforeAll(async () => {
  people = await fillPreviewHub();
  headers = {
    authorization: `Bearer ${(await createToken(people.ben, { name: "test", scopes: ["read", "run"] })).secret}`,
  };
  served = await serveApp();
});
afterAll(async () => {
  await worker?.stop();
  await served.close();
  await hub.close();
});

const at = (path: string): string => `${served.url}/api/v1${path}`;
const json = async (path: string) => (await fetch(at(path))).json();
const png = async (url: string, as: Record<string, string> = {}): Promise<Uint8Array> =>
  (await fetch(served.url + url, { headers: as })).bytes();

async function rest(stream: EventStream): Promise<ReceivedEvent[]> {
  const seen: ReceivedEvent[] = [];
  for (let event = await stream.next(); event !== null; event = await stream.next()) seen.push(event);
  return seen;
}

test("a pair is measured while somebody looks on, and its sheet is drawn to the last pixel that anybody gets with the same recipe", async () => {
  // A test has no minute to spare: one pair, a few prompts.
  const { items } = await listPairs(people.ann, { limit: 30 });
  for (const { id, finetune } of items) if (finetune.repo !== "ann/watercolor") await cancelPair(people.ann, id);
  await drawOnly(PICTURES);
  await forgetJobs("files");
  const { id } = items.find(({ finetune }) => finetune.repo === "ann/watercolor")!;
  const stream = await openEvents(at(`/pairs/${id}/events`));
  expect(await stream.next()).toMatchObject({
    name: "state",
    data: { id, state: "queued", queue: { workers: 0 }, measured: null },
  });
  expect(await json(`/pairs/${id}/sheet`)).toEqual({ rows: [], done: 0, total: 0, timings: null });

  worker = await startWorker({
    handlers: {
      hash: inspectHandler,
      inspect: inspectHandler,
      check: checkHandler,
      preview: previewHandler,
      curve: checkHandler,
      envelope: checkHandler,
      distill: checkHandler,
    },
    sweep: async () => {},
  });
  const seen = await rest(stream);
  expect(seen.find(({ name, data }) => name === "state" && data.state === "running")).toBeDefined();
  expect([...new Set(seen.flatMap(({ name, data }) => (name === "progress" ? [data.stage] : [])))]).toEqual(
    expect.arrayContaining(["agreement", "pictures"]),
  );
  expect(
    seen.some(
      ({ name, data }) => name === "progress" && data.stage === "agreement" && data.done > 0 && data.done < data.total,
    ),
  ).toBe(true);
  expect(seen.slice(-2)).toMatchObject([
    { name: "state", data: { state: "succeeded", progress: null, n: PICTURES } },
    { name: "end", data: { state: "succeeded", problem: null } },
  ]);
  expect(seen.at(-1)!.data.verdict).toBe(seen.at(-2)!.data.verdict);

  await expect.poll(async () => (await json(`/pairs/${id}/sheet`)).done, { interval: 100 }).toBe(PICTURES);
  const sheet = (await json(`/pairs/${id}/sheet`)) as Sheet;
  expect(sheetSchema.parse(sheet)).toEqual(sheet); // to the last key
  // Of what is judged nobody sees a prompt before its time: a sheet draws what everybody may explore with.
  const explored = (await readFile(starter("prompts.txt"), "utf8")).split("\n").slice(0, PICTURES);
  expect(sheet.rows.map(({ prompt, seed }) => [prompt, seed])).toEqual(explored.map((prompt, i) => [prompt, i + 1]));
  expect(
    Object.values(sheet.timings!).map(({ passes, n, low, seconds, high }) => [
      passes,
      n,
      0 < low && low <= seconds && seconds <= high,
    ]),
  ).toEqual([
    [20, PICTURES, true],
    [20, PICTURES, true],
    [40, PICTURES, true],
  ]);

  const { preview, prompt, seed, pictures } = sheet.rows[1]!;
  const rerun = await fetch(at(`/previews/${preview}/rerun`), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: "{}",
  });
  const { id: again } = await rerun.json();
  expect([rerun.status, again === preview]).toEqual([202, false]);
  expect((await rest(await openEvents(at(`/previews/${again}/events`), headers))).at(-1)).toMatchObject({
    name: "end",
    data: { state: "succeeded" },
  });
  const different = new Set<string>();
  for (const picture of Object.values(pictures)) {
    const drawn = await png(picture!.url);
    const { data, width } = decode(drawn);
    expect([width, picture!.width, picture!.height]).toEqual([128, 128, 128]);
    expect(parseRecipe(readPngText(drawn).get("guidepost")!)).toMatchObject({
      mode: picture!.mode,
      prompt,
      seed: BigInt(seed),
      steps: 20,
      guidanceScale: 5,
      sampler: "ddim",
      model: "watercolor",
    });
    expect(decode(await png(`/api/v1/previews/${again}/pictures/${picture!.mode}`, headers)).data).toEqual(data);
    different.add(Buffer.from(data).toString("base64"));
  }
  expect(different.size).toBe(3);
  await expectSound();
});

test("who comes when a measurement has ended is told so at once, and nobody is told of what they may not see", async () => {
  const { items } = await listPairs(people.ann, { limit: 30 });
  for (const { id, state } of items) {
    const events = await rest(await openEvents(at(`/pairs/${id}/events`)));
    expect(events).toMatchObject([
      { name: "state", data: { id, state } },
      { name: "end", data: { state } },
    ]);
  }
  const { id } = items[0]!;
  await expect(openEvents(at("/pairs/00000000-0000-7000-8000-000000000000/events"))).rejects.toThrow(/^404/);
  await database().repo.updateMany({ where: { name: "tiny" }, data: { visibility: "private" } });
  await expect(openEvents(at(`/pairs/${id}/events`))).rejects.toThrow(/^404/);
  await expect(openEvents(at(`/pairs/${id}/events`), headers)).rejects.toThrow(/^404/);
  expect((await fetch(at(`/pairs/${id}/sheet`))).status).toBe(404);
});
