import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readPngText } from "#lib/picture/png.ts";
import { freePort } from "../support/free-port.ts";
import { measureOnly } from "../support/held-checks.ts";
import {
  launchHub,
  newFolder,
  type ProcessName,
  removeFolder,
  type RunningHub,
  startHub,
} from "../support/running-hub.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 400_000 }); // the first start builds the pages

const root = join(import.meta.dirname, "../..");
const starter = join(root, "starter");
const folder = await newFolder();
const port = await freePort();
let hub: RunningHub;

beforeAll(async () => {
  hub = await startHub({ folder, port });
  await measureOnly(folder, []); // each start would measure on, beside all that starts
});

afterAll(async () => {
  if (hub.child.exitCode === null && hub.child.signalCode === null) await hub.stop();
  await removeFolder(folder);
});

const isAlive = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]![0] !== "Z";
  } catch {
    return false;
  }
};

async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 240): Promise<void> {
  for (const began = Date.now(); !(await holds()); await sleep(100))
    if (Date.now() - began > seconds * 1000)
      throw new Error(`${what} took more than ${seconds} s; it said:\n${hub.said()}`);
}

const isReady = async (): Promise<boolean> => {
  const answer = await fetch(`${hub.url}/readyz`).catch(() => null);
  const found = answer && ((await answer.json()) as { ready: boolean; worker: { ok: boolean } });
  return found !== null && found.ready && found.worker.ok;
};

describe("a first start", () => {
  test("prints one address, and the link with which the owner signs up", async () => {
    expect(hub.said().match(/Ready at (\S+)/g)).toHaveLength(1);
    const link = /^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())?.[1];
    const page = await (await fetch(link!)).text();
    expect(page).toContain('name="password"');
    expect(page).toContain('name="username"');
  });

  test("is ready: database, storage and a worker", async () => {
    expect(await (await fetch(`${hub.url}/readyz`)).json()).toEqual({
      ready: true,
      database: { ok: true, problem: null },
      storage: { ok: true, problem: null },
      worker: { ok: true, problem: null },
    });
    expect(await (await fetch(`${hub.url}/healthz`)).json()).toMatchObject({ alive: true });
  });

  test("has the starter collection, byte for byte", async () => {
    const { items } = (await (await fetch(`${hub.url}/api/v1/repos?sort=name`)).json()) as {
      items: { owner: string; name: string }[];
    };
    expect(items.map(({ owner, name }) => `${owner}/${name}`)).toEqual(
      ["clay", "evaluator", "guide-distilled", "guide-tiny", "neon", "pencil", "pixel", "storybook", "watercolor"].map(
        (name) => `guidepost/${name}`,
      ),
    );
    const file = readFileSync(join(starter, "guide-tiny/guide.safetensors"));
    const answer = await fetch(`${hub.url}/guidepost/guide-tiny/resolve/main/guide.safetensors`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.equals(file)).toBe(true);
    // Next drops the length of what a route answers; our server puts it back.
    expect(answer.headers.get("content-length")).toBe(String(file.length));
    const head = await fetch(`${hub.url}/guidepost/guide-tiny/resolve/main/guide.safetensors`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), head.headers.get("x-content-sha256")]).toEqual([
      200,
      String(file.length),
      createHash("sha256").update(file).digest("hex"),
    ]);
  });

  const tools = ["bash", "curl", "jq"].filter((program) => spawnSync(program, ["--version"]).status !== 0);
  test.skipIf(tools.length > 0)(
    `does what docs/api.md says${tools.length > 0 ? ` (skipped: no ${tools.join(", ")} here)` : ""}`,
    async () => {
      const invitation = /invitation=(\S+)/.exec(hub.said())![1];
      const account = { username: "ann", email: "ann@example.org", password: "correct horse battery", invitation };
      expect(
        (
          await fetch(`${hub.url}/api/v1/accounts`, {
            method: "POST",
            headers: { "content-type": "application/json", origin: hub.url },
            body: JSON.stringify(account),
          })
        ).status,
      ).toBe(201);
      const blocks = [...readFileSync(join(root, "docs/api.md"), "utf8").matchAll(/^```sh\n(.*?)^```/gms)].map(
        ([, block]) => block,
      );
      const script = ["set -e", `ln -s ${starter} starter`, ...blocks]
        .join("\n")
        .replaceAll("http://localhost:3000", hub.url);
      const work = await newFolder();
      const run = spawn("bash", ["-c", script], { cwd: work, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      for (const stream of [run.stdout, run.stderr]) stream.on("data", (bytes: Buffer) => (said += bytes.toString()));
      expect([await once(run, "close"), said]).toEqual([[0, null], expect.stringContaining('"detectedBase"')]);
      expect(said).toContain('event: end\ndata: {"state":"succeeded"');
      const pictures = ["conditional", "guide", "cfg"].map((mode) =>
        readPngText(readFileSync(join(work, `${mode}.png`))).get("guidepost"),
      );
      expect(pictures.map((recipe) => JSON.parse(recipe!) as unknown)).toMatchObject([
        { mode: "conditional", passes: 20 },
        { mode: "guide", passes: 20 },
        { mode: "cfg", passes: 40 },
      ]);
      expect(
        readFileSync(join(work, "guide.safetensors")).equals(
          readFileSync(join(starter, "guide-tiny/guide.safetensors")),
        ),
      ).toBe(true);
      await removeFolder(work);
    },
  );

  test("shows a page that works without scripts", async () => {
    const page = await (await fetch(hub.url)).text();
    expect(page).toContain("guidepost/watercolor");
  });
});

