import { setTimeout as sleep } from "node:timers/promises";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { starterFiles } from "../support/evidence.ts";
import { eventually, type HubMember, must, retouched } from "../support/hub-member.ts";
import type { Figure, Gate, GateLength, GateStage } from "./gate.ts";

/** Somebody else waits at most so many times as long as alone. Of CI's two processors another test has one, in its own time. */
const TIMES: Readonly<Record<GateLength, number>> = { full: 2, short: 6 };
const PREVIEWS: Readonly<Record<GateLength, number>> = { full: 6, short: 2 };
const CHECKS: Readonly<Record<GateLength, number>> = { full: 2, short: 0 };
const COMMITS: Readonly<Record<GateLength, number>> = { full: 4, short: 1 };

/** One worker with one place for networks, and one person who asks for all that they may: what others wait, beside what they wait alone. */
export const fairness: Gate = {
  about: "previews, measurements and commits to inspect by one person, as many as they may, one worker with one place",
  variables: { GUIDEPOST_STARTER: "load", GUIDEPOST_PLACES: "1", GUIDEPOST_THREADS: "1" },
  run: async (stage, length) => {
    const { ben } = stage;
    const repo = await ben.newRepo("fair", { kind: "guide", base: "guidepost/storybook" });
    const waits = async (): Promise<Waits> => ({
      preview: await each(PREVIEWS[length], () => previewOf(ben)),
      check: await each(CHECKS[length], () => checkOf(ben)),
      inspection: await each(COMMITS[length], () => commitOf(ben, repo)),
    });
    await eventually(
      "the starter collection",
      () => preview(ben, 1),
      ({ status }) => status === 202,
      300,
    );
    await previewOf(ben); // networks are in the disk's cache from here on
    const alone = await waits();
    const flood = await floodOf(stage);
    try {
      const told = length === "full" ? await estimateOf(ben) : null;
      const beside = await waits();
      return [
        { what: "jobs that the flood was given", value: flood.taken(), unit: "", atLeast: 3 },
        { what: "jobs that it was refused", value: flood.refused(), unit: "" },
        ...(["preview", "check", "inspection"] as const).flatMap((kind) =>
          compared(kind, alone, beside, TIMES[length]),
        ),
        ...(told === null
          ? []
          : [
              { what: "a third preview is there, told in", value: told.seconds, unit: "s" },
              { what: "of that it took", value: told.share, unit: "times", atLeast: 0.5, atMost: 2 },
            ]),
      ];
    } finally {
      await flood.stop();
    }
  },
};

/** In seconds, from the request to what was asked for. */
type Waits = Readonly<Record<"preview" | "check" | "inspection", readonly number[]>>;

function compared(kind: keyof Waits, alone: Waits, beside: Waits, atMost: number): Figure[] {
  if (alone[kind].length === 0) return [];
  const [before, now] = [middle(alone[kind]), middle(beside[kind])];
  return [
    { what: `${kind}, alone`, value: before, unit: "s" },
    { what: `${kind}, beside the flood`, value: now, unit: "s" },
    { what: `${kind}, the longest wait beside it`, value: Math.max(...beside[kind]), unit: "s" },
    { what: `${kind}, times as long`, value: now / before, unit: "", atMost },
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
async function commitGuide(who: HubMember, repo: string): Promise<string> {
  const file = retouched((await starterFiles("guide-tiny"))["guide.safetensors"] as Buffer);
  file.writeFloatLE((bits += 1) * 1e-6, file.length - 4);
  const upload = await who.verified(repo, "guide.safetensors", file);
  return must(201, await who.commit(repo, [{ op: "add", path: "guide.safetensors", upload }])).body.commit as string;
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
