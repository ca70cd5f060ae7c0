import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { goldenFolder, type Maker, nameOf } from "./makers.ts";

/** What a record vouches for: a maker and the files that it wrote, as they are committed. */
export interface Hashes {
  /** Of the maker and what all makers share. */
  readonly maker: string;
  readonly outputs: string;
}

const shared = ["common.py", "ldm.py"];

export async function hashesOf(maker: Maker): Promise<Hashes> {
  const outputs = await outputsOf(maker, join(goldenFolder, maker.topic));
  return {
    maker: await sha256(goldenFolder, [...shared, nameOf(maker)]),
    outputs: await sha256(join(goldenFolder, maker.topic), outputs),
  };
}

/** Every file that a maker writes, by its path within the folder of its topic, sorted. */
export async function outputsOf({ script, leaves }: Maker, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("__pycache__"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const others = new Set([script, "README.md", ...leaves]);
  return files.filter((file) => !others.has(file) && !/^make\w*\.py$/.test(file)).toSorted();
}

/** Of files by name and bytes. */
async function sha256(folder: string, files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    const bytes = await readFile(join(folder, file));
    hash.update(`${file.replaceAll("\\", "/")} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}
