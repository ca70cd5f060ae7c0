import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// guidepost.js in a folder of its own, started by the Node a machine has, with a script in npm's place that brings this Node.

const plainNode = findPlainNode();
const putInPlace = "rm -rf node_modules && cp -RP to-install half-way && mv half-way node_modules"; // whole at once: npm's own lock file comes last
let root = "";

beforeEach((context) => {
  context.skip(plainNode === null, "needs a Node of 20.19 or newer on PATH, outside node_modules");
  root = mkdtempSync(join(tmpdir(), "entry-"));
  cpSync(join(import.meta.dirname, "../../guidepost.js"), join(root, "guidepost.js"));
  write("package.json", '{ "type": "module" }');
  write("package-lock.json", "{}");
  write(
    "program.ts",
    "const args: string[] = process.argv.slice(2);\nconsole.log(process.version, ...args);\nprocess.exitCode = Number(args[0]);\n",
  );
  write("to-install/.package-lock.json", "{}");
  const bin = join(root, "to-install", `node-${process.platform}-${process.arch}`, "bin");
  mkdirSync(bin, { recursive: true });
  symlinkSync(process.execPath, join(bin, "node"));
  npmDoes(`${putInPlace} && echo added`);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("with everything installed", () => {
  beforeEach(() =>
    cpSync(join(root, "to-install"), join(root, "node_modules"), { recursive: true, verbatimSymlinks: true }),
  );

  test("a TypeScript file runs on Node 24 or newer, with its arguments and its exit code", async () => {
    const { code, stdout, stderr } = await enter(["run", "program.ts", "7", "--json", "two words"]);
    expect({ code, stdout, stderr }).toEqual({
      code: 7,
      stdout: `${process.version} 7 --json two words\n`,
      stderr: "",
    });
    expect(Number.parseInt(process.versions.node, 10)).toBeGreaterThanOrEqual(24);
  });

  test("any other word goes to the command line with all that follows", async () => {
    write("workers/cli/main.ts", readFileSync(join(root, "program.ts"), "utf8"));
    expect((await enter(["sample", "--seed", "7"])).stdout).toBe(`${process.version} sample --seed 7\n`);
    expect((await enter([])).stdout).toBe(`${process.version}\n`);
  });

  test.for([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("a program that %s ends gives %i", async ([signal, code]) => {
    write("program.ts", 'console.log("ready");\nsetInterval(() => {}, 1000);\n');
    expect(await enter(["run", "program.ts"], (child) => child.kill(signal))).toMatchObject({ code });
  });

  test("a program that answers a signal keeps its own exit code", async () => {
    write(
      "program.ts",
      'process.on("SIGTERM", () => process.exit(3));\nconsole.log("ready");\nsetInterval(() => {}, 1000);\n',
    );
    expect(await enter(["run", "program.ts"], (child) => child.kill("SIGTERM"))).toMatchObject({ code: 3 });
  });

  test("run without a file says what is missing", async () => {
    expect(await enter(["run"])).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(/^Which file\?.*\n$/) });
  });

  test("npm is called again when package-lock.json is another, and only then", async () => {
    expect(await callsAfterStart()).toBe(0);
    lockFile('{ "newer": true }', 4e9);
    expect(await callsAfterStart()).toBe(1);
    expect(await callsAfterStart()).toBe(1);
    lockFile('{ "of": "an older release" }', 1e9);
    expect(await callsAfterStart()).toBe(2);
  });
});

describe("with nothing installed", () => {
  test("npm ci comes first, and stdout stays the program's", async () => {
    const stderr = "Installing dependencies (once, about a minute)…\nadded\n";
    expect(await enter(["run", "program.ts", "0"])).toEqual({ code: 0, stdout: `${process.version} 0\n`, stderr });
    expect(npmCalls()).toEqual([expect.stringMatching(/^ci .*--ignore-scripts/)]);
    expect(lockFolders()).toEqual([]);
  });

  test.for<[what: string, holder: () => Promise<number | undefined>]>([
    ["no lock", async () => undefined],
    ["the lock of a dead process", deadProcess],
  ])("of many that start at once over %s one installs, and all run", async ([, holder]) => {
    const pid = await holder();
    if (pid !== undefined) mkdirSync(join(root, ".installing.tmp", String(pid)), { recursive: true });
    npmDoes(`sleep 0.5 && ${putInPlace}`);
    for (const ended of await Promise.all(Array.from({ length: 3 }, () => enter(["run", "program.ts", "0"])))) {
      expect(ended).toMatchObject({ code: 0, stdout: `${process.version} 0\n` });
    }
    expect(npmCalls()).toHaveLength(1);
    expect(lockFolders()).toEqual([]);
  });

  test("nothing is installed through a link, which leads to somebody else's folder", async () => {
    write("theirs/precious", "");
    symlinkSync(join(root, "theirs"), join(root, "node_modules"));
    expect(await enter(["run", "program.ts"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^\S+ is a link to dependencies .* run this again\.\n$/),
    });
    expect(readdirSync(join(root, "theirs"))).toEqual(["precious"]);
  });

  test("an npm that outlives its starter is waited for", async () => {
    npmDoes(`until [ -e go ]; do sleep 0.05; done && ${putInPlace}`);
    const [killed, after] = await new Promise<[Promise<Ended>, Promise<Ended>]>((resolve) => {
      const first = enter(["run", "program.ts", "0"], async (child) => {
        const lock = join(root, ".installing.tmp");
        const holder = (): string | undefined => (existsSync(lock) ? readdirSync(lock)[0] : undefined);
        while (!holder()?.includes("-")) await setTimeout(10);
        child.kill("SIGKILL");
        const next = enter(["run", "program.ts", "0"], () => write("go", "")); // it says that it waits
        resolve([first, next]);
      });
    });
    expect((await killed).code).toBe(null);
    expect(await after).toMatchObject({ code: 0, stdout: `${process.version} 0\n` });
    expect(npmCalls()).toHaveLength(1);
    expect(lockFolders()).toEqual([]);
  });

  test("an npm that fails ends in one sentence, and the next start tries again", async () => {
    npmDoes("echo 'npm error network' >&2; exit 3");
    for (const calls of [1, 2]) {
      const stderr = expect.stringMatching(/\nnpm error network\nnpm ci failed \(exit code 3\)[^\n]*\n$/);
      expect(await enter(["run", "program.ts", "0"])).toEqual({ code: 1, stdout: "", stderr });
      expect(npmCalls()).toHaveLength(calls);
      expect(lockFolders()).toEqual([]);
    }
  });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `onFirstWord` is called as soon as anything is printed. */
function enter(args: readonly string[], onFirstWord: (child: ChildProcess) => unknown = () => {}): Promise<Ended> {
  const PATH = [join(root, "bin"), dirname(plainNode!), "/usr/bin", "/bin"].join(delimiter);
  const child = spawn(plainNode!, [join(root, "guidepost.js"), ...args], {
    cwd: root,
    env: { ...process.env, PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ["", ""];
    for (const stream of [child.stdout, child.stderr]) stream.once("data", () => onFirstWord(child));
    child.stdout.on("data", (data) => (stdout += data));
    child.stderr.on("data", (data) => (stderr += data));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { mode });
}

function npmDoes(commands: string): void {
  write("bin/npm", `#!/bin/sh\necho "$@" >> npm-calls\n${commands}\n`, 0o755);
}

function lockFile(text: string, time: number): void {
  write("package-lock.json", text);
  utimesSync(join(root, "package-lock.json"), time, time);
}

async function callsAfterStart(): Promise<number> {
  await enter(["run", "program.ts", "0"]);
  return npmCalls().length;
}

function npmCalls(): string[] {
  const path = join(root, "npm-calls");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}

function lockFolders(): string[] {
  return readdirSync(root).filter((name) => name.startsWith(".installing"));
}

function deadProcess(): Promise<number | undefined> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  return new Promise((resolve) => child.once("exit", () => resolve(child.pid)));
}

/** The Node that a shell here would find: npm puts its own in front. */
function findPlainNode(): string | null {
  const folders = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder && !folder.includes("node_modules"));
  const found = folders.map((folder) => join(folder, "node")).find((path) => existsSync(path));
  if (!found) return null;
  const [major, minor] = execFileSync(found, ["-p", "process.versions.node"], { encoding: "utf8" })
    .split(".")
    .map(Number) as [number, number];
  return major > 20 || (major === 20 && minor >= 19) ? found : null;
}
