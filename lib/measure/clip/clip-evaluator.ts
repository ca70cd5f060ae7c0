import type { Runtime } from "#lib/onnx/session.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import type { Evaluator } from "../evaluator.ts";
import { type Clip, cosinesOf, openClip } from "./clip.ts";
import type { ClipFiles } from "./clip-files.ts";

/**
 * Scores a picture by its similarity to the prompt: the cosine of CLIP's embeddings of both (Hessel et al. 2021, arXiv 2104.08718,
 * without its factor and without cutting off what is negative, so that differences stay differences).
 */
export async function openClipEvaluator(files: ClipFiles, runtime: Runtime): Promise<Evaluator> {
  const clip = await openClip(files, runtime);
  return {
    kind: "clip",
    looksAt: "pictures",
    known: null,
    ownPrompts: () => null,
    silenceOn: () => null,
    expect: async (prompts) => {
      const { embeddings, cut } = await clip.embedTexts(prompts);
      const [count, width] = embeddings.shape as [number, number];
      return {
        scored: ["similarity of picture and prompt"],
        unscored: [],
        domain: null,
        notes: [scaleNote(files), ...cutNotes(files, prompts, cut)],
        read: async ({ pictures }, first) => {
          const seen = await clip.embedPictures(await pictures());
          const batch = seen.shape[0]!;
          if (first + batch > count) throw new RangeError(`pictures of prompts ${first} … of ${count}: ${batch}`);
          const asked = tensor(embeddings.data.subarray(first * width, (first + batch) * width), seen.shape);
          return { scores: cosinesOf(seen, asked), features: withLength(seen, Math.sqrt(width)) };
        },
      };
    },
    close: () => clip.close(),
  };
}

const withLength = ({ data, shape }: Awaited<ReturnType<Clip["embedPictures"]>>, length: number) =>
  tensor(
    data.map((value) => value * length),
    shape,
  );

const scaleNote = ({ name, logitScale }: ClipFiles): string =>
  `Scores are cosines of CLIP's embeddings (${name}); its own scale, ${Number(logitScale.toPrecision(4))}, multiplies none of them.`;

function cutNotes({ config }: ClipFiles, prompts: readonly string[], cut: readonly boolean[]): string[] {
  const long = prompts.filter((_prompt, i) => cut[i]);
  if (long.length === 0) return [];
  const count = long.length === 1 ? "One prompt is" : `${long.length} prompts are`;
  const shown = JSON.stringify(long[0]!.slice(0, 60));
  return [
    `${count} longer than the ${config.text.maxTokens} tokens that CLIP reads, and only the beginning was compared: ${shown}.`,
  ];
}
