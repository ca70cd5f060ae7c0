import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "#lib/errors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const generated = join(root, "lib/db/generated");

/** Generates the Prisma client into lib/db/generated when the schema or Prisma has changed since. Returns whether it did. */
export function generateClient(): boolean {
  const cli = join(root, "node_modules/prisma");
  const stamp = createHash("sha256");
  for (const file of [
    join(cli, "package.json"),
    ...globSync("prisma/**/*.prisma", { cwd: root })
      .toSorted()
      .map((name) => join(root, name)),
  ])
    stamp.update(readFileSync(file));
  const wanted = stamp.digest("hex");
  if (readStamp() === wanted) return false;
  const run = spawnSync(process.execPath, [join(cli, "build/index.js"), "generate"], { cwd: root, encoding: "utf8" });
  if (run.status !== 0)
    throw new AppError(
      "internal",
      `Prisma could not generate its client; “npx prisma generate” shows why.`,
      { said: run.stderr || run.stdout },
      run.error,
    );
  writeFileSync(join(generated, ".gitignore"), "*\n");
  writeFileSync(join(generated, "stamp"), wanted); // last: a generation that was cut off is done again
  return true;
}

function readStamp(): string | null {
  try {
    return readFileSync(join(generated, "stamp"), "utf8");
  } catch {
    return null;
  }
}

if (import.meta.main) generateClient();
