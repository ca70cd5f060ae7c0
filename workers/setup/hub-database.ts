import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { startPostgres } from "./postgres.ts";
import { postmasterFile } from "./postgres-orphan.ts";

export interface HubDatabase {
  readonly url: string;
  /** Stops the server, if it was started for this. */
  close(): Promise<void>;
}

/** The database of the hub whose settings these are, whether the hub runs at the moment or not. @throws internal where there is none */
export async function openHubDatabase(): Promise<HubDatabase> {
  const { databaseUrl, dataFolder } = env();
  if (databaseUrl) return { url: databaseUrl, close: async () => {} };
  const folder = join(dataFolder, "postgres");
  const cluster = join(folder, "cluster");
  if (!existsSync(cluster))
    throw new AppError(
      "bad_request",
      `There is no hub in ${dataFolder}; set GUIDEPOST_DATA to its data folder, or DATABASE_URL to its database.`,
      { dataFolder },
    );
  const running = await runningUrl(cluster);
  if (running) return { url: running, close: async () => {} };
  const { url, stop } = await startPostgres({ folder });
  return { url, close: stop };
}

/** Of the server that works in this cluster and answers; null where none does. */
async function runningUrl(cluster: string): Promise<string | null> {
  const port = postmasterFile(cluster)[3];
  if (!port) return null;
  const password = (await readFile(join(cluster, "password"), "utf8")).trim();
  const url = `postgresql://guidepost:${password}@127.0.0.1:${port}/guidepost`;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {}); // told by connect
  try {
    await client.connect();
    return url;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}
