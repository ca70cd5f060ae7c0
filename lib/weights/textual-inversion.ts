import { basename } from "node:path";
import { AppError } from "#lib/errors.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { openFile } from "./byte-source.ts";
import { isFloat, readTensor } from "./read-tensor.ts";
import { readHeader, type TensorEntry } from "./safetensors.ts";
import type { WeightsFile } from "./weight-map.ts";

/**
 * A word that a text encoder learned from pictures: vectors in place of token embeddings (Gal et al. 2022, arXiv
 * 2208.01618).
 */
export interface LearnedWord {
  /** How prompts may name it: the word in the file, such as `<a-new-word>`, or the file's own name. */
  readonly token: string;
  /** How many tokens it takes; the same for every text encoder. */
  readonly count: number;
  readonly vectors: readonly LearnedVectors[];
}

export interface LearnedVectors {
  /** By its place in the model; null where the file has one set, for whichever text encoder is as wide. */
  readonly encoder: "first" | "second" | null;
  /** [count, width], in float32 */
  readonly values: FloatTensor;
}

export interface LearnedWords {
  readonly file: WeightsFile;
  readonly words: readonly LearnedWord[];
}

/** A prompt has 75 tokens between its begin and its end. */
const MAX_VECTORS = 75;
const MAX_WORDS = 64;
const MAX_WIDTH = 4096;

/** Where a word's vectors lie, before any is read. */
interface Place {
  readonly token: string;
  readonly parts: readonly { readonly encoder: LearnedVectors["encoder"]; readonly entry: TensorEntry }[];
}

/**
 * Reads a textual inversion. A1111 names the vectors `emb_params`, and those of SDXL's two text encoders `clip_l` and
 * `clip_g`; diffusers names them by the new word, of which a file may hold several.
 *
 * @throws AppError for a file that holds something else, and for vectors that no prompt has room for
 */
export async function readLearnedWords(path: string): Promise<LearnedWords> {
  const source = await openFile(path);
  try {
    const { name } = source;
    const file: WeightsFile = { name, path: source.path, header: await readHeader(source) };
    const words: LearnedWord[] = [];
    for (const { token, parts } of placesOf(file)) {
      const counts = parts.map(({ entry }) => requireVectors(name, entry));
      if (new Set(counts).size > 1)
        throw new AppError(
          "malformed_weights",
          `${name} has ${counts.join(" and ")} vectors for the text encoders of one model; get the file again.`,
          { counts },
        );
      const vectors: LearnedVectors[] = [];
      for (const { encoder, entry } of parts) {
        const { data } = await readTensor(source, entry);
        if (!data.every(Number.isFinite))
          throw new AppError(
            "not_finite",
            `${name}: the tensor "${entry.name}" holds NaN or infinity; get the file again, or ask who made it.`,
            { tensor: entry.name },
          );
        vectors.push({ encoder, values: tensor(data, [counts[0]!, entry.shape.at(-1)!]) });
      }
      words.push({ token, count: counts[0]!, vectors });
    }
    return { file, words };
  } finally {
    await source.close();
  }
}

function placesOf({ name, header: { tensors } }: WeightsFile): Place[] {
  const stem = basename(name).replace(/\.safetensors$/i, "");
  const [first, second] = [tensors.get("clip_l"), tensors.get("clip_g")];
  if (first || second) {
    const parts = [
      ...(first ? [{ encoder: "first" as const, entry: first }] : []),
      ...(second ? [{ encoder: "second" as const, entry: second }] : []),
    ];
    return [{ token: stem, parts }];
  }
  const vectors = tensors.get("emb_params");
  if (vectors) return [{ token: stem, parts: [{ encoder: null, entry: vectors }] }];
  const all = [...tensors.values()];
  const areWords = all.every((entry) => /^<[^<>]+>$/.test(entry.name));
  if (all.length === 0 || all.length > MAX_WORDS || !(areWords || all.length === 1))
    throw new AppError(
      "unsupported_model",
      `${name} holds no learned words (textual inversion) in a form that is known here; give a file of A1111's or diffusers'.`,
    );
  return all.map((entry) => ({
    token: areWords ? entry.name : stem,
    parts: [{ encoder: null, entry }],
  }));
}

/** How many vectors a tensor holds: [width] is one. */
function requireVectors(file: string, { name, shape, dtype }: TensorEntry): number {
  const shown = `${file}: the tensor "${name}" is ${dtype} [${shape.join(", ")}]`;
  const [count, width] = shape.length === 1 ? [1, shape[0]!] : [shape[0] ?? 0, shape[1] ?? 0];
  if (shape.length < 1 || shape.length > 2 || width < 1 || width > MAX_WIDTH || !isFloat(dtype))
    throw new AppError(
      "unsupported_model",
      `${shown}, and learned words are vectors of a text encoder's width; give a textual inversion.`,
      { tensor: name, shape },
    );
  if (count < 1 || count > MAX_VECTORS)
    throw new AppError(
      "unsupported_model",
      `${shown}: ${count} vectors, and a prompt has room for 1 to ${MAX_VECTORS}; train the word with fewer.`,
      { tensor: name, count },
    );
  return count;
}

/** The vectors of a word for a text encoder of some width, by its place; null where it has none for that one. */
export function vectorsFor(
  { vectors }: LearnedWord,
  { encoder, width }: { readonly encoder: "first" | "second"; readonly width: number },
): FloatTensor | null {
  const fits = vectors.filter(({ values }) => values.shape[1] === width);
  return (fits.find((one) => one.encoder === encoder) ?? fits.find((one) => one.encoder === null))?.values ?? null;
}
