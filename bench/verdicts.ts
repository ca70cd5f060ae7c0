import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { table } from "./table.ts";
import { type GalleryRow, runGallery } from "./verdicts/gallery.ts";
import {
  anyVerified,
  type Characteristic,
  characteristicOf,
  gainOf,
  recoveredOf,
  words,
} from "./verdicts/operating.ts";
import { type Style, styleNames } from "./verdicts/styles.ts";
import { readValues } from "./verdicts/values.ts";

export interface VerdictsResult {
  readonly runs: number;
  readonly styles: readonly {
    readonly style: Style;
    readonly prompts: number;
    readonly gain: number;
    readonly measured: number;
    readonly characteristics: readonly Characteristic[];
    /** How often one or more of an author's guides are verified where R of each is 0.7. */
    readonly anyVerified: number;
  }[];
  /** How often “verified” is said of one or more of so many guides of one author where R of each is 0.7, of the styles the worst. */
  readonly falseVerified: Estimate & { readonly style: Style; readonly guides: number };
  /** How often it is said where R is 0.92, of the styles on which CFG gains at least 0.15 the worst. */
  readonly power: Estimate & { readonly style: Style };
  readonly gallery: { readonly cases: number; readonly errors: number; readonly rows: readonly GalleryRow[] };
}

/** True R of the table; at the first of these “verified” is an error, at the second it should not be missed. */
const [AT_THRESHOLD, GOOD] = [0.7, 0.92];
const recoveries = [0, 0.2, 0.4, 0.55, AT_THRESHOLD, 0.8, GOOD, 1];
const ENOUGH_GAIN = 0.15;
/** Of one author, for one model. */
const GUIDES = 10;

/** What the plan does where the truth is known: by simulation from stored values of prompts, and on pairs that are hard to judge. */
export async function benchVerdicts(runs: number, runtime: Runtime): Promise<VerdictsResult> {
  const styles = await simulate(runs, recoveries);
  const rows = await runGallery(runtime, ({ name, found }) => void process.stderr.write(`${name}: ${found}\n`));
  return {
    runs,
    styles,
    falseVerified: {
      ...worst(
        styles,
        (one) => one.anyVerified,
        runs,
        (a, b) => b - a,
      ),
      guides: GUIDES,
    },
    power: worst(
      styles.filter(({ gain }) => gain >= ENOUGH_GAIN),
      ({ characteristics }) => characteristics.find(({ recovered }) => recovered === GOOD)!.shares.verified,
      runs,
      (a, b) => a - b,
    ),
    gallery: { cases: rows.length, errors: rows.filter(({ isRight }) => !isRight).length, rows },
  };
}

export async function simulate(runs: number, at: readonly number[]): Promise<VerdictsResult["styles"]> {
  const values = await readValues();
  return styleNames.map((style) => ({
    style,
    prompts: values[style].length,
    gain: gainOf(values[style]),
    measured: recoveredOf(values[style]),
    characteristics: at.map((recovered) => characteristicOf(values[style], recovered, runs)),
    anyVerified: anyVerified(values[style], AT_THRESHOLD, runs, GUIDES),
  }));
}

/** With the interval that so many runs give a share (Wilson 1927). */
function worst(
  styles: VerdictsResult["styles"],
  valueOf: (one: VerdictsResult["styles"][number]) => number,
  runs: number,
  order: (a: number, b: number) => number,
): Estimate & { readonly style: Style } {
  const [first] = styles
    .map((one) => ({ style: one.style, value: valueOf(one) }))
    .toSorted((a, b) => order(a.value, b.value));
  const { style, value } = first!;
  const z = 1.96;
  const middle = (value + z ** 2 / (2 * runs)) / (1 + z ** 2 / runs);
  const half = (z / (1 + z ** 2 / runs)) * Math.sqrt((value * (1 - value)) / runs + z ** 2 / (4 * runs ** 2));
  return { style, value, low: middle - half, high: middle + half, n: runs };
}

export function showVerdicts({ runs, styles, falseVerified, power, gallery }: VerdictsResult): string {
  const share = (value: number): string => value.toFixed(3);
  const perStyle = styles.map(({ style, prompts, gain, measured, characteristics }) => {
    const rows = characteristics.map(({ recovered, shares, prompts: drawn }) => [
      recovered.toFixed(2),
      ...words.map((word) => share(shares[word])),
      drawn.toFixed(0),
    ]);
    return `${style}: CFG gains ${share(gain)}, guide-tiny recovers ${share(measured)} on ${prompts} prompts\n\n${table([["true R", ...words, "prompts drawn"], ...rows])}`;
  });
  const of = ({ value, low, high, style }: Estimate & { readonly style: Style }): string =>
    `${value.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}], ${style}`;
  const hard = gallery.rows.map(({ name, truth, found, recovered, isRight }) => [
    name,
    truth.join(" | "),
    found,
    recovered === null ? "" : recovered.toFixed(2),
    isRight ? "" : "wrong",
  ]);
  return [
    ...perStyle,
    `${runs} runs of the whole plan each.\n“verified” of one or more of ${falseVerified.guides} guides of one author, where R of each is ${AT_THRESHOLD}: ${of(falseVerified)}\n“verified” where R is ${GOOD} and CFG gains at least ${ENOUGH_GAIN}: ${of(power)}`,
    `${table([["hard case, at the first look", "true", "found", "R", ""], ...hard])}\n\n${gallery.cases} cases, ${gallery.errors} wrong.`,
  ].join("\n\n");
}
