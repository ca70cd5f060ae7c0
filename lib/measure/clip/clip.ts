import { openTextEncoder } from "#lib/diffusion/text-encoder.ts";
import { lastStates } from "#lib/diffusion/text-encoder-graph.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { concat, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import type { ClipFiles } from "./clip-files.ts";
import { preprocess } from "./preprocessing.ts";
import { visionGraph } from "./vision-graph.ts";

/** Pictures and texts as rows of length 1, of which the scalar product is their cosine. */
export interface Clip {
  /** [B, projection] */
  embedPictures(pictures: readonly Picture[]): Promise<FloatTensor>;
  /** `cut` says of which texts the tail was left out, since CLIP reads no more. */
  embedTexts(texts: readonly string[]): Promise<{ readonly embeddings: FloatTensor; readonly cut: readonly boolean[] }>;
  close(): Promise<void>;
}

export async function openClip(files: ClipFiles, runtime: Runtime): Promise<Clip> {
  const { config, preprocessing, vision } = files;
  await using opening = new AsyncDisposableStack();
  const tokenizer = await files.text.openTokenizer();
  const text = await openTextEncoder(files.text, [], tokenizer, lastStates, runtime);
  opening.adopt(text, (one) => one.close());
  const graph = visionGraph(config, externalParameters(vision));
  vision.requireAllTaken();
  const session: Session<"embedding"> = await openSession(graph, runtime);
  opening.adopt(session, (one) => one.close());
  const opened = opening.move();
  return {
    async embedPictures(pictures) {
      const pixels = concat(pictures.map((picture) => preprocess(picture, preprocessing)));
      const whole = tensor(new Int32Array(pictures.length), [pictures.length, 1]);
      return unitRows((await session.run({ pixels, whole })).embedding);
    },
    async embedTexts(texts) {
      const encoded = texts.map((one) => tokenizer.encode(one));
      const embeddings: FloatTensor[] = [];
      for (let begin = 0; begin < texts.length; begin += TEXTS_AT_ONCE) {
        const part = encoded.slice(begin, begin + TEXTS_AT_ONCE);
        const ids = tensor(Int32Array.from(part.flatMap((one) => [...one.ids])), [part.length, tokenizer.maxTokens]);
        embeddings.push(unitRows((await text.encode(ids)).pooled!));
      }
      return { embeddings: concat(embeddings), cut: encoded.map(({ cut }) => cut) };
    },
    close: () => opened.disposeAsync(),
  };
}

/** However many there are, so that memory does not grow with them. */
export const TEXTS_AT_ONCE = 16;

/** The cosine of each row of one with the same row of the other. */
export const cosinesOf = (one: FloatTensor, other: FloatTensor): number[] =>
  Array.from({ length: one.shape[0]! }, (_, row) => {
    const [a, b] = [rows(one, row, row + 1).data, rows(other, row, row + 1).data];
    return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  });

function unitRows(x: FloatTensor): FloatTensor {
  const [count, width] = x.shape as [number, number];
  const data = x.data.slice();
  for (let row = 0; row < count; row++) {
    const one = data.subarray(row * width, (row + 1) * width);
    const norm = Math.sqrt(one.reduce((sum, value) => sum + value * value, 0));
    one.forEach((value, i) => (one[i] = value / norm));
  }
  return tensor(data, x.shape);
}
