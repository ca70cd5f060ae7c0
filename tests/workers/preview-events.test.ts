import { afterAll, beforeAll, expect, test } from "vitest";
import { createToken } from "#lib/auth/token.ts";
import { previewHandler } from "#workers/hub/handlers/preview.ts";
import { startWorker, type Worker } from "#workers/hub/worker.ts";
import { type EventStream, openEvents, type ReceivedEvent } from "../support/event-stream.ts";
import { fillPreviewHub } from "../support/previews.ts";
import type { Served } from "../support/serve.ts";
import { serveApp } from "../support/serve-app.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { forgetJobs } from "../support/attempts.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "2" });
let served: Served;
let worker: Worker | null = null;
let headers: Record<string, string>;
beforeAll(async () => {
  const { ann } = await fillPreviewHub();
  headers = { authorization: `Bearer ${(await createToken(ann, { name: "test", scopes: ["read", "run"] })).secret}` };
  served = await serveApp();
});
afterAll(async () => {
  await worker?.stop();
  await served.close();
  await hub.close();
});

const at = (path: string): string => `${served.url}/api/v1/previews${path}`;
const post = async (path: string, body: object) => {
  const response = await fetch(at(path), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
};
/** A worker that draws, and has nothing else to do. */
const start = () =>
  startWorker({
    handlers: {
      hash: previewHandler,
      inspect: previewHandler,
      check: previewHandler,
      preview: previewHandler,
      curve: previewHandler,
      envelope: previewHandler,
      distill: previewHandler,
    },
    sweep: async () => {},
  });

const follow = (id: string): Promise<EventStream> => openEvents(at(`/${id}/events`), headers);

/** Reads on up to the first event that is meant, or the end. */
async function until(stream: EventStream, isMeant: (event: ReceivedEvent) => boolean): Promise<ReceivedEvent[]> {
  const seen: ReceivedEvent[] = [];
  for (let event = await stream.next(); event !== null; event = await stream.next()) {
    seen.push(event);
    if (isMeant(event)) break;
  }
  return seen;
}

test("a preview is asked for, waits without a worker, is drawn, and shows itself to who looks on, also after a lost connection", async () => {
  await forgetJobs("files");
  const asked = await post("", {
    finetune: "ann/watercolor",
    guide: "ann/tiny",
    prompt: "a big red house in a meadow",
    seed: 5,
    steps: 100,
  });
  expect(asked).toMatchObject({
    status: 202,
    body: {
      state: "queued",
      queue: { ahead: 0, running: 0, workers: 0 },
      estimate: { seconds: null, why: "No worker is online; it begins as soon as one is." },
    },
  });
  const { id } = asked.body;
  const first = await follow(id);
  expect(await first.next()).toMatchObject({ name: "state", data: { id, state: "queued", pictures: [] } });

  worker = await start();
  const seen = await until(first, ({ name, data }) => name === "progress" && data.mode === "guide" && data.step > 0);
  first.drop();
  const kinds = seen.map(({ name, data }) =>
    name === "progress"
      ? `progress ${data.mode}`
      : name === "picture"
        ? `picture ${data.mode}`
        : `${name} ${data.state}`,
  );
  expect([...new Set(kinds)].filter((kind) => kind !== "state queued")).toEqual([
    "state running",
    "progress conditional",
    "picture conditional",
    "progress guide",
  ]);
  expect(seen.at(-1)!.data.picture).toMatch(/^data:image\/png;base64,/);

  const second = await follow(id);
  const rest = await until(second, () => false);
  expect(rest[0]).toMatchObject({
    name: "state",
    data: { state: "running", pictures: [{ mode: "conditional" }], progress: { mode: "guide" } },
  }); // all of it again
  expect(rest.filter(({ name }) => name === "picture").map(({ data }) => data.mode)).toEqual(["guide", "cfg"]);
  expect(rest.slice(-2)).toMatchObject([
    { name: "state", data: { state: "succeeded", pictures: [{}, {}, {}], progress: null } },
    { name: "end", data: { state: "succeeded", problem: null } },
  ]);

  const { url } = rest.at(-2)!.data.pictures[2];
  const there = url.replace(/^.*(?=\/pictures)/, "");
  const image = await fetch(at(`/${id}${there}`), { headers });
  expect([image.status, image.headers.get("content-type"), image.headers.get("cache-control")]).toEqual([
    200,
    "image/png",
    "private, max-age=60, no-transform",
  ]);
  const etag = image.headers.get("etag")!;
  expect((await image.bytes()).subarray(1, 4)).toEqual(new Uint8Array(Buffer.from("PNG")));
  expect((await fetch(at(`/${id}${there}`), { headers: { ...headers, "if-none-match": etag } })).status).toBe(304);
  expect((await fetch(at(`/${id}/pictures/cfg?v=another`), { headers })).headers.get("cache-control")).toBe(
    "private, no-cache, no-transform",
  );
  expect((await fetch(at(`/${id}${there}`))).status).toBe(404); // nobody else's
  await expect(openEvents(at(`/${id}/events`))).rejects.toThrow(/^404/);
});

test("a preview is cancelled while it is drawn: who looks on sees it, and the worker takes the next", async () => {
  worker ??= await start();
  const ask = (steps: number) =>
    post("", { finetune: "ann/watercolor", guide: null, prompt: "a red house", seed: 1, steps });
  const [{ body: one }, { body: two }] = [await ask(100), await ask(1)];
  const [first, second] = [await follow(one.id), await follow(two.id)];
  await until(first, ({ name, data }) => name === "progress" && data.step > 2);
  expect(await post(`/${one.id}/cancel`, {})).toMatchObject({ status: 200, body: { state: "cancelled" } });
  const rest = await until(first, () => false);
  expect(rest.slice(-2)).toMatchObject([{ name: "state" }, { name: "end", data: { state: "cancelled" } }]);
  expect((await until(second, () => false)).at(-1)).toMatchObject({ name: "end", data: { state: "succeeded" } });
});
