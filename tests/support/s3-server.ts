import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { S3Settings } from "#lib/env.ts";
import { freePort } from "./free-port.ts";

/** Why what needs an S3 server is skipped, or null where one is found. */
export const noS3Server: string | null = findProgram()
  ? null
  : "no S3 server here; get one with “go install github.com/versity/versitygw/cmd/versitygw@v1.8.0”, or set GUIDEPOST_TEST_S3GW to the path of a versitygw";

export interface S3Server {
  readonly settings: S3Settings;
  /** Stops the process as it stands: connections are taken, and nothing answers, until `thaw`. */
  freeze(): Promise<void>;
  thaw(): void;
  stop(): Promise<void>;
}

/** A real S3 server (versitygw) of one suite, with an empty bucket. It goes with this process, also when that is killed. */
export async function startS3Server(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), "guidepost-s3-"));
  const names = ["data", "attributes", "data/guidepost"];
  for (const name of names) await mkdir(join(folder, name));
  const settings: S3Settings = {
    endpoint: `http://127.0.0.1:${await freePort()}`,
    bucket: "guidepost",
    region: "us-east-1",
    accessKeyId: "guidepost",
    secretAccessKey: "only-for-tests",
  };
  const child = startProgram(folder, settings);
  let said = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (text: Buffer) => (said += text.toString()));

  while (!(await answers(settings.endpoint))) {
    if (child.exitCode !== null) throw new Error(`versitygw ended: ${said}`);
    await sleep(20);
  }
  const pid = Number(/^server (\d+)$/m.exec(said)![1]);
  return {
    settings,
    freeze: async () => {
      process.kill(pid, "SIGSTOP");
      while (!isStopped(pid)) await sleep(5);
    },
    thaw: () => void process.kill(pid, "SIGCONT"),
    stop: async () => {
      child.stdin!.end();
      if (child.exitCode === null) await once(child, "close");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Attributes go into a folder of their own, for not every file system has room for them in the files. The shell ends the server when our end of its input closes. */
function startProgram(folder: string, { endpoint, accessKeyId, secretAccessKey, region }: S3Settings): ChildProcess {
  const args = [
    "--port",
    new URL(endpoint).host,
    "--region",
    region,
    "--health",
    "/health",
    "--keep-alive",
    "--quiet",
    "posix",
    "--sidecar",
    join(folder, "attributes"),
    join(folder, "data"),
  ];
  return spawn(
    "sh",
    [
      "-c",
      '"$@" & server=$!; echo "server $server"; cat >/dev/null; kill $server; kill -CONT $server; wait',
      "sh",
      findProgram()!,
      ...args,
    ],
    {
      env: { ...process.env, ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey },
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
}

/** A signal is sent before it is obeyed, and each thread obeys by itself. */
const isStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) =>
    /^State:\tT/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")),
  );

function findProgram(): string | null {
  const { GUIDEPOST_TEST_S3GW: given, PATH = "" } = process.env;
  if (given) return given;
  const inGo = (): string[] => [
    join(spawnSync("go", ["env", "GOPATH"], { encoding: "utf8" }).stdout?.trim() ?? "", "bin"),
  ];
  return (
    [...PATH.split(delimiter), ...inGo()].map((folder) => join(folder, "versitygw")).find((path) => existsSync(path)) ??
    null
  );
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/health`).then(
    (response) => response.ok,
    () => false,
  );
}
