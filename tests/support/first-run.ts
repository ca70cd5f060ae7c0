import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** Of a run of all tests: the files with a failure, and how many tests passed and were skipped in the others. */
export interface FirstRun {
  readonly files: readonly string[];
  /** The full names of the tests that failed; of a file that failed outside its tests its own. */
  readonly failed: readonly string[];
  readonly passed: number;
  readonly skipped: number;
}

const NONE: FirstRun = { files: [], failed: [], passed: 0, skipped: 0 };
const place = process.env["GUIDEPOST_FIRST_RUN"];

/** What the file GUIDEPOST_FIRST_RUN holds; without that variable nothing is kept. */
export const firstRun = {
  read: (): FirstRun =>
    place !== undefined && existsSync(place) ? (JSON.parse(readFileSync(place, "utf8")) as FirstRun) : NONE,
  write(run: FirstRun): void {
    if (place !== undefined && !existsSync(place)) writeFileSync(place, JSON.stringify(run));
  },
};
