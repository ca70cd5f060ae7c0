import { AppError } from "#lib/errors.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { type LearnedWord, type LearnedWords, readLearnedWords, vectorsFor } from "#lib/weights/textual-inversion.ts";
import type { Model } from "./model.ts";
import type { ClipTokenizer } from "./tokenizer.ts";

export interface EmbeddingChoice {
  readonly path: string;
  /** How prompts name it; left out for the word of the file, or else the file's own name. */
  readonly word?: string;
}

/** A learned word as one text encoder hears it. */
export interface EncoderWord {
  readonly token: string;
  /** [count, width]: in place of as many token embeddings. */
  readonly vectors: FloatTensor;
}

/** A textual inversion as a model uses it. */
export interface Embedding extends LearnedWords {
  /** How prompts name its word, where someone chose another name than the file has. */
  readonly word?: string;
}

/** Reads a textual inversion under the word that was chosen for it. @throws bad_request where it holds several words */
export async function readEmbedding({ path, word }: EmbeddingChoice): Promise<Embedding> {
  const { file, words } = await readLearnedWords(path);
  if (word === undefined) return { file, words };
  if (words.length > 1) {
    const names = words.map(({ token }) => token).join(", ");
    const sentence = `${file.name} holds ${words.length} words (${names.slice(0, 200)}), so they cannot all be called "${word}"`;
    throw new AppError("bad_request", `${sentence}; leave the word out.`, { word });
  }
  return { file, words: words.map((one) => ({ ...one, token: word })), word };
}

/**
 * Refuses a file without vectors for any of the model's text encoders, and a word that two files teach.
 *
 * @throws weights_mismatch, bad_request
 */
export function requireWords(embeddings: readonly LearnedWords[], model: Model): void {
  const widths = model.textEncoders.map(({ config }) => config.width);
  const seen = new Set<string>();
  for (const { file, words } of embeddings) {
    for (const word of words) {
      if (seen.has(word.token)) {
        const sentence = `Two of the learned words are called "${word.token}"`;
        throw new AppError("bad_request", `${sentence}; call one otherwise, as in --embedding FILE:WORD.`);
      }
      seen.add(word.token);
      if (widths.some((_width, place) => forEncoder(word, place, model) !== null)) continue;
      const given = word.vectors.map(({ values }) => values.shape[1]).join(" and ");
      const sentence = `${file.name} holds vectors of width ${given}, and the text encoder of ${model.name} is ${widths.join(" and ")} wide`;
      throw new AppError("weights_mismatch", `${sentence}; it was made for another base, so leave it out.`);
    }
  }
}

/**
 * What a person should know: a word that one of two text encoders has not learned, and one that no prompt names.
 *
 * @param encoders  those of the model, with their words
 */
export function notesOnWords(
  { embeddings, model }: { readonly embeddings: readonly LearnedWords[]; readonly model: Model },
  encoders: readonly { readonly tokenizer: ClipTokenizer }[],
  texts: readonly string[],
): string[] {
  const places = ["first", "second"] as const;
  const ids = encoders.map(({ tokenizer }) => new Set(texts.flatMap((text) => tokenizer.tokenize(text))));
  return embeddings.flatMap(({ file, words }) =>
    words.flatMap((word) => {
      const isNamed = encoders.some(({ tokenizer }, place) => {
        const [id] = tokenizer.tokenize(word.token);
        return forEncoder(word, place, model) !== null && id !== undefined && ids[place]!.has(id);
      });
      if (!isNamed) return [`No prompt names "${word.token}", the word of ${file.name}, so it changed nothing.`];
      const without = model.textEncoders.findIndex((_encoder, place) => forEncoder(word, place, model) === null);
      if (without === -1) return [];
      const sentence = `${file.name} has no vectors for the ${places[without]} text encoder`;
      return [`${sentence}, which reads "${word.token}" as plain text.`];
    }),
  );
}

/** The words that the text encoder at a place of the model has vectors for. */
export const encoderWords = (embeddings: readonly LearnedWords[], place: number, model: Model): EncoderWord[] =>
  embeddings
    .flatMap(({ words }) => words)
    .flatMap((word) => {
      const vectors = forEncoder(word, place, model);
      return vectors ? [{ token: word.token, vectors }] : [];
    });

const forEncoder = (word: LearnedWord, place: number, { textEncoders }: Model): FloatTensor | null =>
  vectorsFor(word, { encoder: place === 0 ? "first" : "second", width: textEncoders[place]!.config.width });