describe("a process that is killed", () => {
  test.each(["worker", "web", "postgres"] as const)("%s is started again", async (name) => {
    const before = hub.processes().get(name)!;
    process.kill(before, "SIGKILL");
    await until(`a new ${name}`, () => (hub.processes().get(name) ?? before) !== before && !isAlive(before));
    await until("ready", isReady);
  });

  test.each(["start", "web", "worker", "postgres"] as const)(
    "all but %s too, and the next start just works",
    async (name) => {
      const all = hub.processes();
      expect([...all.keys()].toSorted()).toEqual(["postgres", "start", "web", "worker"]);
      const killed: ProcessName[] = name === "start" ? ["start"] : ["start", name];
      for (const each of killed) process.kill(all.get(each)!, "SIGKILL");
      await until(
        "the others' leaving",
        () => !["start", "web", "worker"].some((each) => isAlive(all.get(each as ProcessName)!)),
      );
      hub = await startHub({ folder, port });
      expect(hub.said()).not.toContain("Loading the starter collection");
      expect(await isReady()).toBe(true);
    },
  );
});

test("Ctrl-C stops everything, and says so", async () => {
  const all = hub.processes();
  expect(await hub.stop()).toBe(0);
  expect(hub.said()).toContain("Stopping…");
  for (const [name, pid] of all) expect([name, isAlive(pid)]).toEqual([name, false]);
  expect(hub.said()).not.toMatch(/ended \(|again/);
});

describe("a start that cannot be is told in one sentence that says what to do:", () => {
  async function refused(variables: Readonly<Record<string, string>>, at = port, data = folder): Promise<string> {
    const { child, said } = launchHub({ folder: data, port: at, variables });
    const [code] = (await once(child, "exit")) as [number];
    expect(code).not.toBe(0);
    const lines = said().trim().split("\n");
    expect(lines.filter((line) => !/^Guidepost \d/.test(line))).toHaveLength(1);
    return lines.at(-1)!;
  }

  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const taken = (other.address() as { port: number }).port;
    expect(await refused({}, taken)).toBe(
      `Port ${taken} is taken, perhaps by a Guidepost that already runs; stop that program, or choose another port: PORT=${taken + 1} npm start.`,
    );
    other.close();
  });

  test("a data folder that is a file", async () => {
    writeFileSync(join(folder, "file"), "");
    expect(await refused({}, port, join(folder, "file"))).toMatch(
      /cannot be written \(E\w+\); give this user the right to, or point GUIDEPOST_DATA at another folder\.$/,
    );
  });

  test("a database that does not answer", async () => {
    expect(await refused({ DATABASE_URL: `postgresql://guidepost:x@127.0.0.1:${await freePort()}/guidepost` })).toMatch(
      /^The database cannot be reached \(.*ECONNREFUSED.*\); check DATABASE_URL\.$/,
    );
  });

  test("a store that does not answer", async () => {
    const s3 = {
      S3_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      S3_BUCKET: "guides",
      S3_REGION: "us-east-1",
      S3_ACCESS_KEY_ID: "id",
      S3_SECRET_ACCESS_KEY: "secret",
    };
    expect(await refused(s3)).toMatch(/S3_ENDPOINT/);
  });

  test("a variable that makes no sense", async () => {
    expect(await refused({ GUIDEPOST_WORKER_BYTES: "lots" })).toMatch(
      /^GUIDEPOST_WORKER_BYTES must be a size of at least 100 MB/,
    );
  });
});
