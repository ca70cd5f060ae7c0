#!/usr/bin/env node
// The one door: `npm start`, `npm test`, `npm run …` and the command line come through here. It runs on whatever Node a machine has
// (20.19 or newer) with nothing installed yet, installs what is missing, and hands over to the Node 24 that npm brought.
// What is said on the way goes to stderr: stdout belongs to the program behind the door.

import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const inRoot = (...path) => join(root, ...path);
const onWindows = process.platform === "win32";
const signals = ["SIGTERM", "SIGINT"];
const WAIT_MS = 200;
const MAX_WAIT_MS = 600_000; // ten times a slow installation
const stampPath = inRoot("node_modules/.guidepost");
/** A process, and each that it starts, starts in half the time when Node keeps what it compiled; where it cannot be written, nothing is kept. */
const compileCache = { NODE_COMPILE_CACHE: inRoot("node_modules/.cache/compiled") };
const lockPath = inRoot(".installing.tmp");
const ownPath = inRoot(`.installing.${process.pid}.tmp`);

/** Behind the first word, the program to run and its arguments; any other word is for the command line. */
const targets = {
  start: (args) => service("start", args),
  worker: (args) => service("worker", args),
  web: (args) => service("web", args),
  test: (args) => [
    inRoot("node_modules/vitest/vitest.mjs"),
    "run",
    "--root",
    root,
    "--config",
    inRoot("vitest.config.ts"),
    ...args,
  ],
  bench: (args) => [inRoot("bench/main.ts"), ...args],
  run: (args) => (args.length > 0 ? args : stop("Which file? Write: guidepost run FILE [arguments].", 2)),
};
/** A process of a hub takes no arguments; the command line has help, and a word for any other. */
const service = (name, args) =>
  args.length > 0 ? [inRoot("workers/cli/main.ts"), name, ...args] : [inRoot(`workers/setup/${name}.ts`)];
const [word = "", ...rest] = process.argv.slice(2);
const program = Object.hasOwn(targets, word)
  ? targets[word](rest)
  : [inRoot("workers/cli/main.ts"), ...process.argv.slice(2)];

if (!isInstalled()) await install();
const node = findNode();
if (node === null)
  stop(
    `Guidepost needs Node 24 and npm has none for ${process.platform}-${process.arch}; install it from https://nodejs.org and run this again.`,
  );
process.exitCode = await run(node, program, { stdio: "inherit", env: { ...compileCache, ...process.env } }).catch(
  (error) => {
    stop(`${node} does not start here (${error.code}); Guidepost needs a Node 24 that does.`);
  },
);

/** npm ends by writing a lock file of its own; our stamp says which package-lock.json that answered. */
function isInstalled() {
  const npmLock = inRoot("node_modules/.package-lock.json");
  if (!existsSync(npmLock)) return false;
  if (existsSync(stampPath)) return readFileSync(stampPath, "utf8") === lockHash();
  // Somebody ran npm by hand: believe it, unless it brought no Node or package-lock.json has changed since.
  return findNode() !== null && statSync(npmLock).mtimeMs >= statSync(inRoot("package-lock.json")).mtimeMs;
}

async function install() {
  await takeLock();
  if (!isInstalled()) {
    // npm would empty the folder behind the link, which belongs to somebody else.
    if (lstatSync(inRoot("node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) {
      releaseLock();
      stop(
        `${inRoot("node_modules")} is a link to dependencies that do not answer package-lock.json; remove it and run this again.`,
      );
    }
    say("Installing dependencies (once, about a minute)…");
    const stamp = lockHash();
    // Below the level error npm warns of each package that wants a newer Node than this one.
    const npmCi = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    const shareLock = (npm) => moved(join(lockPath, String(process.pid)), join(lockPath, `${process.pid}-${npm.pid}`));
    const code = await run("npm", npmCi, { stdio: ["ignore", 2, 2], cwd: root, shell: onWindows }, shareLock).catch(
      () => null,
    );
    if (code !== 0) {
      releaseLock();
      stop(
        `npm ${code === null ? "was not found" : `ci failed (exit code ${code}) and its last lines are above`}; mend that and run this again.`,
      );
    }
    writeFileSync(stampPath, stamp);
  }
  releaseLock();
}

function lockHash() {
  return hash("sha256", readFileSync(inRoot("package-lock.json")));
}

// Two starts at once must not both install. The lock is a folder with one entry, named by the process id of its holder and
// then of its npm, which may outlive it. The folder arrives whole by one rename, and passes from the dead to the next by
// another, so that of many exactly one gets it.

async function takeLock() {
  for (let waited = 0; !tryLock(); waited += WAIT_MS) {
    if (waited === 0) say("Another start is installing the dependencies; waiting for it…");
    if (waited > MAX_WAIT_MS)
      stop(
        `Process ${holder()} has been installing for ten minutes; end it or remove ${lockPath}, and run this again.`,
      );
    await sleep(WAIT_MS);
  }
}

function tryLock() {
  try {
    mkdirSync(join(ownPath, String(process.pid)), { recursive: true });
  } catch (error) {
    stop(
      `The dependencies are missing and ${root} cannot be written (${error.code}); run this once as a user who may.`,
    );
  }
  if (moved(ownPath, lockPath)) return true;
  rmSync(ownPath, { recursive: true });
  const other = holder();
  return (
    other !== undefined &&
    !other.split("-").some(isAlive) &&
    moved(join(lockPath, other), join(lockPath, String(process.pid)))
  );
}

function releaseLock() {
  if (moved(lockPath, ownPath)) rmSync(ownPath, { recursive: true });
}

function holder() {
  try {
    return readdirSync(lockPath)[0];
  } catch {
    return undefined; // released a moment ago
  }
}

function moved(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function isAlive(pid) {
  if (pid === String(process.pid)) return false; // left by an earlier process of the same number
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

function findNode() {
  const bundled = inRoot(
    "node_modules",
    `node-${onWindows ? "win" : process.platform}-${process.arch}`,
    "bin",
    onWindows ? "node.exe" : "node",
  );
  if (existsSync(bundled)) return bundled;
  return Number.parseInt(process.versions.node, 10) >= 24 ? process.execPath : null;
}

/** Runs a program to its end, passing our signals on. Its exit code, or 128 + n when signal n ended it. */
function run(command, args, options, onStart = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    // A terminal sends its interrupt to both of us, and some programs take a second one for «at once».
    const sentTwice = [0, 1, 2].some((fd) => isatty(fd)) ? "SIGINT" : null;
    const forward = (signal) => signal !== sentTwice && child.kill(signal);
    for (const signal of signals) process.on(signal, forward);
    child.once("spawn", () => onStart(child));
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const each of signals) process.off(each, forward);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

function say(message) {
  process.stderr.write(`${message}\n`);
}

function stop(message, code = 1) {
  say(message);
  process.exit(code);
}
