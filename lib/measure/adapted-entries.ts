import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import type { LowRankChange, WeightChange } from "#lib/weights/adapters/weight-change.ts";

/** Entries begin … end of a tensor, counted in row-major order. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

export interface Entries {
  readonly shape: readonly number[];
  readonly spans: readonly Span[];
  /** Of the weight as the adapters before this one left it; overwritten. */
  readonly values: Float32Array;
  /** All of the base's own weight; asked for by DoRA alone. */
  readonly base: () => Promise<Float32Array>;
}

/** Applies an adapter's change to some entries of a weight: what `adaptedWeight` does to all of it, as a graph. */
export async function changeEntries(
  change: WeightChange,
  { shape, spans, values, base }: Entries,
  read: (tensor: ExternalTensor) => Promise<Float32Array>,
): Promise<void> {
  const rest = sizeOf(shape.slice(1));
  const { strength } = change;
  const rowOf =
    change.kind === "full" ? fullRows(await read(change.difference), rest) : await rowsOf(change, rest, read);
  const dora = change.kind === "low rank" && change.magnitude ? change.magnitude : null;
  if (!dora) {
    forEachEntry(spans, rest, rowOf, (at, _entry, delta) => void (values[at]! += strength * delta));
    return;
  }
  const original = await base();
  const step = dora.rule === "PEFT" ? strength : 1;
  const magnitudes = await read(dora.tensor);
  const pixels = sizeOf(shape.slice(2));
  const factor = factors(dora.of, { rowOf, original, magnitudes, step, rest, pixels });
  forEachEntry(spans, rest, rowOf, (at, entry, delta) => {
    const scaling = factor(entry);
    if (dora.rule === "PEFT") values[at] = scaling * (values[at]! + strength * delta);
    else values[at]! += strength * (scaling * (original[entry]! + delta) - original[entry]!);
  });
}

/** Row o of ΔW, [in·k·k]; the next call may overwrite it. */
type Rows = (o: number) => Float64Array<ArrayBuffer>;

const fullRows =
  (difference: Float32Array, rest: number): Rows =>
  (o) =>
    Float64Array.from(difference.subarray(o * rest, (o + 1) * rest));

/** Σᵣ up[o, r] · down[r, i], or Σ up[o, p] · mid[p, q, x] · down[q, i] at every pixel x. */
async function rowsOf(
  change: LowRankChange,
  rest: number,
  read: (tensor: ExternalTensor) => Promise<Float32Array>,
): Promise<Rows> {
  const [ups, downs, rank] = [await read(change.up), await read(change.down), change.down.shape[0]!];
  const mids = change.mid ? await read(change.mid) : null;
  const row = new Float64Array(rest);
  const width = downs.length / rank;
  const pixels = rest / width;
  return (o) => {
    row.fill(0);
    for (let q = 0; q < rank; q++) {
      for (let x = 0; x < pixels; x++) {
        let left = mids ? 0 : ups[o * rank + q]!;
        if (mids) for (let p = 0; p < rank; p++) left += ups[o * rank + p]! * mids[(p * rank + q) * pixels + x]!;
        for (let i = 0; i < width; i++) row[i * pixels + x]! += change.scale * left * downs[q * width + i]!;
      }
    }
    return row;
  };
}

function forEachEntry(
  spans: readonly Span[],
  rest: number,
  rowOf: Rows,
  visit: (at: number, entry: number, delta: number) => void,
): void {
  let [at, known] = [0, -1];
  let row = new Float64Array(0);
  for (const { begin, end } of spans) {
    for (let entry = begin; entry < end; entry++, at++) {
      const o = Math.floor(entry / rest);
      if (o !== known) row = rowOf((known = o));
      visit(at, entry, row[entry % rest]!);
    }
  }
}

interface Lengths {
  readonly rowOf: Rows;
  readonly original: Float32Array;
  readonly magnitudes: Float32Array;
  readonly step: number;
  readonly rest: number;
  readonly pixels: number;
}

/** m / ‖W + step · ΔW‖ at an entry. */
function factors(of: "outputs" | "inputs", lengths: Lengths): (entry: number) => number {
  const { rowOf, original, magnitudes, step, rest, pixels } = lengths;
  if (of === "outputs") {
    const known = new Map<number, number>();
    return (entry) => {
      const o = Math.floor(entry / rest);
      let factor = known.get(o);
      if (factor === undefined) {
        const row = rowOf(o);
        let sum = 0;
        for (let i = 0; i < rest; i++) sum += (original[o * rest + i]! + step * row[i]!) ** 2;
        factor = magnitudes[o]! / Math.sqrt(sum);
        known.set(o, factor);
      }
      return factor;
    };
  }
  const sums = new Float64Array(rest / pixels);
  for (let o = 0; o < original.length / rest; o++) {
    const row = rowOf(o);
    for (let i = 0; i < rest; i++) sums[Math.floor(i / pixels)]! += (original[o * rest + i]! + step * row[i]!) ** 2;
  }
  return (entry) => {
    const i = Math.floor((entry % rest) / pixels);
    return magnitudes[i]! / Math.sqrt(sums[i]!);
  };
}
