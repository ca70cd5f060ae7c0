import { measureLineage } from "#lib/measure/lineage.ts";
import { contractOf } from "#lib/pairing/contract.ts";
import { structureMismatches, type UNetSignature } from "#lib/pairing/signature.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { progress } from "./progress.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { sdxlPath, writeSdxl } from "./synthetic-sdxl.ts";
import { table } from "./table.ts";

export interface ScreeningResult {
  readonly rounds: number;
  /** Guides held against models by what their configs say, and how many a second. */
  readonly pairs: number;
  readonly structure: Spread;
  readonly ofThemFit: number;
  /** Seconds for the weights of a model of 6.9 GB against those of its base, and how many tensors were looked at. */
  readonly lineage: Spread;
  readonly tensors: number;
  readonly medianCosine: number;
}

const MODELS = 1000;

/** What is known of a pair before anything runs: of its structure (L0) from stored signatures, of its parentage (L1) from samples of the weights. */
export async function benchScreening(rounds: number): Promise<ScreeningResult> {
  const signatures = Array.from({ length: MODELS }, (_, i) => signatureOf(i));
  await writeSdxl();
  const [structure, lineage]: number[][] = [[], []];
  let [ofThemFit, tensors, medianCosine] = [0, 0, NaN];
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    const began = performance.now();
    ofThemFit = countFits(signatures);
    structure!.push(MODELS ** 2 / seconds(began));

    // One file stands for both: they are opened, and their samples are read, each by itself.
    const opening = performance.now();
    const [base, fineTune] = [await weightsOf("base"), await weightsOf("fine-tune")];
    const found = await measureLineage({ base, fineTune, lowRank: [], guideNamesThisBase: false }, async () => {});
    lineage!.push(seconds(opening));
    ({ tensors, medianCosine } = found);
  }
  progress("");
  const spreads = { structure: spreadOf(structure!), lineage: spreadOf(lineage!) };
  return { rounds, pairs: MODELS ** 2, ...spreads, ofThemFit, tensors, medianCosine };
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

async function weightsOf(name: string): Promise<WeightMap> {
  const file = await readWeightsFile(sdxlPath);
  return new WeightMap(name, [file]);
}

/** Whatever has another contract has a reason in words, and the other way round. */
function countFits(signatures: readonly UNetSignature[]): number {
  const contracts = signatures.map(contractOf);
  let fits = 0;
  for (const [i, guide] of signatures.entries())
    for (const [j, model] of signatures.entries()) {
      const mismatches = contracts[i] === contracts[j] ? [] : structureMismatches(guide, model);
      if (mismatches.length === 0) fits++;
    }
  return fits;
}

const signatureOf = (i: number): UNetSignature => ({
  inChannels: i % 7 === 0 ? 9 : 4,
  channels: i % 3 === 0 ? [320, 640, 1280] : [320, 640, 1280, 1280],
  layersPerBlock: i % 3 === 0 ? [2, 2, 2] : [2, 2, 2, 2],
  downAttends: i % 3 === 0 ? [false, true, true] : [true, true, true, false],
  crossAttentionDim: [768, 1024, 2048][i % 3]!,
  predictionType: i % 5 === 0 ? "v_prediction" : "epsilon",
});

export function showScreening({
  rounds,
  pairs,
  structure,
  ofThemFit,
  lineage,
  tensors,
  medianCosine,
}: ScreeningResult): string {
  return `${table([
    ["before anything runs", "median (range)", ""],
    ["L0, pairs a second from stored signatures", spread(structure), `${ofThemFit} of ${pairs} fit`],
    [
      "L1, seconds for a file of 6.9 GB beside its base",
      spread(lineage, 2),
      `${tensors} tensors, cosine ${medianCosine.toFixed(2)}`,
    ],
  ])}\n\n${rounds} rounds; L1 with both files in the system's cache.`;
}
