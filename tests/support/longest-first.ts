import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take half a minute and more, the longest first: begun last, one of them would run on alone. */
const LONG = [
  "tests/browser/pages.test.ts",
  "tests/start/story.test.ts",
  "tests/gate/gates.test.ts",
  "tests/start/start.test.ts",
  "tests/cli/check.test.ts",
  "tests/start/faults.test.ts",
  "tests/crash/results.test.ts",
  "tests/workers/evidence-check.test.ts",
  "tests/unit/catalog/who-may-see.test.ts",
  "tests/workers/evidence-inspect.test.ts",
  "tests/unit/auth/permissions.test.ts",
  "tests/bench/bench.test.ts",
  "tests/cli/sample.test.ts",
  "tests/unit/storage/s3.test.ts",
  "tests/workers/single-file.test.ts",
  "tests/workers/preview.test.ts",
  "tests/workers/hours.test.ts",
  "tests/workers/worker.test.ts",
];

/** A fresh clone knows nothing of earlier runs, so the order is by what is known here, and then by what vitest knows. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = LONG.findIndex((path) => moduleId.endsWith(`/${path}`));
      return found < 0 ? LONG.length : found;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's own method, though named alike
    const byTime = await super.sort(files);
    return byTime.toSorted((a, b) => rank(a) - rank(b));
  }
}
