import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { openFile } from "#lib/weights/byte-source.ts";
import { isFloat, readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { outputsOf } from "./hashes.ts";
import type { Maker } from "./makers.ts";
import { relative } from "./relative.ts";

/** How far what a maker writes now is from what is committed. */
export interface Comparison {
  readonly files: number;
  /** ‖new − committed‖ / ‖committed‖ of the tensor, or list of numbers, that moved most. */
  readonly largest: number;
  readonly where: string | null;
  /** Files that differ in more than numbers: others are there, names, texts, shapes. Versions and headers may differ. */
  readonly different: readonly string[];
}

export async function compareOutputs(maker: Maker, committed: string, made: string): Promise<Comparison> {
  const [before, after] = [await outputsOf(maker, committed), await outputsOf(maker, made)];
  const different = [
    ...before.filter((file) => !after.includes(file)).map((file) => `${file} is not written any more`),
    ...after.filter((file) => !before.includes(file)).map((file) => `${file} is new`),
  ];
  let [largest, where]: [number, string | null] = [0, null];
  for (const file of before.filter((one) => existsSync(join(made, one)))) {
    const found = await compareFile(join(committed, file), join(made, file));
    if (found.different) different.push(`${file}: ${found.different}`);
    if (found.largest > largest) [largest, where] = [found.largest, `${file}: ${found.where}`];
  }
  return { files: before.length, largest, where, different };
}

interface FileComparison {
  readonly largest: number;
  readonly where: string;
  readonly different: string | null;
}

async function compareFile(committed: string, made: string): Promise<FileComparison> {
  if (committed.endsWith(".safetensors")) return compareTensors(committed, made);
  const [before, after] = await Promise.all([committed, made].map(readText));
  if (before === after) return { largest: 0, where: "", different: null };
  if (/\.json(\.gz)?$/.test(committed)) return compareJson(JSON.parse(before!), JSON.parse(after!));
  return { largest: 0, where: "", different: "its text differs" };
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

async function compareTensors(committed: string, made: string): Promise<FileComparison> {
  const sources = [await openFile(committed), await openFile(made)] as const;
  try {
    const [before, after] = await Promise.all(sources.map(readHeader));
    let [largest, where] = [0, ""];
    for (const [name, entry] of before!.tensors) {
      const other = after!.tensors.get(name);
      if (!other || other.dtype !== entry.dtype || other.shape.join() !== entry.shape.join())
        return { largest, where, different: `the tensor ${name} is missing or of another shape or type` };
      if (!isFloat(entry.dtype)) {
        const [one, two] = await Promise.all([
          sources[0].read(entry.begin, entry.end),
          sources[1].read(other.begin, other.end),
        ]);
        if (!Buffer.from(one!).equals(two!)) return { largest, where, different: `the tensor ${name} differs` };
        continue;
      }
      const [one, two] = await Promise.all([readTensor(sources[0], entry), readTensor(sources[1], other)]);
      const apart = relative(one.data, two.data);
      if (apart > largest) [largest, where] = [apart, name];
    }
    const more = [...after!.tensors.keys()].find((name) => !before!.tensors.has(name));
    return { largest, where, different: more ? `the tensor ${more} is new` : null };
  } finally {
    for (const source of sources) await source.close();
  }
}

/** Keys that say with what a file was made, and not what it holds; torchvision decides which feature extractor it was. */
const notes = new Set(["versions", "torch", "python", "sensitivity", "feature_extractor"]);
/** A set, in Python's order of the day. */
const unordered = /(?:^|\.)target_modules$/;

/** Numbers of one list are taken together, as a tensor is. */
function compareJson(committed: unknown, made: unknown): FileComparison {
  let [largest, where]: [number, string] = [0, ""];
  let different: string | null = null;
  const note = (apart: number, path: string): void => {
    if (apart > largest) [largest, where] = [apart, path];
  };
  const walk = (one: unknown, two: unknown, path: string): void => {
    if (typeof one === "number" && typeof two === "number") return note(relative([one], [two]), path);
    if (Array.isArray(one) && Array.isArray(two) && one.length === two.length) {
      if ([...one, ...two].every((item) => typeof item === "number")) return note(relative(one, two), path);
      if (!unordered.test(path)) return one.forEach((item, i) => walk(item, two[i], `${path}[${i}]`));
    }
    if (unordered.test(path) && isSameSet(one, two)) return;
    if (isObject(one) && isObject(two)) {
      for (const key of new Set([...Object.keys(one), ...Object.keys(two)]))
        if (!notes.has(key)) walk(one[key], two[key], path ? `${path}.${key}` : key);
      return;
    }
    if (one !== two) different ??= `${path} is ${short(two)} and was ${short(one)}`;
  };
  walk(committed, made, "");
  return { largest, where, different };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSameSet = (one: unknown, two: unknown): boolean =>
  Array.isArray(one) && Array.isArray(two) && one.toSorted().join("\n") === two.toSorted().join("\n");

const short = (value: unknown): string => (JSON.stringify(value) ?? "missing").slice(0, 60);
