import { z } from "zod";
import { type FieldReader, toHash } from "./field-reader.ts";
import type { NamedHash } from "./foreign-recipe.ts";

/** The hashes that a line of settings lists. */
export interface HashLists {
  readonly model: string | null;
  readonly vae: string | null;
  readonly loras: readonly NamedHash[];
  /** Of learned words. */
  readonly embeddings: readonly NamedHash[];
}

/**
 * From all three places: `Lora hashes: "a: 0123…"`, `TI hashes: "b: …"`, `Hashes: {"model": "…", "lora:a": "…",
 * "embed:b": "…"}`.
 */
export function hashLists(read: FieldReader): HashLists {
  const json = jsonHashes(read);
  const ofKind = (kind: string): NamedHash[] =>
    [...json].flatMap(([key, hash]) =>
      key.toLowerCase().startsWith(`${kind}:`) ? [{ name: key.slice(kind.length + 1), hash: toHash(hash) }] : [],
    );
  return {
    model: toHash(json.get("model") ?? ""),
    vae: toHash(json.get("vae") ?? ""),
    loras: byName([...listed(read.text("lora hashes")), ...ofKind("lora")]),
    embeddings: byName([...listed(read.text("ti hashes")), ...ofKind("embed")]),
  };
}

const hashesJson = z.record(z.string(), z.string());

function jsonHashes(read: FieldReader): ReadonlyMap<string, string> {
  const text = read.text("hashes");
  if (text === null) return new Map();
  try {
    return new Map(Object.entries(hashesJson.parse(JSON.parse(text))));
  } catch {
    read.unreadable.push("Its Hashes {…} could not be read.");
    return new Map();
  }
}

/** “name: hash, name: hash”; in such a list a name holds neither sign. */
const listed = (list: string | null): NamedHash[] =>
  (list ?? "").split(",").flatMap((one) => {
    const [name = "", hash = ""] = one.split(":").map((part) => part.trim());
    return name === "" ? [] : [{ name, hash: toHash(hash) }];
  });

/** One of each name, with a hash where any of them has one. */
function byName(all: readonly NamedHash[]): NamedHash[] {
  const known = new Map<string, NamedHash>();
  for (const one of all) {
    const key = nameKey(one.name ?? "");
    const { hash } = known.get(key) ?? { hash: null };
    known.set(key, { name: one.name, hash: hash ?? one.hash });
  }
  return [...known.values()];
}

/** What names have in common that mean one file: in a list of hashes they lose the signs that divide it. */
export const nameKey = (name: string): string => name.replaceAll(/[:,]/g, "").toLowerCase();
