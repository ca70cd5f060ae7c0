import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "#lib/errors.ts";

export interface ServiceOptions {
  /** For people: “web”. */
  readonly name: string;
  readonly script: URL;
  /** The variables of the process. Asked at each start, for the database may have moved. */
  readonly variables: () => NodeJS.ProcessEnv;
  /** Of Node, for it alone. */
  readonly flags?: readonly string[];
  /** Its log; the one before is kept beside it. */
  readonly log: string;
  readonly say: (message: string) => void;
  /** Called when it cannot be kept running. */
  readonly onGivenUp: (failure: AppError) => void;
}

/** A process that is started again when it ends by itself. */
export interface Service {
  readonly pid: number | undefined;
  /** Asks it to leave, and makes it after `patience` milliseconds. */
  stop(patience: number): Promise<void>;
}

const READY_MS = 60_000;
const PAUSE_MS = 1000;
/** More ends than this within a minute are not bad luck. */
const MAX_ENDS = 5;
const MAX_LOG_BYTES = 50e6;

/** Starts a process and waits until it says over its channel that it is ready. It leaves by itself when ours is gone. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { name, log, say, onGivenUp } = options;
  const ends: number[] = [];
  let stopping = false;
  let child = launch(options);
  await ready(child, options);

  const watch = async (): Promise<void> => {
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    if (stopping) return;
    ends.push(Date.now());
    if (ends.filter((at) => at > Date.now() - 60_000).length > MAX_ENDS) {
      onGivenUp(
        new AppError(
          "internal",
          `The ${name} process ends again and again (${signal ?? `exit code ${code}`}); the end of ${log} says why.`,
          { log },
        ),
      );
      return;
    }
    say(`The ${name} process ended (${signal ?? `exit code ${code}`}); starting it again.`);
    await sleep(PAUSE_MS);
    if (stopping) return;
    child = launch(options);
    void watch();
  };
  void watch();

  return {
    get pid() {
      return child.pid;
    },
    async stop(patience) {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), patience);
      await ended;
      clearTimeout(late);
    },
  };
}

function launch({ script, variables, flags = [], log }: ServiceOptions): ChildProcess {
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) renameSync(log, `${log}.old`);
  const output = openSync(log, "a", 0o600);
  // Detached: a terminal sends its Ctrl-C to the whole group, and the order in which they stop is ours to say.
  const child = fork(script, [], {
    execArgv: [...process.execArgv, ...flags],
    env: variables(),
    detached: true,
    stdio: ["ignore", output, output, "ipc"],
  });
  closeSync(output);
  return child;
}

async function ready(child: ChildProcess, { name, log }: ServiceOptions): Promise<void> {
  const patience = AbortSignal.timeout(READY_MS);
  const said = new Promise<"ready">((resolve) =>
    child.on("message", (message: { type?: string }) => message.type === "ready" && resolve("ready")),
  );
  const outcome = await Promise.race([
    said,
    once(child, "exit").then(() => "ended" as const),
    once(patience, "abort").then(() => "late" as const),
  ]);
  if (outcome === "ready") return;
  child.kill("SIGKILL");
  throw new AppError(
    "internal",
    `The ${name} process ${outcome === "late" ? `was not ready after ${READY_MS / 1000} s` : "ended while it started"}; the end of ${log} says why.`,
    { log },
  );
}
