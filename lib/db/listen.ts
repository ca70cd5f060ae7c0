import type pg from "pg";
import { log } from "#lib/log.ts";
import { boundedClient } from "./bounded-client.ts";
import { requireDirectUrl } from "./client.ts";

/** What triggers and services tell: the payload is the id of the row, or of the job, that something happened to. */
const CHANNEL = "guidepost";

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;
/** Who only listens does not hear that nobody speaks any more: so often it asks, and without an answer it connects anew. */
const ASK_EVERY_MS = 5_000;
const ANSWER_MS = 10_000;
/** A connection that nobody watches through is closed after so many milliseconds: pages come and go. */
const REST_MS = 10_000;

interface Listener {
  readonly watchers: Map<string, Set<() => void>>;
  client: pg.Client | null;
  /** Attempts to connect that failed in a row. */
  failures: number;
  again: NodeJS.Timeout | null;
  rest: NodeJS.Timeout | null;
}

// Next may load this module more than once in one process; the connection must be one.
const shared = globalThis as { guidepostListener?: Listener };
const listener: Listener = (shared.guidepostListener ??= {
  watchers: new Map(),
  client: null,
  failures: 0,
  again: null,
  rest: null,
});

/**
 * Calls `onChange` when something happened to the row of that id, and whenever something may have been missed: each time the one
 * connection of this process begins to listen. So it says “look again”, not what changed; it must not throw. Who cannot wait for a
 * database that is away looks now and then by itself too.
 *
 * @returns what ends it
 */
export function watch(id: string, onChange: () => void): () => void {
  const call = (): void => onChange(); // its own each time, so that one function may watch twice
  const others = listener.watchers.get(id);
  if (others) others.add(call);
  else listener.watchers.set(id, new Set([call]));
  if (listener.rest) clearTimeout(listener.rest);
  listener.rest = null;
  if (!listener.client && !listener.again) connect();
  return () => unwatch(id, call);
}

function unwatch(id: string, call: () => void): void {
  const calls = listener.watchers.get(id);
  calls?.delete(call);
  if (calls?.size === 0) listener.watchers.delete(id);
  if (listener.watchers.size === 0) listener.rest ??= setTimeout(disconnect, REST_MS).unref();
}

function connect(): void {
  listener.again = null;
  const client = new (boundedClient(requireDirectUrl(), ANSWER_MS))({
    application_name: "guidepost-listen",
    connectionTimeoutMillis: 5_000,
  });
  listener.client = client;
  client.on("notification", ({ payload }) => listener.watchers.get(payload ?? "")?.forEach((call) => call()));
  client.on("error", (failure) => lose(client, failure));
  client.on("end", () => lose(client, null));
  listen(client).catch((failure: Error) => lose(client, failure));
}

async function listen(client: pg.Client): Promise<void> {
  await client.connect();
  (client as pg.Client & { unref(): void }).unref(); // listening keeps no process alive
  await client.query(`LISTEN ${CHANNEL}`);
  listener.failures = 0;
  const asking = setInterval(() => void client.query("SELECT 1").catch(() => {}), ASK_EVERY_MS).unref();
  client.once("end", () => clearInterval(asking));
  for (const calls of listener.watchers.values()) calls.forEach((call) => call());
}

/** Connects again after a pause that grows, each process at a moment of its own. */
function lose(client: pg.Client, failure: Error | null): void {
  if (listener.client !== client) return;
  listener.client = null;
  client.end().catch(() => {});
  if (listener.watchers.size === 0) return;
  const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** listener.failures++) * (0.5 + Math.random() / 2);
  log().warn(
    { event: "listen.lost", ms: Math.round(pause), err: failure },
    "not listening to the database; connecting again",
  );
  listener.again = setTimeout(connect, pause).unref();
}

function disconnect(): void {
  listener.rest = null;
  if (listener.again) clearTimeout(listener.again);
  listener.again = null;
  const { client } = listener;
  listener.client = null;
  client?.end().catch(() => {});
}
