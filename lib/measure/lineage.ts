import { AppError } from "#lib/errors.ts";
import type { ExternalTensor } from "#lib/onnx/graph.ts";
import type { Lineage } from "#lib/pairing/evidence.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { inOrderAhead } from "#lib/util/in-order-ahead.ts";
import { quantile } from "#lib/util/quantile.ts";
import { type FileSource, openFile } from "#lib/weights/byte-source.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import { readValues } from "#lib/weights/read-tensor.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";
import { changeEntries, type Span } from "./adapted-entries.ts";
import type { Tick } from "./tick.ts";

export interface LineageRequest {
  readonly base: WeightMap;
  readonly fineTune: WeightMap;
  readonly lowRank: readonly AdapterLayers[];
  readonly guideNamesThisBase: boolean;
}

/** Larger tensors are compared in this many evenly spread runs: a cosine over 65,536 entries is known to ± 0.004. */
const RUNS = 16;
const RUN_LENGTH = 4096;

/**
 * L1: cosine and relative distance between the tensors of a fine-tune and of a base, for every tensor of two or more
 * dimensions. Independent trainings give a cosine near 0, fine-tunes stay above 0.95; weights betray parentage (Horwitz et
 * al. 2024, arXiv 2405.18432). Low-rank layers are added to the entries they change.
 */
export async function measureLineage(
  { base, fineTune, lowRank, guideNamesThisBase }: LineageRequest,
  tick: Tick,
): Promise<Lineage> {
  const pairs = base.entries.filter(([, { shape }]) => shape.length >= 2);
  const files = new OpenFiles();
  const sampled = inOrderAhead(pairs, AHEAD, async ([name, before]) => {
    const after = fineTune.find(name);
    if (!after || after.shape.join() !== before.shape.join()) {
      throw new AppError(
        "weights_mismatch",
        `${fineTune.what} and ${base.what} are not of one architecture: "${name}" differs; give the base this model was made from.`,
        { name },
      );
    }
    const spans = spansOf(sizeOf(before.shape));
    const [original, tuned] = await Promise.all([files.sample(before, spans), files.sample(after, spans)]);
    return { name, before, after, spans, original, tuned };
  });
  const rows: { name: string; cosine: number; distance: number; size: number }[] = [];
  try {
    for await (const { name, before, after, spans, original, tuned } of sampled) {
      for (const layers of lowRank) {
        const change = layers.take(name.replace(/\.weight$/, ""), before.shape);
        const whole = (tensor: ExternalTensor): Promise<Float32Array> => files.whole(tensor);
        if (change)
          await changeEntries(change, { shape: before.shape, spans, values: tuned, base: () => whole(after) }, whole);
      }
      rows.push({ name, ...compare(original, tuned), size: sizeOf(before.shape) });
      await tick(rows.length, pairs.length);
    }
  } finally {
    await files.close();
  }
  const sorted = (of: (row: (typeof rows)[number]) => number): number[] => rows.map(of).toSorted((a, b) => a - b);
  const size = rows.reduce((sum, row) => sum + row.size, 0);
  return {
    medianCosine: quantile(
      sorted(({ cosine }) => cosine),
      0.5,
    ),
    lowCosine: quantile(
      sorted(({ cosine }) => cosine),
      0.05,
    ),
    meanCosine: rows.reduce((sum, row) => sum + row.cosine * row.size, 0) / size,
    medianDistance: quantile(
      sorted(({ distance }) => distance),
      0.5,
    ),
    tensors: rows.length,
    furthest: rows
      .filter(({ cosine }) => cosine < thresholds.lineageUnrelated)
      .toSorted((a, b) => a.cosine - b.cosine)
      .slice(0, 3)
      .map(({ name, cosine }) => `${name} (cosine ${cosine.toFixed(2)})`),
    guideNamesThisBase,
  };
}

function spansOf(size: number): Span[] {
  if (size <= RUNS * RUN_LENGTH) return [{ begin: 0, end: size }];
  const stride = (size - RUN_LENGTH) / (RUNS - 1);
  return Array.from({ length: RUNS }, (_, run) => {
    const begin = Math.floor(run * stride);
    return { begin, end: begin + RUN_LENGTH };
  });
}

/** Samples of how many tensors are read while one is compared: a file that is in no cache is waited for once, not for each. */
const AHEAD = 8;

/** The files that tensors lie in, each opened once. */
class OpenFiles {
  readonly #opened = new Map<string, Promise<FileSource>>();

  async sample(tensor: ExternalTensor, spans: readonly Span[]): Promise<Float32Array> {
    const source = await this.#open(tensor.path);
    const parts = await Promise.all(spans.map(({ begin, end }) => readValues(source, tensor, begin, end)));
    if (parts.length === 1) return parts[0]!;
    const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  }

  whole(tensor: ExternalTensor): Promise<Float32Array> {
    return this.sample(tensor, [{ begin: 0, end: sizeOf(tensor.shape) }]);
  }

  async close(): Promise<void> {
    for (const opening of this.#opened.values()) await opening.then((source) => source.close()).catch(() => {});
  }

  #open(path: string): Promise<FileSource> {
    const opening = this.#opened.get(path) ?? openFile(path);
    this.#opened.set(path, opening);
    return opening;
  }
}

function compare(a: Float32Array, b: Float32Array): { cosine: number; distance: number } {
  let [dot, aa, bb, apart] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    dot += x * y;
    aa += x * x;
    bb += y * y;
    apart += (y - x) ** 2;
  }
  // Two tensors of zeros agree; one of zeros and one of numbers have nothing in common.
  if (aa === 0 || bb === 0) return { cosine: aa === bb ? 1 : 0, distance: aa === bb ? 0 : 1 };
  return { cosine: dot / Math.sqrt(aa * bb), distance: Math.sqrt(apart / aa) };
}
