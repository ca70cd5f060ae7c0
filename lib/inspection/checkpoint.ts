import type { FoundFamily } from "#lib/families/found-family.ts";
import { within } from "#lib/families/names-within.ts";
import { recogniseSingleFile, singleFileParts, type SingleFile } from "#lib/families/single-file.ts";
import { type Part, partOf, type Tensors } from "./facts.ts";
import { familyOf } from "./family.ts";

/** What a single-file checkpoint is, and the networks that it holds, counted one by one. */
export interface Checkpoint {
  readonly parts: readonly Part[];
  readonly family: FoundFamily | null;
  readonly file: SingleFile;
}

/** Null for a file without a denoiser. */
export function inspectCheckpoint(tensors: Tensors): Checkpoint | null {
  const file = recogniseSingleFile(tensors);
  if (file === null) return null;
  const left = new Map(tensors);
  const parts = singleFileParts.flatMap(({ name, prefix }): Part[] => {
    const own = within(tensors, prefix);
    for (const rest of own.keys()) left.delete(prefix + rest);
    if (own.size === 0) return [];
    return [partOf(name, own, { family: (name === "denoiser" ? file.found : familyOf(innerOf(own)))?.name ?? null })];
  });
  return { parts: left.size === 0 ? parts : [...parts, partOf("other", left)], family: file.found, file };
}

/** Text encoders lie one level further down, beside a scale or a projection that belongs to them. */
function innerOf(tensors: Tensors): Tensors {
  for (const wrapping of ["transformer.", "model."]) {
    const inner = within(tensors, wrapping);
    if (2 * inner.size > tensors.size) return inner;
  }
  return tensors;
}
