import { type FloatTensor, type Tensor, tensor, zeros } from "#lib/tensor/tensor.ts";
import type { Conditioning } from "./conditioning.ts";
import type { EncodedText, TextEncoder } from "./text-encoder.ts";
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

/** Texts → what the UNet hears. */
export interface TextConditioner {
  /** Of each encoder, in the order in which their states are joined. */
  readonly encoders: readonly TextEncoder[];
  /** How many text states there are. */
  readonly tokens: number;
  /**
   * @param texts  null where nothing is asked for: the empty text, or zeros where the model was trained so
   * @param sizes  of the picture, for a model that is told
   */
  condition(texts: readonly (string | null)[], sizes: SizeConditions): Promise<Conditioning>;
  close(): Promise<void>;
}

export interface ConditionerOptions {
  readonly unet: UNetConfig;
  /** Whether no text at all is zeros and not the states of the empty text (`force_zeros_for_empty_prompt`). */
  readonly zerosForNothing: boolean;
}

export function createTextConditioner(
  encoders: readonly TextEncoder[],
  { unet, zerosForNothing }: ConditionerOptions,
): TextConditioner {
  const tokens = encoders[0]!.tokenizer.maxTokens;
  return {
    encoders,
    tokens,
    async condition(texts, sizes) {
      const encoded: EncodedText[] = [];
      for (const encoder of encoders) encoded.push(await encoder.encode(tokensOf(texts, encoder)));
      const nothing = texts.map((text) => text === null && zerosForNothing);
      const text = withoutRows(joinChannels(encoded.map(({ states }) => states)), nothing);
      if (!unet.added) return { text };
      const { original, crop, target } = sizes;
      const ids = [original.height, original.width, crop.top, crop.left, target.height, target.width];
      const timeIds = Float32Array.from(texts.flatMap(() => ids));
      return {
        text,
        pooledText: withoutRows(encoded.at(-1)!.pooled!, nothing),
        timeIds: tensor(timeIds, [texts.length, unet.added.timeIds]),
      };
    },
    close: async () => {
      for (const encoder of encoders) await encoder.close();
    },
  };
}

function tokensOf(texts: readonly (string | null)[], { tokenizer }: TextEncoder): Tensor<Int32Array> {
  const tokens = new Int32Array(texts.length * tokenizer.maxTokens);
  texts.forEach((text, i) => tokens.set(tokenizer.encode(text ?? "").ids, i * tokenizer.maxTokens));
  return tensor(tokens, [texts.length, tokenizer.maxTokens]);
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
