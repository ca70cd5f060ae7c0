import { statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import pg from "pg";
import { PROCESS_BYTES } from "#lib/diffusion/needs.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { type Env, env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import type { Probe } from "#lib/onnx/provider.ts";
import { S3Store } from "#lib/storage/s3.ts";
import { machineMemory, usualMemoryBudget } from "#lib/util/machine-memory.ts";
import { InferenceProcess } from "#workers/inference/client.ts";
import type { ProbeJob, ResultOf } from "#workers/inference/messages.ts";
import { say } from "./say.ts";

/** Something that was looked at. */
interface Finding {
  readonly what: string;
  readonly found: string;
  /** What is wrong and what to do; null where nothing is. */
  readonly problem: string | null;
}

export async function runDoctor({ json }: { readonly json: boolean }): Promise<void> {
  const settings = env();
  const probed = await probeInChild();
  const findings = [
    aboutNode(),
    ...aboutProviders(probed, settings),
    aboutThreads(settings),
    aboutMemory(settings),
    await aboutDisk(settings),
    await aboutDatabase(settings),
    await aboutStore(settings),
  ];
  const ok = findings.every(({ problem }) => problem === null);
  const probes = probed instanceof Error ? [] : probed.probes;
  say(json, { ok, findings, probes }, () => lines(findings, ok));
  if (!ok) process.exitCode = 2;
}

function lines(findings: readonly Finding[], ok: boolean): string[] {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const rows = findings.flatMap(({ what, found, problem }) => [
    `${what.padEnd(width)}  ${found}`,
    ...(problem === null ? [] : [`${"".padEnd(width)}  ! ${problem}`]),
  ]);
  return [...rows, ok ? "Everything that was looked at works." : "What is marked with ! needs mending."];
}

const aboutNode = (): Finding => ({
  what: "Node",
  found: `${process.version} on ${process.platform}-${process.arch}`,
  problem: null,
});

/** In a process of its own, for a broken driver may take it along. */
async function probeInChild(): Promise<ResultOf<ProbeJob> | AppError> {
  const child = new InferenceProcess();
  try {
    return await child.run<ProbeJob>({ type: "probe" }, { deadline: PROBE_MS });
  } catch (failure) {
    return failure as AppError;
  } finally {
    child.close();
  }
}

const PROBE_MS = 120_000;

function aboutProviders(probed: ResultOf<ProbeJob> | AppError, { provider: choice }: Env): Finding[] {
  if (probed instanceof Error) {
    const problem = `Looking for providers ended the process that did it: ${probed.message}`;
    return [{ what: "runtime", found: "onnxruntime-node", problem }];
  }
  const { version, probes } = probed;
  const works = (name: string): boolean => probes.some(({ provider, problem }) => provider === name && !problem);
  const used = choice === "auto" ? ["cuda", "webgpu", "cpu"].find(works) : works(choice) ? choice : undefined;
  const missing = `GUIDEPOST_PROVIDER=${choice} cannot be had here; see docs/running.md, or set it to auto or cpu.`;
  return [
    { what: "runtime", found: `onnxruntime-node ${version}`, problem: null },
    ...probes.map((probe) => ({ what: probe.provider, found: describe(probe), problem: null })),
    {
      what: "networks",
      found: `GUIDEPOST_PROVIDER=${choice}: ${used ? `they run on ${used}` : "they do not run"}`,
      problem: used ? null : missing,
    },
  ];
}

function describe({ provider, bundled, difference, problem }: Probe): string {
  if (provider === "cpu") return problem ?? "works";
  const brought = bundled ? "bundled" : "libraries of its own";
  if (problem !== null) return `not usable (${brought}): ${problem}`;
  return `works (${brought}); its first convolution differs from the processor's by ${difference!.toPrecision(2)}`;
}

const aboutThreads = ({ threads }: Env): Finding => ({
  what: "threads",
  found: `${threads} of ${availableParallelism()} processors for each process that runs networks`,
  problem: null,
});

function aboutMemory({ memory, workerBytes }: Env): Finding {
  const [machine, budget] = [machineMemory(), memory ?? usualMemoryBudget()];
  const said = memory === null ? "" : " (GUIDEPOST_MEMORY)";
  const kept = `${showBytes(workerBytes)} of models kept open by a worker`;
  return {
    what: "memory",
    found: `${showBytes(machine)}; ${showBytes(budget)}${said} for all that runs networks at a time; ${kept}`,
    problem:
      budget > machine
        ? "GUIDEPOST_MEMORY is more than the machine has, so a model may take all of it; lower it."
        : budget < 2 * PROCESS_BYTES
          ? "No model fits into that; raise GUIDEPOST_MEMORY, or use a machine with more."
          : null,
  };
}

/** Below this, a first start has no room for the database and the starter collection. */
const LEAST_DISK = 1e9;

async function aboutDisk({ dataFolder }: Env): Promise<Finding> {
  const room = await roomFor(dataFolder);
  const found = `${dataFolder}: ${room === null ? "not readable" : `${showBytes(room)} free`}`;
  if (room === null) return { what: "data", found, problem: "Point GUIDEPOST_DATA at a folder that can be reached." };
  const problem = room < LEAST_DISK ? "Free at least 1 GB, or point GUIDEPOST_DATA at another disk." : null;
  return { what: "data", found, problem };
}

/** Free bytes on the disk that holds a folder, or will hold it. */
async function roomFor(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return code === "ENOENT" && dirname(folder) !== folder ? roomFor(dirname(folder)) : null;
  }
}

const CONNECT_MS = 5000;

async function aboutDatabase({ databaseUrl }: Env): Promise<Finding> {
  const what = "database";
  if (databaseUrl === null) return { what, found: "the embedded PostgreSQL, started by npm start", problem: null };
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_MS });
  const { host, port } = client;
  client.on("error", () => {}); // said by the query that it fails
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
    const version = rows[0]!.server_version;
    const old = Number.parseInt(version, 10) < 15;
    const problem = old ? "Guidepost needs PostgreSQL 15 or later." : null;
    return { what, found: `PostgreSQL ${version} at ${host}:${port}`, problem };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problem = `It does not answer as DATABASE_URL says (${message || code}); see whether it runs, and whether the address and the password are right.`;
    return { what, found: `PostgreSQL at ${host}:${port}`, problem };
  } finally {
    await client.end().catch(() => {});
  }
}

async function aboutStore({ s3, dataFolder }: Env): Promise<Finding> {
  const what = "store";
  if (s3 === null) return { what, found: `the data folder, ${dataFolder}`, problem: null };
  const found = `${s3.bucket} at ${s3.endpoint}`;
  try {
    await new S3Store(s3).check();
    return { what, found: `${found}: can be written`, problem: null };
  } catch (cause) {
    return { what, found, problem: cause instanceof AppError ? cause.toOperator : (cause as Error).message };
  }
}
