import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { readEvaluator } from "#lib/measure/open-evaluator.ts";
import { layoutFor, openNetworks } from "#lib/measure/pair-networks.ts";
import { measureStyle } from "#lib/measure/style/measure-style.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { accuraciesOn, type Accuracies, attributes } from "#lib/pairing/measured-accuracies.ts";
import { intervalOfShare, readWellIn, type StyleTest, tookOn } from "#lib/pairing/style-test.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { starterPath } from "./starter-path.ts";
import { table } from "./table.ts";
import { evaluator, type Style, styleNames, tiny, unitOf } from "./verdicts/styles.ts";

export interface StylesResult {
  readonly styles: readonly {
    readonly style: Style;
    readonly test: StyleTest;
    /** On rendered pictures, as the makers of the starter measured it. */
    readonly truth: Accuracies;
  }[];
  /** Attributes that were counted though they are read too badly for it. */
  readonly wronglyScored: number;
}

/** How well the evaluator reads styles of which that is known, as a hub measures it of one where nobody knows. */
export async function benchStyles(rounds: number, runtime: Runtime): Promise<StylesResult> {
  const styles = [];
  for (const style of styleNames.slice(0, rounds)) {
    const test = await testOf(style, runtime);
    process.stderr.write(`${style}: ${JSON.stringify(test)}\n`);
    styles.push({ style, test, truth: accuraciesOn(await sha256OfFile(evaluator), style)! });
  }
  const wronglyScored = styles.reduce(
    (sum, { test, truth }) =>
      sum + (tookOn(test) ? readWellIn(test).filter((one) => truth[one] < thresholds.evaluatorCertain).length : 0),
    0,
  );
  return { styles, wronglyScored };
}

async function testOf(style: Style, runtime: Runtime): Promise<StyleTest> {
  await using opened = new AsyncDisposableStack();
  const files = await readModelFiles({ ...unitOf(style), guide: null });
  const readers = [await readEvaluator(evaluator)];
  const networks = await openNetworks(files, await readGuideFile(tiny), readers, layoutFor(files, {}), runtime, opened);
  const base = await readModelFiles({ model: starterPath("storybook"), lowRank: [], guide: null });
  const [test] = (await measureStyle(
    networks,
    [networks.evaluators[0]!.network.known!],
    base,
    runtime,
    async () => {},
  ))!;
  return test!;
}

export function showStyles({ styles, wronglyScored }: StylesResult): string {
  const rows = styles.flatMap(({ style, test, truth }) =>
    attributes.map((one) => {
      const { right, of } = test.read[one];
      const { low, high } = intervalOfShare(test.read[one]);
      return [
        style,
        one,
        truth[one].toFixed(3),
        `${(right / of).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`,
        tookOn(test) && readWellIn(test).includes(one) ? "counts" : "",
      ];
    }),
  );
  const looks = styles.map(({ style, test, test: { distance } }) => [
    style,
    distance.before.toFixed(2),
    distance.after.toFixed(2),
    distance.floor.toFixed(2),
    tookOn(test) ? "taken on" : "not taken on",
  ]);
  return `${table([["style", "attribute", "rendered", "drawn anew", ""], ...rows])}\n\n${table([["style", "scenes", "drawn anew", "by chance", "its look"], ...looks])}\n\n${wronglyScored} attributes counted that are read right in less than ${thresholds.evaluatorCertain}.`;
}
