import { setTimeout as sleep } from "node:timers/promises";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { inEmbeddedDatabase } from "../support/embedded-database.ts";
import { starterFiles } from "../support/evidence.ts";
import { freeze, thaw } from "../support/frozen.ts";
import { eventually, type HubMember, must, retouched } from "../support/hub-member.ts";
import type { Figure, Gate, GateLength, GateStage } from "./gate.ts";

/** Somebody else waits at most so many times as long as alone. */
const TIMES = 2;
const PREVIEWS = 6;
const CHECKS = 2;
const COMMITS = 4;

/** One worker with one place for networks, and one person who asks for all that they may: what others wait, beside what they wait alone. */
export const fairness: Gate = {
  about: "previews, measurements and commits to inspect by one person, as many as they may, one worker with one place",
  variables: { GUIDEPOST_STARTER: "load", GUIDEPOST_PLACES: "1", GUIDEPOST_THREADS: "1" },
  run: async (stage, length) => {
    await eventually(
      "the starter collection",
      () => preview(stage.ben, 1),
      ({ status }) => status === 202,
      300,
    );
    const order = await orderOf(stage, length);
    return length === "full" ? [...order, ...(await timesOf(stage))] : order;
  },
};

/** Of the flood's jobs that wait when somebody else asks, at most so many are begun before theirs; else it is the flood's turn again and again. */
const BEFORE = 1;
const FLOOD = { checks: 3, previews: 5, commits: 6 } as const;

type Kind = "inspect" | "preview" | "check";
/** A measurement waits for the one that runs, a minute or more. */
const TRIED: Readonly<Record<GateLength, readonly Kind[]>> = {
  full: ["inspect", "preview", "check"],
  short: ["inspect", "preview"],
};

/** What is begun of a flood that waits, once somebody else has asked: on any machine the same, however long each takes. */
async function orderOf({ ben, eve, hub, folder }: GateStage, length: GateLength): Promise<Figure[]> {
  const tried = TRIED[length];
  const mine = await readyToCommit(ben, "order");
  const hers = [];
  for (let n = 0; n < FLOOD.commits; n++) hers.push(await readyToCommit(eve, `order-${n}`));
  for (let n = 0; n < FLOOD.checks; n++) must(202, await check(eve));
  for (let n = 0; n < FLOOD.previews; n++) must(202, await preview(eve, 60));
  const worker = hub.processes().get("worker")!;
  freeze(worker); // an inspection takes less time than a commit: what comes while it rests waits together
  try {
    await Promise.all(hers.map((commit) => commit()));
    await mine();
    must(202, await preview(ben, 1));
    if (tried.includes("check")) must(202, await check(ben));
  } finally {
    thaw(worker);
  }
  const figures: Figure[] = [];
  for (const kind of tried) {
    const { waited, before } = await eventually(
      `a ${kind} of ben's`,
      () => begunBefore(folder, kind),
      (seen) => seen.isBegun || seen.before > BEFORE,
    );
    figures.push(
      { what: `${kind}: jobs of the flood that waited already`, value: waited, unit: "", atLeast: BEFORE + 2 },
      { what: `${kind}: of them, begun before it`, value: before, unit: "", atMost: BEFORE },
    );
  }
  for (const who of [ben, eve])
    for (const state of ["queued", "running"])
      for (const { subjectId, kind } of must(200, await who.ask("GET", `/jobs?mine=true&state=${state}&limit=100`)).body
        .items as { subjectId: string; kind: string }[])
        if (kind !== "inspect") await who.ask("POST", `/jobs/${subjectId}/cancel`);
  return figures;
}

interface Order {
  readonly isBegun: boolean;
  readonly waited: number;
  readonly before: number;
}

/** Of ben's newest job of a kind: how many of eve's that take as long waited when he asked, and were begun before it. */
async function begunBefore(folder: string, kind: Kind): Promise<Order> {
  let found: Order | undefined;
  await inEmbeddedDatabase(folder, async (client) => {
    const { rows } = await client.query<Order>(
      `SELECT mine.started_at IS NOT NULL AS "isBegun", count(*)::int AS waited, count(hers.started_at) FILTER (WHERE mine.started_at IS NULL OR hers.started_at < mine.started_at)::int AS before
       FROM (SELECT j.* FROM job j JOIN app_user u ON u.id = j.user_id WHERE u.name = 'ben' AND j.kind = $1 ORDER BY j.queued_at DESC LIMIT 1) mine
       JOIN job hers ON hers.resource = mine.resource AND hers.lane = mine.lane AND hers.queued_at <= mine.queued_at AND (hers.started_at IS NULL OR hers.started_at > mine.queued_at)
       JOIN app_user u ON u.id = hers.user_id AND u.name = 'eve'
       GROUP BY mine.started_at`,
      [kind],
    );
    found = rows[0];
  });
  return found ?? { isBegun: false, waited: 0, before: 0 };
}

/** @returns what commits a guide of its own, that was read */
async function readyToCommit(who: HubMember, name: string): Promise<() => Promise<void>> {
  const repo = await who.newRepo(name, { kind: "guide", base: "guidepost/storybook" });
  const upload = await uploadGuide(who, repo);
  return async () => void must(201, await who.commit(repo, [{ op: "add", path: "guide.safetensors", upload }]));
}

