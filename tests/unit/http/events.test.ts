import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { streamEvents } from "#lib/http/events.ts";
import type { Feed } from "#lib/queue/feed.ts";
import { answering } from "#lib/http/route.ts";
import { countWatched } from "#lib/queue/watched.ts";
import { type EventStream, openEvents, readEvents } from "../../support/event-stream.ts";
import { untilListening } from "../../support/listening.ts";
import { recordQueries } from "../../support/recorded-queries.ts";
import { type Served, serve } from "../../support/serve.ts";
import { ids, smallHub } from "../../support/small-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { until } from "../../support/until.ts";

interface View {
  readonly state: string;
  readonly attempt: number;
}

const hub = await useTempHub();
let served: Served;
let reads = 0;
/** What the next look fails with. */
let fault: AppError | null = null;

/** How the preview of the small hub moves. */
const feed: Feed<View> = {
  id: ids.preview,
  async read() {
    reads++;
    if (fault) throw fault;
    const row = await database().preview.findUnique({
      where: { id: ids.preview },
      select: { state: true, attempt: true },
    });
    if (!row) throw new AppError("not_found", "It is gone.");
    return row;
  },
  changes: (before, now) =>
    before?.state === now.state && before.attempt === now.attempt ? [] : [{ name: "state", data: now }],
  hasEnded: ({ state }) => state === "succeeded",
};

beforeAll(async () => {
  const admin = new pg.Client(hub.database.url);
  await admin.connect();
  await admin.query(smallHub);
  await admin.end();
  served = await serve((request) => answering(request, "/events", () => streamEvents(request, feed)));
});
const open: EventStream[] = [];
beforeEach(async () => {
  await move("queued");
  [fault, reads] = [null, 0];
});
afterEach(() => open.splice(0).forEach((stream) => stream.drop()));
afterAll(async () => {
  await served.close();
  await hub.close();
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** How often the process looked for all that is watched in it. */
const looks = (queries: readonly { readonly text: string }[]): number =>
  queries.filter(({ text }) => text.includes("string_agg(version")).length;

async function follow(): Promise<EventStream> {
  const stream = await openEvents(served.url);
  open.push(stream);
  return stream;
}

const move = async (state: "queued" | "running" | "succeeded") => {
  const { state: now, attempt } = (await database().preview.findUnique({ where: { id: ids.preview } }))!;
  if (now === "succeeded" && state !== "queued") throw new Error("it has ended");
  if (now !== state)
    await database().preview.update({
      where: { id: ids.preview },
      data: { state, attempt: state === "running" ? attempt + 1 : attempt },
    });
};

describe("who looks on", () => {
  test("sees at once how it is, then each change as it comes, until the end", async () => {
    const stream = await follow();
    expect(Object.fromEntries(stream.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "private, no-cache, no-transform",
      "x-accel-buffering": "no",
      "x-request-id": expect.any(String),
    });
    expect(await stream.next()).toMatchObject({ name: "state", data: { state: "queued" } });
    expect(stream.retry).toBe(2000);
    await untilListening();
    // Whatever the database tells, the process looks every two seconds; a change that came before any look was told.
    const cameAsTold = async (): Promise<boolean> => {
      const { queries } = await recordQueries(async () => {
        await move("queued");
        await move("running");
        for (let event = await stream.next(); event!.data.state !== "running";) event = await stream.next();
      });
      return looks(queries) === 0;
    };
    await until(cameAsTold, Boolean);
    await move("succeeded");
    expect(await stream.next()).toMatchObject({ data: { state: "succeeded" } });
    expect(await stream.next()).toBeNull();
  });

  test("of what has ended sees that, and no more", async () => {
    await move("running");
    await move("succeeded");
    const stream = await follow();
    expect([await stream.next(), await stream.next()]).toMatchObject([{ data: { state: "succeeded" } }, null]);
  });

  test("and comes back after a lost connection sees all of it again; nobody looks for who is gone", async () => {
    const first = await follow();
    await first.next();
    first.drop();
    await expect(first.next()).rejects.toThrow(/abort/);
    await expect.poll(countWatched).toBe(0);
    await move("running");
    const second = await follow();
    expect(await second.next()).toMatchObject({ data: { state: "running" } });
  });

  test("sees the change though the database told nobody", async () => {
    await database().$executeRaw`ALTER TABLE preview DISABLE TRIGGER tell_watchers`;
    try {
      const stream = await follow();
      await stream.next();
      const { queries } = await recordQueries(async () => {
        await move("running");
        expect(await stream.next()).toMatchObject({ data: { state: "running" } });
      });
      expect(looks(queries)).toBeLessThanOrEqual(3); // without them it is read anew every 20 s, which are ten looks
    } finally {
      await database().$executeRaw`ALTER TABLE preview ENABLE TRIGGER tell_watchers`;
    }
  });

  test("goes on while the database is away for a while, and is told what ends it", async () => {
    const stream = await follow();
    await stream.next();
    fault = new AppError("database_unavailable", "The database does not answer.");
    await move("running");
    await expect.poll(() => reads).toBeGreaterThan(1);
    fault = null;
    expect(await stream.next()).toMatchObject({ data: { state: "running" } });
    fault = new AppError("repo_not_found", "It is private now.");
    await database().$executeRaw`SELECT pg_notify('guidepost', ${ids.preview})`; // else it is looked anew every 20 s
    expect(await stream.next()).toEqual({
      name: "failure",
      data: { code: "repo_not_found", error: "It is private now." },
    });
    expect(await stream.next()).toBeNull();
  });

  test("at what may not be seen gets an answer as any other", async () => {
    fault = new AppError("not_found", "It is gone.");
    await expect(follow()).rejects.toThrow(/^404: .*It is gone/);
  });
});

describe("a hundred who look on at as many things", () => {
  let previews: string[] = [];
  beforeAll(async () => {
    const rows = await database().$queryRaw<{ id: string }[]>`
      INSERT INTO preview (id, user_id, unit_id, finetune_commit_id, guide_commit_id, recipe)
      SELECT gen_random_uuid(), user_id, unit_id, finetune_commit_id, guide_commit_id, recipe FROM preview, generate_series(1, 100) WHERE id = ${ids.preview}::uuid
      RETURNING id`;
    previews = rows.map(({ id }) => id);
    await database().$executeRaw`
      INSERT INTO job (id, kind, subject_id, resource, lane, priority, user_id)
      SELECT gen_random_uuid(), 'preview', id, 'compute', 'seconds', 100, 'ann' FROM unnest(${previews}::uuid[]) one(id)`;
  });

  const lookedTimes = (count: number, asked: readonly { readonly text: string }[]): Promise<unknown> =>
    expect.poll(() => looks(asked)).toBeGreaterThanOrEqual(count);

  /** What is asked for each look of the process, while this many are watched and nothing moves. */
  async function questionsWhileWatching(count: number): Promise<number> {
    const gone = new AbortController();
    const request = (i: number): Request =>
      new Request("http://localhost/events", { signal: gone.signal, headers: { "x-forwarded-for": `192.0.2.${i}` } });
    const views = await Promise.all(
      previews.slice(0, count).map(async (id, i) => {
        const one: Feed<View> = {
          ...feed,
          id,
          read: async () =>
            (await database().preview.findUnique({ where: { id }, select: { state: true, attempt: true } }))!,
        };
        return readEvents(await streamEvents(request(i), one), () => {});
      }),
    );
    for (const view of views) await view.next();
    await recordQueries((asked) => lookedTimes(2, asked)); // what is new is read once more after the first look
    const rest = views.map((view) => view.next());
    const { queries } = await recordQueries((asked) => lookedTimes(2, asked));
    gone.abort();
    await Promise.all(rest);
    return queries.length / looks(queries);
  }

  test("ask no more of the database than one does", async () => {
    const one = await questionsWhileWatching(1);
    const hundred = await questionsWhileWatching(100);
    expect(hundred).toBeLessThanOrEqual(one + 2);
  });

  test("and who looks on at the same thing shares what is read of it", async () => {
    const gone = new AbortController();
    const request = (i: number): Request =>
      new Request("http://localhost/events", { signal: gone.signal, headers: { "x-forwarded-for": `192.0.3.${i}` } });
    const views = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => readEvents(await streamEvents(request(i), feed), () => {})),
    );
    for (const view of views) await view.next();
    await untilListening();
    reads = 0;
    await move("running");
    for (const view of views) expect(await view.next()).toMatchObject({ data: { state: "running" } });
    expect(reads).toBeLessThanOrEqual(3); // one for each thing that the database told of
    gone.abort();
  });
});

