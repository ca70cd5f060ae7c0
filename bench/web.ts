import { fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Browser } from "playwright-core";
import { anonymous } from "#lib/auth/actor.ts";
import { showcase } from "#lib/catalog/sheets/service.ts";
import { AppError } from "#lib/errors.ts";
import { loadStarter } from "#workers/setup/starter.ts";
import { openBrowser } from "../tests/support/chromium.ts";
import { manyRepos } from "../tests/support/many-repos.ts";
import { askLoad } from "./ask-load.ts";
import { type BenchHub, startBenchHub } from "./bench-hub.ts";
import type { LoadResult } from "./load-child.ts";
import { progress } from "./progress.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { table } from "./table.ts";

export interface WebRow {
  readonly page: string;
  readonly isContent: boolean;
  /** Bytes of bodies, compressed as they came, of a browser that has nothing of it yet. */
  readonly scripts: number;
  readonly all: number;
  readonly requests: number;
  /** To another site. */
  readonly offSite: number;
  /** Cumulative layout shift while it loads and is scrolled through; 0 is none. */
  readonly shift: number;
  /** Milliseconds until the server has sent all of the page, one after the other. */
  readonly p50: Spread;
  readonly p99: Spread;
  readonly answers: number;
}

export interface WebResult {
  readonly rounds: number;
  readonly seconds: number;
  readonly repos: number;
  readonly rows: readonly WebRow[];
}

/** The budget of a content page. */
export const MAX_SCRIPT_BYTES = 120_000;

const FINETUNE = "guidepost/watercolor";
const GUIDE = "guidepost/guide-tiny";

/** Each kind of page, as whoever is not signed in. The studio and the upload are tools, not content. */
const pages = (
  pair: string,
  preview: string,
): readonly (readonly [page: string, path: string, isContent: boolean])[] => [
  ["front", "/", true],
  ["browse", "/browse?kind=finetune", true],
  ["browse, with words", "/browse?q=style+number", true],
  ["namespace", "/guidepost", true],
  ["fine-tune", `/${FINETUNE}`, true],
  ["guide", `/${GUIDE}`, true],
  ["files", `/${FINETUNE}/tree/main`, true],
  ["versions", `/${FINETUNE}/commits/main`, true],
  ["pair", `/pairs/${pair}`, true],
  ["matrix", "/matrix?base=guidepost/storybook", true],
  ["jobs", "/jobs", true],
  ["words", "/words", true],
  ["preview studio", `/preview?finetune=${FINETUNE}&guide=${GUIDE}`, false],
  ["a preview", `/previews/${preview}`, false],
];

/** The pages of a hub with many repos: what a browser loads, and how long the server takes. No worker runs beside it. */
export async function benchWeb(
  rounds: number,
  { repos, seconds }: { readonly repos: number; readonly seconds: number },
): Promise<WebResult> {
  const served = await startBenchHub("worker", "web");
  const load = fork(new URL("load-child.ts", import.meta.url));
  const browser = await openBrowser();
  try {
    const { pair, preview } = await fill(served, repos);
    const rows: WebRow[] = [];
    for (const [page, path, isContent] of pages(pair, preview)) {
      progress(page);
      const loaded = await loadPage(browser, served.url, path);
      const turns: LoadResult[] = [];
      for (let round = 0; round < rounds; round++)
        turns.push(await askLoad(load, { url: served.url, paths: [path], connections: 1, seconds }));
      if (turns.some(({ statuses }) => Object.keys(statuses).join() !== "200"))
        throw new AppError(
          "internal",
          `${path}: answers other than 200 came (${JSON.stringify(turns[0]!.statuses)}); nothing was measured.`,
        );
      rows.push({
        page,
        isContent,
        ...loaded,
        p50: spreadOf(turns.map(({ p50 }) => p50)),
        p99: spreadOf(turns.map(({ p99 }) => p99)),
        answers: turns.reduce((sum, { statuses }) => sum + statuses["200"]!, 0),
      });
    }
    return { rounds, seconds, repos, rows };
  } finally {
    await browser.close();
    load.disconnect();
    await served.close();
  }
}

/** Many repos, and the starter collection with one pair measured and drawn. */
async function fill(served: BenchHub, repos: number): Promise<{ readonly pair: string; readonly preview: string }> {
  progress(`making ${repos} repos`);
  const client = new pg.Client(served.databaseUrl);
  await client.connect();
  try {
    await client.query(manyRepos(repos));
    progress("loading the starter collection");
    await loadStarter();
    progress("waiting for the first pair to be measured and drawn");
    let shown = await showcase(anonymous);
    for (; shown === null; shown = await showcase(anonymous)) await sleep(1000);
    await served.stop("worker");
    await client.query("VACUUM ANALYZE");
    return { pair: shown.pair.id, preview: shown.sheet.rows[0]!.preview };
  } finally {
    await client.end();
  }
}

type Loaded = Pick<WebRow, "scripts" | "all" | "requests" | "offSite" | "shift">;

async function loadPage(browser: Browser, origin: string, path: string): Promise<Loaded> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const counted = { requests: 0, offSite: 0 };
  context.on("request", (request) => {
    const { origin: from, protocol } = new URL(request.url());
    if (protocol === "data:" || protocol === "blob:") return;
    counted.requests++;
    if (from !== origin) counted.offSite++;
  });
  await page.addInitScript(() => {
    const seen = { shift: 0 };
    (globalThis as unknown as { seen: typeof seen }).seen = seen;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
        if (!entry.hadRecentInput) seen.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(origin + path, { waitUntil: "load" });
  for (let step = 0; step < 10; step++) {
    await page.mouse.wheel(0, 900);
    await sleep(100);
  }
  await sleep(1000);
  const loaded = await page.evaluate(() => {
    const entries = performance.getEntries().filter((entry) => entry instanceof PerformanceResourceTiming);
    const sum = (some: readonly PerformanceResourceTiming[]): number =>
      some.reduce((total, { encodedBodySize }) => total + encodedBodySize, 0);
    return {
      scripts: sum(entries.filter(({ name }) => name.endsWith(".js"))),
      all: sum(entries),
      shift: (globalThis as unknown as { seen: { shift: number } }).seen.shift,
    };
  });
  await context.close();
  return { ...counted, ...loaded };
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1);

export function showWeb({ rounds, seconds, repos, rows }: WebResult): string {
  const cells = rows.map(({ page, isContent, scripts, all, requests, offSite, shift, p50, p99, answers }) => [
    page,
    `${kilobytes(scripts)}${isContent && scripts > MAX_SCRIPT_BYTES ? " !" : ""}`,
    kilobytes(all),
    String(requests),
    String(offSite),
    shift.toFixed(3),
    spread(p50),
    spread(p99),
    String(answers),
  ]);
  const over = rows.filter(({ isContent, scripts }) => isContent && scripts > MAX_SCRIPT_BYTES).map(({ page }) => page);
  return `${table([["", "scripts kB", "all kB", "requests", "off-site", "shift", "p50 ms", "p99 ms", "answers"], ...cells])}

${repos} repos beside the starter collection; sizes as they came over the line at a first visit; server time one request after the other, median (range) of ${rounds} rounds of ${seconds} s.
${over.length === 0 ? "Every content page stays" : `${over.join(", ")}: not`} within ${MAX_SCRIPT_BYTES / 1000} kB of scripts.`;
}
