import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { toVariables } from "#lib/env.ts";

/**
 * The Hub's own client in Python, unmodified from its registry: the newest of each line that people have. Each has a file beside this
 * one that pins it and all that it needs.
 */
export const huggingfaceHubVersions = ["1.33.0", "2.4.0"] as const;
export type HuggingfaceHubVersion = (typeof huggingfaceHubVersions)[number];

/** Why what needs Python is skipped, or null where it is there. */
export const noPython: string | null =
  spawnSync("python3", ["-c", "import venv, ensurepip"]).status === 0
    ? null
    : "no Python with venv here; get one with “apt-get install python3-venv”";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PythonClient {
  /** Runs a script. @throws where it fails, with what it said */
  python(script: string, variables: Variables): Promise<string>;
  /** Runs the command `hf`. */
  hf(args: readonly string[], variables: Variables): Promise<Ran>;
}

export type Variables = Readonly<Record<string, string>>;

const run = promisify(execFile);
const cache = join(import.meta.dirname, "../../node_modules/.cache/clients");

/** Installs the client where this checkout has not yet; of several suites that do so at once one's is kept. */
export async function pythonClient(version: HuggingfaceHubVersion): Promise<PythonClient> {
  const folder = join(cache, `huggingface_hub-${version}`);
  if (!existsSync(join(folder, "installed"))) await install(version, folder);
  const python = join(folder, "bin/python");
  return {
    python: async (script, variables) => {
      const ran = await finished(python, ["-c", script], variables);
      if (ran.code !== 0) throw new Error(`${script}\n\nended with ${ran.code}:\n${ran.stderr}`);
      return ran.stdout;
    },
    hf: (args, variables) => finished(python, ["-m", "huggingface_hub.cli.hf", ...args], variables),
  };
}

async function install(version: string, folder: string): Promise<void> {
  const own = `${folder}.${process.pid}.tmp`;
  await mkdir(cache, { recursive: true });
  await run("python3", ["-m", "venv", own]);
  const pinned = join(import.meta.dirname, `huggingface_hub-${version}.txt`);
  await run(join(own, "bin/python"), ["-m", "pip", "install", "--quiet", "--no-deps", "-r", pinned]);
  await writeFile(join(own, "installed"), "");
  // A venv is found by where its python lies, so a folder that is called otherwise works as well.
  await rename(own, folder).catch(() => rm(own, { recursive: true, force: true }));
}

/** Of the machine's own settings a client gets none but what it needs to run. */
async function finished(program: string, args: readonly string[], variables: Variables): Promise<Ran> {
  const path = process.env["PATH"] ?? "";
  const env = toVariables({ PATH: path, HF_HUB_DISABLE_TELEMETRY: "1", NO_COLOR: "1", ...variables });
  return run(program, args, { env, maxBuffer: 64 * 2 ** 20 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (cause: { code: number; stdout: string; stderr: string }) => ({
      code: cause.code,
      stdout: cause.stdout,
      stderr: cause.stderr,
    }),
  );
}
