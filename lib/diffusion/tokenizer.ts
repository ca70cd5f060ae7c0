import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { type Folder, readTextIn } from "#lib/weights/folder.ts";
import type { PromptTokenizer } from "#lib/prompt/chunks.ts";
import { requireShort } from "#lib/prompt/prompt-limit.ts";

/** Text → token ids, as transformers' `CLIPTokenizer` does it. All methods refuse texts above 10,000 characters (bad_request). */
export interface ClipTokenizer extends PromptTokenizer {
  /**
   * `ids` is [maxTokens]: start, the text, end, padding. `used` counts the ids before the padding; `cut` says that the text
   * was too long and lost its tail.
   */
  encode(text: string): { readonly ids: Int32Array; readonly used: number; readonly cut: boolean };
  /**
   * The same tokenizer with learned words: each takes as many ids as it has vectors, counted from `firstId` in the order given. As
   * diffusers' `load_textual_inversion` has it, a word stands for all of them, and “word_1” for its second alone.
   *
   * @throws bad_request for a word that is a token already, weights_mismatch where a token has such an id
   */
  withWords(words: readonly TokenizerWord[], firstId: number): ClipTokenizer;
  /** The words of the text, spelt as there, that are not in the vocabulary as a whole and fall apart into pieces. */
  unknownWords(text: string): readonly string[];
}

/** A learned word, and how many ids it takes. */
export interface TokenizerWord {
  readonly token: string;
  readonly count: number;
}

/**
 * Opens a tokenizer folder: `tokenizer.json`, or else `vocab.json` and `merges.txt`; and beside them, where they exist,
 * `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`.
 *
 * @param maxPositions  the text encoder's `max_position_embeddings`: texts are cut there if the folder allows more
 * @throws file_not_found, unsupported_model
 */
export async function openTokenizer(folder: Folder, maxPositions = Infinity): Promise<ClipTokenizer> {
  const vocabulary = await readVocabulary(folder);
  return tokenizerOf(folder.name, vocabulary, await readSettings(folder), maxPositions);
}

/** The tokenizer of a vocabulary and settings, wherever they come from; `shown` is how messages name them. */
export function tokenizerOf(
  shown: string,
  vocabulary: Vocabulary,
  settings: Settings,
  maxPositions = Infinity,
  counts: ReadonlyMap<number, number> = new Map(),
): ClipTokenizer {
  const maxTokens = requireTokenLimit(Math.min(settings.maxTokens, maxPositions), shown);
  const addedTokens = resolveAddedTokens([...settings.added, ...vocabulary.added], vocabulary, shown);
  const idOf = (token: Token): number => addedTokens.get(token.content)!.id;
  const { start, end, padding, unknown } = settings.special;

  const tokenizer = new Tokenizer(clipTokenizerJson(vocabulary, [...addedTokens.values()], unknown), {});
  const unitLength = (id: number): number => counts.get(id) ?? 1;
  const encodeWhole = (text: string): number[] =>
    tokenizer.encode(text).ids.flatMap((id) => Array.from({ length: unitLength(id) }, (_, i) => id + i));
  return {
    maxTokens,
    special: { start: idOf(start), end: idOf(end), padding: idOf(padding) },
    comma: vocabulary.ids.get(",</w>") ?? null,
    tokenize: (text) => encodeWhole(requireShort(text)),
    unitLength,
    withWords(words, firstId) {
      const stranger = [...vocabulary.ids.values(), ...addedTokens.values().map(({ id }) => id)].find(
        (id) => id >= firstId,
      );
      if (stranger !== undefined) {
        const sentence = `${shown} knows a token ${stranger} where the text encoder has ${firstId}, so learned words have no place`;
        throw new AppError("weights_mismatch", `${sentence}; use the tokenizer that came with the model.`, {
          stranger,
        });
      }
      const learned = learnedTokens(words, firstId, (token) => addedTokens.has(token) || vocabulary.ids.has(token));
      const more = { ...vocabulary, added: [...vocabulary.added, ...learned] };
      const lengths = words.map(
        ({ token, count }) => [learned.find(({ content }) => content === token)!.id, count] as const,
      );
      return tokenizerOf(shown, more, settings, maxPositions, new Map([...counts, ...lengths]));
    },
    encode(text) {
      const whole = encodeWhole(requireShort(text));
      const kept = whole.slice(0, maxTokens - 2);
      const ids = new Int32Array(maxTokens).fill(idOf(padding));
      ids.set([idOf(start), ...kept, idOf(end)]);
      return { ids, used: kept.length + 2, cut: kept.length < whole.length };
    },
    unknownWords(text) {
      const plain = addedTokens.keys().reduce((rest, content) => rest.replaceAll(content, " "), requireShort(text));
      const words = new Set(plain.match(/\p{L}[\p{L}\p{M}]*/gu));
      return [...words].filter((word) => encodeWhole(word).length > 1);
    },
  };
}