async function timesOf(stage: GateStage): Promise<Figure[]> {
  const { ben } = stage;
  const repo = await ben.newRepo("fair", { kind: "guide", base: "guidepost/storybook" });
  const waits = async (): Promise<Waits> => ({
    preview: await each(PREVIEWS, () => previewOf(ben)),
    check: await each(CHECKS, () => checkOf(ben)),
    inspection: await each(COMMITS, () => commitOf(ben, repo)),
  });
  await previewOf(ben); // networks are in the disk's cache from here on
  const alone = await waits();
  const flood = await floodOf(stage);
  try {
    const told = await estimateOf(ben);
    const beside = await waits();
    return [
      { what: "jobs that the flood was given", value: flood.taken(), unit: "", atLeast: 3 },
      { what: "jobs that it was refused", value: flood.refused(), unit: "" },
      ...(["preview", "check", "inspection"] as const).flatMap((kind) => compared(kind, alone, beside)),
      { what: "a third preview is there, told in", value: told.seconds, unit: "s" },
      { what: "of that it took", value: told.share, unit: "times as long", atLeast: 0.5, atMost: 2 },
    ];
  } finally {
    await flood.stop();
  }
}

/** In seconds, from the request to what was asked for. */
type Waits = Readonly<Record<"preview" | "check" | "inspection", readonly number[]>>;

function compared(kind: keyof Waits, alone: Waits, beside: Waits): Figure[] {
  const [before, now] = [middle(alone[kind]), middle(beside[kind])];
  return [
    { what: `${kind}, alone`, value: before, unit: "s" },
    { what: `${kind}, beside the flood`, value: now, unit: "s" },
    { what: `${kind}, the longest wait beside it`, value: Math.max(...beside[kind]), unit: "s" },
    { what: `${kind}, beside what it is alone`, value: now / before, unit: "times as long", atMost: TIMES },
  ];
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;

async function each(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const waits: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await work();
    waits.push((performance.now() - began) / 1000);
  }
  return waits;
}

let seed = 0;
const preview = (who: HubMember, steps: number) =>
  who.ask("POST", "/previews", {
    finetune: "guidepost/watercolor",
    guide: "guidepost/guide-tiny",
    prompt: "a big red house in a meadow",
    guidanceScale: 5,
    steps,
    seed: String((seed += 1)),
  });

async function ended<View extends { readonly state: string; readonly problem: string | null }>(
  who: HubMember,
  path: string,
): Promise<View> {
  const view = await eventually(
    path,
    async () => must(200, await who.ask("GET", path)).body as unknown as View,
    ({ state }) => state !== "queued" && state !== "running",
    1200,
  );
  if (view.state !== "succeeded") throw new Error(`${path} ended as ${view.state}: ${view.problem}`);
  return view;
}

async function previewOf(who: HubMember): Promise<void> {
  const { id } = must(202, await preview(who, 20)).body as unknown as PreviewView;
  await ended<PreviewView>(who, `/previews/${id}`);
}

let strength = 0.5;
/** Another unit each time, or it would have been measured. */
const check = (who: HubMember) =>
  who.ask("POST", "/pairs", {
    finetune: "guidepost/clay",
    guide: "guidepost/guide-tiny",
    loraStrength: (strength += 0.001),
  });

/** Until its first look: there is a verdict then. */
async function checkOf(who: HubMember): Promise<void> {
  const { id } = must(202, await check(who)).body as unknown as PairView;
  await eventually(
    "the first look",
    async () => must(200, await who.ask("GET", `/pairs/${id}`)).body as unknown as PairView,
    ({ measuredAt }) => measuredAt !== null,
    1200,
  );
}

let bits = 0;
/** The same guide with a bit of one weight turned: what changes its weights is inspected. */
async function uploadGuide(who: HubMember, repo: string): Promise<string> {
  const file = retouched((await starterFiles("guide-tiny"))["guide.safetensors"] as Buffer);
  file.writeFloatLE((bits += 1) * 1e-6, file.length - 4);
  return who.verified(repo, "guide.safetensors", file);
}

async function commitGuide(who: HubMember, repo: string): Promise<void> {
  const upload = await uploadGuide(who, repo);
  must(201, await who.commit(repo, [{ op: "add", path: "guide.safetensors", upload }]));
}

async function commitOf(who: HubMember, repo: string): Promise<void> {
  await commitGuide(who, repo);
  await eventually(
    "an inspection",
    () => who.ask("GET", `/repos/${repo}/inspection`),
    ({ status, body }) => status === 200 && body.state === "succeeded",
    300,
  );
}

/** Asks for three at once; how long the third is told to take, and the share of it that it took. */
async function estimateOf(who: HubMember): Promise<{ readonly seconds: number; readonly share: number }> {
  const asked = [];
  for (let i = 0; i < 3; i++) asked.push(must(202, await preview(who, 20)).body as unknown as PreviewView);
  const last = asked.at(-1)!;
  const began = performance.now();
  for (const { id } of asked) await ended<PreviewView>(who, `/previews/${id}`);
  const seconds = last.estimate?.seconds ?? NaN;
  return { seconds, share: (performance.now() - began) / 1000 / seconds };
}

interface Flood {
  taken(): number;
  refused(): number;
  stop(): Promise<void>;
}

async function floodOf({ eve }: GateStage): Promise<Flood> {
  const repo = await eve.newRepo("flooding", { kind: "guide", base: "guidepost/storybook" });
  const over = new AbortController();
  let [taken, refused] = [0, 0];
  const again = async (work: () => Promise<{ readonly status: number } | null>): Promise<void> => {
    while (!over.signal.aborted) {
      const answer = await work().catch(() => null);
      if (answer === null || answer.status >= 400) refused++;
      else taken++;
      if (answer === null || answer.status >= 400) await sleep(200);
    }
  };
  const working = [
    again(() => check(eve)),
    again(() => preview(eve, 60)),
    again(async () => {
      await commitGuide(eve, repo);
      return { status: 201 };
    }),
  ];
  await eventually(
    "the flood",
    async () => taken,
    (count) => count >= 3,
  );
  return {
    taken: () => taken,
    refused: () => refused,
    stop: async () => {
      over.abort();
      await Promise.all(working);
    },
  };
}
