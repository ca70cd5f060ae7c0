import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { postmasterFile } from "#workers/setup/postgres-orphan.ts";

/** A connection to the PostgreSQL that a hub with this data folder has started, while `work` runs. */
export async function inEmbeddedDatabase(folder: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const cluster = join(folder, "postgres/cluster");
  const password = (await readFile(join(cluster, "password"), "utf8")).trim();
  const client = new pg.Client(`postgresql://guidepost:${password}@127.0.0.1:${postmasterFile(cluster)[3]}/guidepost`);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
