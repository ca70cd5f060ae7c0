import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownVariables } from "#lib/env.ts";
import type { AppError } from "#lib/errors.ts";
import { database } from "#lib/db/client.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { buildPages } from "#workers/setup/build.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { startPostgres } from "#workers/setup/postgres.ts";
import { type Service, startService } from "#workers/setup/service.ts";
import { freePort } from "../tests/support/free-port.ts";
import { migrationsFolder } from "../tests/support/temp-database.ts";
import { progress } from "./progress.ts";

export const outFolder = fileURLToPath(new URL("out", import.meta.url));

/** A hub of its own that is empty: the processes of `npm start`, without the starter collection and its measuring. */
export interface BenchHub {
  readonly url: string;
  readonly folder: string;
  readonly databaseUrl: string;
  readonly webPid: number;
  /** One of its processes, before the rest. */
  stop(name: "web" | "worker"): Promise<void>;
  close(): Promise<void>;
}

const scripts = { web: "../workers/setup/web.ts", worker: "../workers/hub/main.ts" } as const;

/** Its variables become those of this process, so that the services of the catalog work on it; one hub a process. */
export async function startBenchHub(...names: readonly (keyof typeof scripts)[]): Promise<BenchHub> {
  await mkdir(outFolder, { recursive: true });
  const folder = await mkdtemp(join(outFolder, "hub-"));
  await mkdir(join(folder, "log"));
  const port = await freePort();
  const postgres = await startPostgres({ folder: join(folder, "postgres") });
  const services: Service[] = [];
  const close = async (): Promise<void> => {
    progress("");
    for (const service of services.toReversed()) await service.stop(15_000);
    await closeQueue();
    await database().$disconnect();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const fail = (failure: AppError): void => {
    throw failure;
  };
  try {
    const own = {
      DATABASE_URL: postgres.url,
      GUIDEPOST_DATA: folder,
      GUIDEPOST_SECRET: "only-for-benches-0123456789abcdef",
      GUIDEPOST_URL: `http://127.0.0.1:${port}`,
      PORT: String(port),
    };
    Object.assign(process.env, own, { LOG_LEVEL: "error" });
    await applyMigrations(postgres.url, migrationsFolder);
    await buildPages(progress);
    const variables = (): NodeJS.ProcessEnv => ({
      ...ownVariables(),
      NODE_ENV: "production",
      NEXT_TELEMETRY_DISABLED: "1",
      LOG_LEVEL: "info",
    });
    for (const name of names)
      services.push(
        await startService({
          name,
          script: new URL(scripts[name], import.meta.url),
          variables,
          log: join(folder, `log/${name}.log`),
          say: progress,
          onGivenUp: fail,
        }),
      );
    return {
      url: own.GUIDEPOST_URL,
      folder,
      databaseUrl: postgres.url,
      webPid: services[names.indexOf("web")]!.pid!,
      stop: (name) => services[names.indexOf(name)]!.stop(15_000),
      close,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}