/** word, word_1, word_2, …, as diffusers names them. */
function learnedTokens(
  words: readonly TokenizerWord[],
  firstId: number,
  isKnown: (token: string) => boolean,
): AddedToken[] {
  let id = firstId;
  return words.flatMap(({ token, count }) => {
    if (!tokenContent.safeParse(token).success || token.trim() !== token) {
      const sentence = `A learned word cannot be called "${token.slice(0, 40)}"`;
      throw new AppError("bad_request", `${sentence}; take 1 to 128 characters, without a blank at either end.`);
    }
    return Array.from({ length: count }, (_, i): AddedToken => {
      const content = i === 0 ? token : `${token}_${i}`;
      if (isKnown(content)) {
        const sentence = `The learned word "${content}" is a token of this model already`;
        throw new AppError("bad_request", `${sentence}; call it otherwise, as in --embedding FILE:WORD.`, { content });
      }
      return { content, normalized: true, id: id++ };
    });
  });
}

const tokenLimit = z.int().min(3).max(4096); // start, one token and end; the most positions that a text encoder may have

function requireTokenLimit(maxTokens: number, shown: string): number {
  if (tokenLimit.safeParse(maxTokens).success) return maxTokens;
  throw new AppError(
    "unsupported_model",
    `${shown}/tokenizer_config.json does not say how many tokens a text may have; write the text encoder's "max_position_embeddings" there as "model_max_length".`,
    { maxTokens },
  );
}

type Token = z.infer<typeof tokenJson>;
type AddedToken = Token & { readonly id: number };
type DescribedToken = Token & { readonly id?: number };

export interface Vocabulary {
  readonly ids: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly string[])[];
  readonly added: readonly AddedToken[];
}

export interface Settings {
  readonly special: Readonly<Record<"start" | "end" | "unknown" | "padding", Token>>;
  /** Where a token is described twice, the later description is the better one. */
  readonly added: readonly DescribedToken[];
  readonly maxTokens: number;
}

const tokenId = z.int().min(0).max(1_000_000);
const tokenContent = z.string().min(1).max(128);
const tokenFields = { content: tokenContent, normalized: z.boolean().default(false) };
const tokenJson = z.preprocess(
  (spelt) => (typeof spelt === "string" ? { content: spelt } : spelt),
  z.object(tokenFields),
);
const vocabularyJson = z.record(z.string(), tokenId);
const olderAddedTokensJson = z.record(tokenContent, tokenId);
const specialTokensJson = z.object({
  bos_token: tokenJson.nullish(),
  eos_token: tokenJson.nullish(),
  unk_token: tokenJson.nullish(),
  pad_token: tokenJson.nullish(),
});
const configJson = specialTokensJson.extend({
  model_max_length: z.number().positive().nullish(),
  added_tokens_decoder: z.record(z.string().regex(/^\d{1,7}$/), tokenJson).nullish(),
  padding_side: z.literal("right").nullish(),
  truncation_side: z.literal("right").nullish(),
});
const tokenizerJson = z.object({
  added_tokens: z.array(z.object({ ...tokenFields, id: tokenId })).default([]),
  model: z.object({
    type: z.literal("BPE").optional(),
    end_of_word_suffix: z.literal("</w>"),
    vocab: vocabularyJson,
    merges: z.array(z.union([z.string(), z.array(z.string())])),
  }),
});

