import { AppError } from "#lib/errors.ts";
import type { Piece } from "./emphasis.ts";
import type { ExtraNetwork } from "./extra-networks.ts";
import { type PromptSide, type PromptSyntax, readPrompt } from "./read-prompt.ts";

/** What of a tokenizer chunks are made of; `ClipTokenizer` is one. */
export interface PromptTokenizer {
  /** How many ids a text encoder takes at once: 77 on Stable Diffusion, so that a chunk holds 75 of a prompt. */
  readonly maxTokens: number;
  readonly special: { readonly start: number; readonly end: number; readonly padding: number };
  /** The id of a comma that ends a word; null where the vocabulary has none. */
  readonly comma: number | null;
  encode(text: string): { readonly ids: Int32Array; readonly cut: boolean };
  /** All ids of a text, without start, end and padding. */
  tokenize(text: string): readonly number[];
  /**
   * How many ids from this one on belong together and never part: the vectors of a learned word. 1 where nothing is
   * said.
   */
  unitLength?(id: number): number;
}

/** What one pass of the text encoder takes, and how much each of its states counts. */
export interface PromptChunk {
  /** [T]: start, words, end, padding. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** [T]; 1 = as it stands. */
  readonly weights: Float32Array<ArrayBuffer>;
}

export interface ChunkedPrompt {
  /**
   * One at least. Their states stand one behind the other: n chunks make [1, n·T, D]. The pooled state is that of the
   * first.
   */
  readonly chunks: readonly PromptChunk[];
  readonly networks: readonly ExtraNetwork[];
  /** Whether a plain prompt was longer than a chunk and lost its tail. */
  readonly cut: boolean;
  readonly notes: readonly string[];
}

/**
 * A prompt as chunks of tokens with their weights. In the syntax `a1111` words go on in further chunks, as
 * AUTOMATIC1111's web UI 1.10.1 does it (modules/sd_hijack_clip.py, `tokenize_line`): each piece is tokenized by
 * itself; where a chunk is full and one of its last 20 tokens is a comma, what stands behind the comma moves on with
 * it.
 *
 * @throws bad_request above 10,000 characters or 64 chunks
 */
export function chunksOf(
  prompt: string,
  tokenizer: PromptTokenizer,
  syntax: PromptSyntax,
  side: PromptSide = "prompt",
): ChunkedPrompt {
  const { pieces, networks, notes } = readPrompt(prompt, syntax, side);
  if (syntax === "a1111") return { chunks: weighedChunks(pieces, tokenizer), networks, cut: false, notes };
  const { ids, cut } = tokenizer.encode(prompt);
  const weights = new Float32Array(tokenizer.maxTokens).fill(1);
  return { chunks: [{ ids: Int32Array.from(ids), weights }], networks, cut, notes };
}

/**
 * The same chunks and, behind them, as many empty ones as make `count`: both prompts of CFG need equally many in one
 * batch, and their cross-attention then sees states of equal length. It is AUTOMATIC1111's setting “Pad prompt/negative
 * prompt”; without it theirs runs both lengths in passes of their own, which gives another picture.
 */
export function padChunks(
  chunks: readonly PromptChunk[],
  count: number,
  tokenizer: PromptTokenizer,
): readonly PromptChunk[] {
  const missing = Array.from({ length: Math.max(0, count - chunks.length) }, () => toChunk([], [], tokenizer));
  return [...chunks, ...missing];
}

const COMMA_BACKTRACK = 20;
const MAX_CHUNKS = 64; // 10,000 characters of words fill some 33; breaks alone would fill thousands

function weighedChunks(pieces: readonly Piece[], tokenizer: PromptTokenizer): PromptChunk[] {
  const { maxTokens, comma, unitLength } = tokenizer;
  const size = maxTokens - 2;
  const chunks: PromptChunk[] = [];
  let [ids, weights]: [number[], number[]] = [[], []];
  let lastComma = -1;

  /** Ends the chunk; what stands from `kept` on begins the next. */
  const next = (kept = ids.length): void => {
    if (chunks.length === MAX_CHUNKS) throw tooManyChunks();
    chunks.push(toChunk(ids.slice(0, kept), weights.slice(0, kept), tokenizer));
    [ids, weights] = [ids.slice(kept), weights.slice(kept)];
    lastComma = -1;
  };

  for (const { text, weight, isBreak } of pieces) {
    if (isBreak) {
      next();
      continue;
    }
    const tokens = tokenizer.tokenize(text);
    for (let at = 0, length = 1; at < tokens.length; at += length) {
      const id = tokens[at]!;
      length = Math.min(unitLength?.(id) ?? 1, tokens.length - at);
      if (id === comma) lastComma = ids.length;
      else if (ids.length === size && lastComma !== -1 && size - lastComma <= COMMA_BACKTRACK) next(lastComma + 1);
      if (ids.length + length > size && ids.length > 0) next();
      for (const one of tokens.slice(at, at + length)) {
        if (ids.length === size) next(); // a learned word of more vectors than a chunk holds
        ids.push(one);
        weights.push(weight);
      }
    }
  }
  if (ids.length > 0 || chunks.length === 0) next();
  return chunks;
}

function toChunk(words: readonly number[], wordWeights: readonly number[], tokenizer: PromptTokenizer): PromptChunk {
  const { maxTokens, special } = tokenizer;
  const ids = new Int32Array(maxTokens).fill(special.padding);
  ids.set([special.start, ...words, special.end]);
  // Where padding is another token than the end, theirs pads behind the first end, be it one that the person wrote.
  if (special.padding !== special.end) ids.fill(special.padding, ids.indexOf(special.end) + 1);
  const weights = new Float32Array(maxTokens).fill(1);
  weights.set(wordWeights, 1);
  return { ids, weights };
}

const tooManyChunks = (): AppError =>
  new AppError("bad_request", `The prompt fills more than ${MAX_CHUNKS} chunks; shorten it, or leave some BREAK out.`, {
    limit: MAX_CHUNKS,
  });
