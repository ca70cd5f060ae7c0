import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTempDatabase, type TempDatabase } from "./temp-database.ts";

export interface TempHub {
  readonly database: TempDatabase;
  /** The data folder: blobs of the disk store, caches. */
  readonly folder: string;
  /** The variables that a process of this hub is started with. */
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * A hub's surroundings for one suite: a migrated database of its own and an empty data folder, set as the environment of this
 * process. Call it before anything asks for `env()`: at the top of the suite.
 */
export async function useTempHub(more: Readonly<Record<string, string>> = {}): Promise<TempHub> {
  const database = await createTempDatabase();
  const folder = await mkdtemp(join(tmpdir(), "guidepost-hub-"));
  const variables = {
    DATABASE_URL: database.url,
    GUIDEPOST_DATA: folder,
    GUIDEPOST_SECRET: "only-for-tests-0123456789abcdef0123",
    GUIDEPOST_URL: "http://localhost:3000",
    LOG_LEVEL: "error",
    ...more,
  };
  Object.assign(process.env, variables);
  return {
    database,
    folder,
    variables,
    close: async () => {
      const { closeQueue } = await import("#lib/queue/boss.ts");
      await closeQueue();
      const { database: open } = await import("#lib/db/client.ts");
      await open().$disconnect();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
