import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Env, env, ownVariables } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { S3Store } from "#lib/storage/s3.ts";
import { isAway } from "#lib/storage/s3-failure.ts";
import { printable } from "#lib/util/printable.ts";
import { version } from "#lib/version.ts";
import { buildPages } from "./build.ts";
import { keepSecret, prepareDataFolder } from "./data-folder.ts";
import { generateClient } from "./generate-client.ts";
import { continueOutbox } from "./continue-outbox.ts";
import { applyMigrations } from "./migrate.ts";
import { requireFreePort } from "./port.ts";
import { type RunningPostgres, startPostgres } from "./postgres.ts";
import { type Service, startService } from "./service.ts";

/**
 * `npm start`: a whole hub on this machine.
 *
 *   data folder → PostgreSQL → migrations → store → pages → worker → web → what an empty hub needs
 *
 * Everything after the first two is stopped in the opposite order. Each step may have been cut off the last time.
 */
const say = (message: string): void => void process.stdout.write(`${message}\n`);

/**
 * V8 lets garbage grow to three times of what is in use before it looks: on a machine of many gigabytes long addresses, sent without end,
 * made the process half a gigabyte larger. What a request leaves behind is only seen in such a look, however short it lived.
 */
const WEB_FLAGS = ["--heap-growing-percent=40"];

const settings = readSettings();
let postgres: RunningPostgres | null = null;
let { databaseUrl } = settings;
const services: Service[] = [];
let loading: ChildProcess | null = null;
let stopping = false;

async function start(): Promise<void> {
  const began = performance.now();
  say(`Guidepost ${version}`);
  await prepareDataFolder(settings.dataFolder);
  await requireFreePort(settings.port, settings.host);
  const secret = settings.secret ?? (await keepSecret(settings.dataFolder));
  databaseUrl ??= await startDatabase();
  await applyMigrations(
    settings.databaseDirectUrl ?? databaseUrl,
    fileURLToPath(new URL("../../prisma/migrations", import.meta.url)),
  );
  await continueOutbox(settings.databaseDirectUrl ?? databaseUrl);
  const variables = (): NodeJS.ProcessEnv => ({
    ...ownVariables(),
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    DATABASE_URL: databaseUrl!,
    GUIDEPOST_SECRET: secret,
    GUIDEPOST_DATA: settings.dataFolder,
  });
  if (settings.s3) await new S3Store(settings.s3).check().catch(refused);
  generateClient();
  await buildPages(say);
  for (const [name, script, flags] of [
    ["worker", "../hub/main.ts", []],
    ["web", "./web.ts", WEB_FLAGS],
  ] as const) {
    if (stopping) return;
    services.push(
      await startService({
        name,
        script: new URL(script, import.meta.url),
        variables,
        flags,
        log: join(settings.dataFolder, `log/${name}.log`),
        say,
        onGivenUp: (failure) => void stop(failure),
      }),
    );
  }
  await firstStart(variables());
  if (stopping) return;
  say(
    `Ready at ${settings.publicUrl} (${((performance.now() - began) / 1000).toFixed(1)} s). Logs are in ${relative(".", join(settings.dataFolder, "log")) || "."}; Ctrl-C stops everything.`,
  );
}

function readSettings(): Env {
  try {
    return env();
  } catch (cause) {
    process.stderr.write(`${sentenceOf(cause)}\n`);
    process.exit(exitCodeOf(cause));
  }
}

/** What is told to a visitor who can only wait is not enough for who set it up. */
function refused(cause: unknown): never {
  if (!isAway(cause)) throw cause;
  throw new AppError(
    "storage_unavailable",
    `The store at ${settings.s3!.endpoint} does not answer; see whether it runs, and whether S3_ENDPOINT is right.`,
    {},
    cause,
  );
}

async function startDatabase(): Promise<string> {
  postgres = await startPostgres({ folder: join(settings.dataFolder, "postgres") });
  void postgres.ended.then(restartDatabase);
  return postgres.url;
}

/** Killed, or out of memory: it comes back on the same port, and everybody connects anew. */
async function restartDatabase(): Promise<void> {
  if (stopping) return;
  say("PostgreSQL ended; starting it again.");
  try {
    databaseUrl = await startDatabase();
  } catch (cause) {
    await stop(cause);
  }
}

/** What a hub without people or repos needs. A process of its own, for it works as the hub does, with the same settings. */
async function firstStart(variables: NodeJS.ProcessEnv): Promise<void> {
  loading = fork(new URL("./first-start.ts", import.meta.url), [], {
    env: variables,
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  loading.on("message", ({ text }: { text: string }) => say(text));
  const [code] = (await once(loading, "exit")) as [number | null];
  if (code !== 0 && !stopping) say("The starter collection could not be loaded whole; the next start goes on with it.");
}

async function stop(cause?: unknown): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (cause) process.stderr.write(`${sentenceOf(cause)}\n`);
  else say("Stopping…");
  loading?.kill("SIGKILL");
  for (const service of services.toReversed()) await service.stop(15_000);
  await postgres?.stop();
  process.exit(cause ? exitCodeOf(cause) : 0);
}

function sentenceOf(cause: unknown): string {
  return cause instanceof AppError
    ? printable(cause.toOperator)
    : `Something went wrong on our side: ${(cause as Error).stack ?? String(cause)}`;
}

function exitCodeOf(cause: unknown): number {
  return cause instanceof AppError && cause.code === "bad_request" ? 2 : 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop());
try {
  await start();
} catch (cause) {
  await stop(cause);
}
