import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";
import { ownVariables } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { endTurn, takeTurn } from "#workers/files/turn.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const stampFile = join(root, ".next/guidepost-stamp");
/** Two hubs that start at once from one checkout: Next refuses the second build, so it waits for the first. */
const turn = join(root, "node_modules/.guidepost-build");
const sources = [
  "app/**/*.{ts,tsx,css}",
  "lib/**/*.{ts,tsx}",
  "prisma/**/*.prisma",
  "public/**/*",
  "instrumentation.ts",
  "next.config.js",
  "postcss.config.mjs",
  "tsconfig.json",
  "package-lock.json",
];

/** Builds the web pages when a source has changed since they were built. `say` is told before, for it takes a while. Returns whether it built. */
export async function buildPages(say: (message: string) => void): Promise<boolean> {
  const stamp = await stampOf(globSync(sources, { cwd: root, exclude: (name) => name === "generated" }));
  const isBuilt = async (): Promise<boolean> => stamp === (await readFile(stampFile, "utf8").catch(() => null));
  if (await isBuilt()) return false;
  say("Building the pages (once, about a minute)…");
  if ((await takeTurn(turn, isBuilt)) === null) return false;
  try {
    await build(stamp);
  } finally {
    await endTurn(turn);
  }
  return true;
}

async function build(stamp: string): Promise<void> {
  const next = join(root, "node_modules/next/dist/bin/next");
  const child = spawn(process.execPath, [next, "build"], {
    cwd: root,
    env: { ...ownVariables(), NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => (said = (said + bytes.toString()).slice(-20_000)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0)
    throw new AppError("internal", `The pages could not be built; this is what the builder said:\n${said.trim()}`, {
      code,
    });
  await compress(join(root, ".next/static"));
  await writeFile(stampFile, stamp); // last: a build that was cut off is done again
}

/** Beside each script and style sheet, itself as brotli makes it smallest: once, in two seconds, for all who will ever load it. */
async function compress(folder: string): Promise<void> {
  const brotli = promisify(brotliCompress);
  for (const name of globSync("**/*.{js,css}", { cwd: folder }))
    await writeFile(join(folder, `${name}.br`), await brotli(await readFile(join(folder, name))));
}

async function stampOf(names: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const name of names.toSorted()) {
    const content = await readFile(join(root, name)).catch(() => null); // a folder
    if (content) hash.update(name).update("\0").update(content);
  }
  return hash.digest("hex");
}