/** From a `tokenizer.json` only what transformers' CLIPTokenizer takes: how to normalise and split a text is CLIP's, not the file's. */
async function readVocabulary(folder: Folder): Promise<Vocabulary> {
  const json = await readJson(folder, "tokenizer.json", tokenizerJson, MAX_FILE_BYTES);
  if (json) {
    requireFew(folder, "tokenizer.json", json.model.merges.length, "merges");
    const merges = json.model.merges.map((merge) => (typeof merge === "string" ? merge.split(" ") : merge));
    return requireMerges(
      { ids: new Map(Object.entries(json.model.vocab)), merges, added: json.added_tokens },
      folder,
      "tokenizer.json",
    );
  }
  const vocab = await readJson(folder, "vocab.json", vocabularyJson, MAX_FILE_BYTES);
  const lines = await readText(folder, "merges.txt");
  if (vocab === null || lines === null) {
    throw new AppError(
      "file_not_found",
      `${folder.name} has no tokenizer.json and no ${vocab ? "merges.txt" : "vocab.json"}; give the folder as it was published.`,
      { path: folder.locate("") },
    );
  }
  const written = lines.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version"));
  requireFew(folder, "merges.txt", written.length, "merges");
  const merges = written.map((line) => line.split(" "));
  return requireMerges({ ids: new Map(Object.entries(vocab)), merges, added: [] }, folder, "merges.txt");
}

function requireFew({ name: shown }: Folder, file: string, count: number, what: "words" | "merges"): void {
  if (count <= MAX_WORDS) return;
  const sentence = `${shown}/${file} has ${count} ${what}, and at most ${MAX_WORDS} are read`;
  throw new AppError("unsupported_model", `${sentence}; use the tokenizer that came with the model.`, { count });
}

function requireMerges(vocabulary: Vocabulary, { name: shown }: Folder, file: string): Vocabulary {
  const { ids, merges } = vocabulary;
  const odd = merges.findIndex(
    (merge) => merge.length !== 2 || ![...merge, merge.join("")].every((piece) => ids.has(piece)),
  );
  if (odd === -1) return vocabulary;
  throw new AppError(
    "unsupported_model",
    `${shown}/${file}: merge ${odd + 1} (${JSON.stringify(merges[odd]!.join(" ").slice(0, 40))}) does not join two pieces of the vocabulary into a third; download the tokenizer again.`,
    { merge: odd },
  );
}

async function readSettings(folder: Folder): Promise<Settings> {
  const config = await readJson(folder, "tokenizer_config.json", configJson);
  const decoder = config?.added_tokens_decoder;
  // As in transformers: the two older files count only where the config does not list the added tokens, and then go first.
  const map = decoder ? null : await readJson(folder, "special_tokens_map.json", specialTokensJson);
  const older = decoder ? null : await readJson(folder, "added_tokens.json", olderAddedTokensJson);

  const end = map?.eos_token ?? config?.eos_token ?? tokenJson.parse("<|endoftext|>");
  const special = {
    start: map?.bos_token ?? config?.bos_token ?? tokenJson.parse("<|startoftext|>"),
    end,
    unknown: map?.unk_token ?? config?.unk_token ?? end,
    padding: map?.pad_token ?? config?.pad_token ?? end,
  };
  return {
    special,
    added: [
      ...Object.entries(older ?? {}).map(([content, id]) => withId(tokenJson.parse({ content, normalized: true }), id)),
      ...Object.values(special),
      ...Object.entries(decoder ?? {}).map(([id, token]) => withId(token, Number(id))),
    ],
    maxTokens: config?.model_max_length ?? Infinity,
  };
}

const withId = (token: Token, id: number): AddedToken => ({ ...token, id });

const MAX_ADDED_TOKENS = 1000; // the library keeps a tree of all their characters; learned words come in dozens

