import { fork } from "node:child_process";
import { once } from "node:events";
import pg from "pg";
import { hub } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { createOrganisation } from "#lib/catalog/namespaces/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { AppError } from "#lib/errors.ts";
import { manyRepos } from "../tests/support/many-repos.ts";
import { weightsOf } from "../tests/support/upload-client.ts";
import { askLoad } from "./ask-load.ts";
import { type BenchHub, startBenchHub } from "./bench-hub.ts";
import { takeTurns } from "./interleave.ts";
import type { LoadResult } from "./load-child.ts";
import { progress } from "./progress.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { table } from "./table.ts";

export interface RequestsRow {
  readonly what: string;
  readonly perSecond: Spread;
  /** Of the framework's own, in the same round. */
  readonly share: Spread;
  /** Milliseconds. */
  readonly p50: Spread;
  readonly p99: Spread;
  readonly requests: number;
}

export interface RequestsResult {
  readonly rounds: number;
  readonly seconds: number;
  readonly repos: number;
  readonly rows: readonly RequestsRow[];
}

export interface RequestsOptions {
  readonly repos: number;
  /** Of each turn. */
  readonly seconds: number;
}

const CONNECTIONS = 50;
const CARDS = 50; // repos with a card and weights, asked for in turn
const OWNER = "bench";
const names = Array.from({ length: CARDS }, (_, n) => `guide-${n}`);

/** What is asked, as whoever is not signed in, and the status of every answer. The framework's own is a route that asks nothing. */
const subjects = {
  "node:http": { paths: ["/"], status: 200 },
  "Next, a route that asks nothing": { paths: ["/healthz"], status: 200 },
  "list of repos": { paths: ["/api/v1/repos"], status: 200 },
  "page of a repo": { paths: names.map((name) => `/api/v1/repos/${OWNER}/${name}`), status: 200 },
  "resolve, small file": { paths: names.map((name) => `/${OWNER}/${name}/resolve/main/README.md`), status: 200 },
  "resolve, to the store": {
    paths: names.map((name) => `/${OWNER}/${name}/resolve/main/guide.safetensors`),
    status: 302,
  },
} as const;
type Subject = keyof typeof subjects;

const CEILING: Subject = "Next, a route that asks nothing";

/** The web process of a hub with many repos, asked by 50 connections of another process; no worker runs beside it. */
export async function benchRequests(rounds: number, { repos, seconds }: RequestsOptions): Promise<RequestsResult> {
  const served = await startBenchHub("web");
  const load = fork(new URL("load-child.ts", import.meta.url));
  const plain = fork(new URL("plain-server.ts", import.meta.url));
  try {
    const [port] = (await once(plain, "message")) as [number];
    progress("filling the hub");
    await fill(served, repos);
    const ask = (what: Subject) => async (): Promise<LoadResult> => {
      const { paths, status } = subjects[what];
      const result = await askLoad(load, {
        url: what === "node:http" ? `http://127.0.0.1:${port}` : served.url,
        paths,
        connections: CONNECTIONS,
        seconds,
      });
      const others = Object.entries(result.statuses).filter(([each]) => each !== String(status));
      if (others.length > 0)
        throw new AppError(
          "internal",
          `${what}: answers other than ${status} came (${others.map(([each, count]) => `${count} of ${each}`).join(", ")}); nothing was measured.`,
        );
      return result;
    };
    const all = Object.keys(subjects) as Subject[];
    const results = await takeTurns(
      Object.fromEntries(all.map((what) => [what, ask(what)])) as Record<Subject, () => Promise<LoadResult>>,
      rounds,
    );
    return { rounds, seconds, repos, rows: all.map((what) => toRow(what, results[what], results[CEILING])) };
  } finally {
    load.disconnect();
    plain.disconnect();
    await served.close();
  }
}

async function fill({ databaseUrl }: BenchHub, repos: number): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(manyRepos(repos));
  await createOrganisation(hub, { name: OWNER, displayName: "Bench" });
  for (const [n, name] of names.entries()) {
    await createRepo(hub, { owner: OWNER, name, kind: "guide", visibility: "public", base: "org0/base-0" });
    const card = `---\nlicense: apache-2.0\ntags: [guide]\n---\n\n# Guide ${n}\n\n${"What it was trained on, and how to use it. ".repeat(60)}`;
    const operations = [
      { op: "add", path: "README.md", content: card, encoding: "utf-8" },
      { op: "add", path: "guide.safetensors", content: weightsOf(1000, n).toString("base64"), encoding: "base64" },
    ] as const;
    await createCommit(hub, { owner: OWNER, repo: name }, { title: "First", operations: [...operations] });
  }
  await client.query(
    "UPDATE repo SET updated_at = '2020-01-01' WHERE namespace_id = (SELECT id FROM namespace WHERE name = $1)",
    [OWNER],
  ); // the list begins with the others
  await client.query("VACUUM ANALYZE");
  await client.end();
}

function toRow(what: Subject, results: readonly LoadResult[], ceiling: readonly LoadResult[]): RequestsRow {
  return {
    what,
    perSecond: spreadOf(results.map(({ perSecond }) => perSecond)),
    share: spreadOf(results.map(({ perSecond }, round) => perSecond / ceiling[round]!.perSecond)),
    p50: spreadOf(results.map(({ p50 }) => p50)),
    p99: spreadOf(results.map(({ p99 }) => p99)),
    requests: results.reduce((sum, { statuses }) => sum + Object.values(statuses).reduce((a, b) => a + b, 0), 0),
  };
}

export function showRequests({ rounds, seconds, repos, rows }: RequestsResult): string {
  const cells = rows.map(({ what, perSecond, share, p50, p99, requests }) => [
    what,
    spread(perSecond),
    spread(share, 2),
    spread(p50),
    spread(p99),
    String(requests),
  ]);
  return `${table([["", "requests/s", "of Next's own", "p50 ms", "p99 ms", "answers"], ...cells])}

${CONNECTIONS} connections, ${repos} repos; median (range) of ${rounds} rounds of ${seconds} s each. Every answer had the status it should have.`;
}
