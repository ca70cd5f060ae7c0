import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { keepCounts } from "#lib/catalog/repos/keep-counts.ts";
import { database } from "#lib/db/client.ts";
import { closeQueue, openQueue } from "#lib/queue/boss.ts";
import { quantile } from "#lib/util/quantile.ts";
import { withDatabase } from "#lib/db/database-url.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { startPostgres } from "#workers/setup/postgres.ts";
import { catalogQuestions, lookAround } from "../tests/support/catalog-questions.ts";
import { fullCatalog } from "../tests/support/full-catalog.ts";
import { recordQueries } from "../tests/support/recorded-queries.ts";
import { migrationsFolder } from "../tests/support/temp-database.ts";
import { growthSvg } from "./growth-svg.ts";
import { progress } from "./progress.ts";
import { table } from "./table.ts";

export interface CatalogResult {
  readonly rounds: number;
  readonly fills: readonly { readonly repos: number; readonly seconds: number }[];
  /** By question, in milliseconds at the database: one for each size. */
  readonly rows: readonly {
    readonly what: string;
    readonly statements: number;
    readonly p50: readonly number[];
    readonly p99: readonly number[];
  }[];
  readonly drawing: string;
}

export interface CatalogOptions {
  /** Of the largest; the others have a tenth and a hundredth of it. */
  readonly repos: number;
}

/**
 * What the database takes for everything that is asked of a catalog, in catalogs of a thousand to a hundred thousand repos: the
 * statements of our own services, from sending each to its answer. No web process takes part.
 */
export async function benchCatalog(rounds: number, { repos }: CatalogOptions): Promise<CatalogResult> {
  const sizes = [repos / 100, repos / 10, repos];
  const folder = await mkdtemp(join(tmpdir(), "guidepost-bench-"));
  const postgres = await startPostgres({ folder: join(folder, "postgres") });
  const own = { GUIDEPOST_DATA: folder, GUIDEPOST_SECRET: "only-for-benches-0123456789abcdef", LOG_LEVEL: "error" };
  const server = new pg.Client(postgres.url);
  await server.connect();
  try {
    const fills: CatalogResult["fills"][number][] = [];
    const took = new Map<string, { statements: number; times: number[][] }>();
    // The service keeps one database for its life, so the catalogs take turns under one name.
    Object.assign(process.env, own, { DATABASE_URL: withDatabase(postgres.url, "catalog") });
    for (const size of sizes) {
      await server.query("DROP DATABASE IF EXISTS catalog WITH (FORCE)");
      await server.query("CREATE DATABASE catalog");
      progress(`filling ${size} repos`);
      fills.push({ repos: size, seconds: await fill(withDatabase(postgres.url, "catalog"), size) });
      progress(`counting ${size} repos`);
      await keepCounts();
      for (const [what, ask] of Object.entries(catalogQuestions(await lookAround()))) {
        progress(`${size} repos: ${what}`);
        const times: number[] = [];
        let statements = 0;
        for (let round = -1; round < rounds; round++) {
          const { queries } = await recordQueries(ask);
          statements = queries.length;
          if (round >= 0) times.push(queries.reduce((sum, { took: each }) => sum + each, 0));
        }
        const all = took.get(what) ?? { statements, times: [] };
        all.times.push(times.toSorted((a, b) => a - b));
        took.set(what, { ...all, statements });
      }
      await closeQueue();
      await database().$disconnect();
    }
    const rows = [...took].map(([what, { statements, times }]) => ({
      what,
      statements,
      p50: times.map((sorted) => quantile(sorted, 0.5)),
      p99: times.map((sorted) => quantile(sorted, 0.99)),
    }));
    const drawing = join(import.meta.dirname, "out/catalog.svg");
    await mkdir(dirname(drawing), { recursive: true });
    await writeFile(drawing, growthSvg(sizes, rows));
    return { rounds, fills, rows, drawing };
  } finally {
    progress("");
    await closeQueue();
    await database().$disconnect();
    await server.end();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(url: string, repos: number): Promise<number> {
  const began = performance.now();
  await applyMigrations(url, migrationsFolder);
  await openQueue("send", url);
  const client = new pg.Client(url);
  await client.connect();
  for (const statement of fullCatalog(repos)) await client.query(statement);
  await client.query("VACUUM ANALYZE");
  await client.end();
  return (performance.now() - began) / 1000;
}

export function showCatalog({ rounds, fills, rows, drawing }: CatalogResult): string {
  const sizes = fills.map(({ repos }) => repos.toLocaleString("en"));
  const cells = rows.map(({ what, statements, p50, p99 }) => [
    what,
    String(statements),
    ...p50.map((value, index) => `${value.toFixed(1)} / ${p99[index]!.toFixed(1)}${p99[index]! > 100 ? " !" : ""}`),
  ]);
  return `${table([["ms at the database, p50 / p99", "statements", ...sizes.map((size) => `${size} repos`)], ...cells])}

${rounds} rounds each, “!” marks a p99 above 100 ms. Filled in ${fills.map(({ seconds }) => `${seconds.toFixed(0)} s`).join(", ")}. Growth: ${drawing}`;
}
