import { applyWeights } from "#lib/prompt/apply-weights.ts";
import { type ChunkedPrompt, chunksOf, padChunks, type PromptChunk } from "#lib/prompt/chunks.ts";
import type { PromptSide, PromptSyntax } from "#lib/prompt/read-prompt.ts";
import { type FloatTensor, rows, tensor, zeros } from "#lib/tensor/tensor.ts";
import type { ClipSkip } from "./clip-skip.ts";
import type { Conditioning } from "./conditioning.ts";
import type { EncodedText, TextEncoder } from "./text-encoder.ts";
import type { ClipTokenizer } from "./tokenizer.ts";
import type { UNetConfig } from "./unet-config.ts";

/** Height and width of a picture, in pixels. */
export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/** What SDXL is told of a picture (Podell et al. 2023, arXiv 2307.01952, §2.2), in pixels. */
export interface SizeConditions {
  readonly original: PictureSize;
  readonly crop: { readonly top: number; readonly left: number };
  readonly target: PictureSize;
}

/** A picture that was neither scaled nor cropped. */
export const wholePicture = (size: PictureSize): SizeConditions => ({
  original: size,
  crop: { top: 0, left: 0 },
  target: size,
});

/** A text and how it is read. */
export interface PromptText {
  readonly text: string;
  readonly syntax: PromptSyntax;
  readonly side: PromptSide;
}

/** A string is plain; null asks for nothing: the empty text, or zeros where the model was trained so. */
export type Prompt = PromptText | string | null;

/** Prompts → what the UNet hears. */
export interface TextConditioner {
  /** Of each encoder, in the order in which their states are joined. */
  readonly encoders: readonly TextEncoder[];
  /** How many text states these prompts become together: those of the longest. */
  tokensFor(prompts: readonly Prompt[]): number;
  /**
   * A row for each prompt, all of as many states as `tokensFor` says.
   *
   * @param sizes  of the picture, for a model that is told
   */
  condition(prompts: readonly Prompt[], sizes: SizeConditions): Promise<Conditioning>;
  close(): Promise<void>;
}

export interface ConditionerOptions {
  readonly unet: UNetConfig;
  /** Whether no text at all is zeros and not the states of the empty text (`force_zeros_for_empty_prompt`). */
  readonly zerosForNothing: boolean;
  /** Which prompts take the encoders' skipped states, where they give some. */
  readonly skipped: ClipSkip["of"];
}

export function createTextConditioner(
  encoders: readonly TextEncoder[],
  { unet, zerosForNothing, skipped }: ConditionerOptions,
): TextConditioner {
  const chunksFor = (prompts: readonly Prompt[]): number =>
    Math.max(
      ...encoders.flatMap(({ tokenizer }) => prompts.map((prompt) => readChunks(prompt, tokenizer).chunks.length)),
    );
  return {
    encoders,
    tokensFor: (prompts) => chunksFor(prompts) * encoders[0]!.tokenizer.maxTokens,
    async condition(prompts, sizes) {
      const count = chunksFor(prompts);
      const encoded: Encoded[] = [];
      for (const encoder of encoders) encoded.push(await encodeAll(encoder, prompts, count, skipped));
      const nothing = prompts.map((prompt) => prompt === null && zerosForNothing);
      const text = withoutRows(joinChannels(encoded.map(({ states }) => states)), nothing);
      if (!unet.added) return { text };
      const { original, crop, target } = sizes;
      const ids = [original.height, original.width, crop.top, crop.left, target.height, target.width];
      return {
        text,
        pooledText: withoutRows(encoded.at(-1)!.pooled!, nothing),
        timeIds: tensor(Float32Array.from(prompts.flatMap(() => ids)), [prompts.length, unet.added.timeIds]),
      };
    },
    close: async () => {
      for (const encoder of encoders) await encoder.close();
    },
  };
}

export function readChunks(prompt: Prompt, tokenizer: ClipTokenizer): ChunkedPrompt {
  if (prompt === null || typeof prompt === "string") return chunksOf(prompt ?? "", tokenizer, "plain");
  return chunksOf(prompt.text, tokenizer, prompt.syntax, prompt.side);
}

type Encoded = Pick<EncodedText, "states" | "pooled">;

/**
 * Each prompt as `count` chunks: their weighed states stand one behind the other, [B, count · T, D]; the whole text is that of the
 * first chunk.
 */
async function encodeAll(
  encoder: TextEncoder,
  prompts: readonly Prompt[],
  count: number,
  of: ClipSkip["of"],
): Promise<Encoded> {
  const { tokenizer } = encoder;
  const { maxTokens } = tokenizer;
  const chunks = prompts.flatMap((prompt): readonly PromptChunk[] =>
    padChunks(readChunks(prompt, tokenizer).chunks, count, tokenizer),
  );
  const ids = new Int32Array(chunks.length * maxTokens);
  chunks.forEach((chunk, i) => ids.set(chunk.ids, i * maxTokens));
  const { states, skipped, pooled } = await encoder.encode(tensor(ids, [chunks.length, maxTokens]));
  const width = states.shape[2]!;
  const weighed = new Float32Array(states.data.length);
  chunks.forEach(({ weights }, i) => {
    const begin = i * maxTokens * width;
    const isSkipped = of === "both prompts" || sideOf(prompts[Math.floor(i / count)]!) === "prompt";
    const { data } = isSkipped && skipped ? skipped : states;
    weighed.set(applyWeights(data.subarray(begin, begin + maxTokens * width), weights), begin);
  });
  return {
    states: tensor(weighed, [prompts.length, count * maxTokens, width]),
    pooled: pooled && firstRows(pooled, count),
  };
}

/** Nothing at all stands on the side of the negative prompt. */
const sideOf = (prompt: Prompt): PromptSide =>
  prompt === null ? "negative prompt" : typeof prompt === "string" ? "prompt" : prompt.side;

/** Every `count`-th row: [B · count, P] → [B, P]. */
function firstRows(x: FloatTensor, count: number): FloatTensor {
  const batch = x.shape[0]! / count;
  const first = zeros([batch, ...x.shape.slice(1)]);
  for (let row = 0; row < batch; row++) {
    const { data } = rows(x, row * count, row * count + 1);
    first.data.set(data, row * data.length);
  }
  return first;
}

/** [B, T, C₁] and [B, T, C₂] → [B, T, C₁ + C₂]. */
function joinChannels(parts: readonly FloatTensor[]): FloatTensor {
  const [batch, tokens] = parts[0]!.shape as [number, number];
  const width = parts.reduce((sum, { shape }) => sum + shape[2]!, 0);
  const joined = zeros([batch, tokens, width]);
  let offset = 0;
  for (const { data, shape } of parts) {
    const own = shape[2]!;
    for (let row = 0; row < batch * tokens; row++)
      joined.data.set(data.subarray(row * own, (row + 1) * own), row * width + offset);
    offset += own;
  }
  return joined;
}

/** Zeros in place of the marked rows. */
function withoutRows(x: FloatTensor, marked: readonly boolean[]): FloatTensor {
  const size = x.data.length / marked.length;
  const data = x.data.slice();
  marked.forEach((isMarked, row) => isMarked && data.fill(0, row * size, (row + 1) * size));
  return tensor(data, x.shape);
}