test("more than 24 of one person, or of one address, are sent away, until one of them leaves; others are not", async () => {
  const gone = new AbortController();
  const request = (headers = {}) => new Request("http://localhost/events", { signal: gone.signal, headers });
  const responses = await Promise.all(Array.from({ length: 24 }, () => streamEvents(request(), feed)));
  await expect(follow()).rejects.toThrow(/^429: .*You are watching 24 things live already/);
  const elsewhere = await streamEvents(request({ "x-forwarded-for": "192.0.2.7" }), feed);
  const ann = { kind: "person", userId: "ann", scopes: new Set(["read"]) } as unknown as Person;
  const own = await Promise.all(Array.from({ length: 24 }, () => streamEvents(request(), feed, ann)));
  await expect(streamEvents(request(), feed, ann)).rejects.toThrow(/You are watching 24/);
  await Promise.all([elsewhere, ...own].map((response) => response.body!.cancel()));
  await responses[0]!.body!.cancel();
  await (await follow()).next();
  collectGarbage(); // whoever left is known though nobody else holds on to their request
  gone.abort();
  expect((globalThis as { guidepostStreams?: Map<Request, string> }).guidepostStreams!.size).toBeLessThan(10);
});

test("a stream in which nothing happens says every fifteen seconds that it is there, and ends after a quarter of an hour", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const still: Feed<View> = { ...feed, id: ids.pair, read: async () => ({ state: "queued", attempt: 0 }) };
    const stream = readEvents(await streamEvents(new Request("http://localhost/events"), still), () => {});
    await stream.next();
    const rest = stream.next();
    for (let second = 0; second < 17; second++) await vi.advanceTimersByTimeAsync(1000);
    expect(stream.comments).toBe(1);
    for (let second = 0; second < 16; second++) await vi.advanceTimersByTimeAsync(1000);
    expect(stream.comments).toBe(2);
    await vi.advanceTimersByTimeAsync(15 * 60_000);
    expect(await rest).toBeNull();
  } finally {
    vi.useRealTimers();
  }
});