/** One entry a token, by its content. Its id is the vocabulary's, or else the one it is described with. */
function resolveAddedTokens(
  described: readonly DescribedToken[],
  vocabulary: Vocabulary,
  shown: string,
): ReadonlyMap<string, AddedToken> {
  if (described.length > MAX_ADDED_TOKENS)
    throw new AppError(
      "unsupported_model",
      `${shown} adds ${described.length} tokens to its vocabulary; ${MAX_ADDED_TOKENS} at most work.`,
    );
  const stated = new Map(described.flatMap(({ content, id }) => (id === undefined ? [] : [[content, id]])));
  const resolve = (token: DescribedToken): AddedToken => {
    const id = vocabulary.ids.get(token.content) ?? stated.get(token.content);
    if (id !== undefined) return withId(token, id);
    throw new AppError(
      "unsupported_model",
      `${shown}: the special token ${JSON.stringify(token.content)} is not in the vocabulary; use the tokenizer that came with the model.`,
    );
  };
  return new Map(described.map((token) => [token.content, resolve(token)]));
}

const contractions = "'s|'t|'re|'ve|'m|'ll|'d";
const clipWords = String.raw`<\|startoftext\|>|<\|endoftext\|>|${contractions}|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;
const byteLevelWords = String.raw`${contractions}| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const escapePattern = (text: string): string => text.replaceAll(/[^\p{L}\p{N}]/gu, String.raw`\$&`);
const split = (pattern: string): object => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Removed",
  invert: true,
});

/**
 * The `tokenizer.json` that transformers writes for a CLIPTokenizer, changed where the JavaScript library reads it differently:
 *
 * - Σ is lowered to σ beforehand, for JavaScript ends a word with ς.
 * - What becomes an added token only by being lowered, and stands alone, would be taken for that token; a space prevents it.
 * - ByteLevel's own pattern stands outside it, where `\s` is translated; JavaScript's holds U+FEFF.
 */
function clipTokenizerJson({ ids, merges }: Vocabulary, addedTokens: readonly AddedToken[], unknown: Token): object {
  const exact = addedTokens.filter(({ normalized }) => !normalized).map(({ content }) => escapePattern(content));
  // Without any the pattern would match nothing at all, and does so between the halves of a surrogate pair.
  const alone = { type: "Replace", pattern: { Regex: String.raw`\A(?:${exact.join("|")})\z` }, content: " $&" };
  return {
    added_tokens: addedTokens,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: String.raw`\s+` }, content: " " },
        { type: "Replace", pattern: { String: "Σ" }, content: "σ" },
        { type: "Lowercase" },
        ...(exact.length > 0 ? [alone] : []),
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        split(clipWords),
        split(byteLevelWords),
        { type: "ByteLevel", add_prefix_space: false, use_regex: false },
      ],
    },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(ids),
      merges,
      unk_token: unknown.content,
      end_of_word_suffix: "</w>",
    },
    post_processor: null,
    decoder: null,
  };
}

const MAX_FILE_BYTES = 8 * 2 ** 20; // the largest published one, a tokenizer.json of 49,408 tokens, has 3.6 MB
const MAX_WORDS = 200_000; // and as many merges: what is built of a million takes minutes and gigabytes

const MAX_SETTINGS_BYTES = 2 ** 20; // of the other files

async function readJson<T>(
  folder: Folder,
  file: string,
  schema: z.ZodType<T>,
  most = MAX_SETTINGS_BYTES,
): Promise<T | null> {
  const text = await readText(folder, file, most);
  if (text === null) return null;
  const refuse = (reason: string, cause?: unknown): AppError =>
    new AppError(
      "unsupported_model",
      `${folder.name}/${file} is not a file of a CLIP tokenizer (${reason}); use the one that came with the model.`,
      {},
      cause,
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw refuse("it is not valid JSON", cause);
  }
  if (most === MAX_FILE_BYTES) requireFew(folder, file, countWords(json), "words");
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues as [z.core.$ZodIssue];
  throw refuse(issue.path.length ? `"${issue.path.join(".").slice(0, 80)}": ${issue.message}` : issue.message);
}

/** Of a vocabulary or a whole tokenizer, before each of its words is looked at. */
function countWords(json: unknown): number {
  const words = (json as { model?: { vocab?: unknown } } | null)?.model?.vocab ?? json;
  return typeof words === "object" && words !== null ? Object.keys(words).length : 0;
}

/** The text of a file of the folder, or null if there is none of that name. */
const readText = (folder: Folder, file: string, most = MAX_FILE_BYTES): Promise<string | null> =>
  readTextIn(folder, file, { most, what: "a file of a CLIP tokenizer" });
