import { readFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { firstRun, type FirstRun } from "./first-run.ts";

/**
 * Ends a run with “N passed, N failed, N skipped”, and before it names the skipped tests with their reasons. What fails
 * outside a test (a file that does not load, a hook of a suite, an error nobody caught) counts as one failure each; and so does
 * a skipped test that is not named in the file GUIDEPOST_ALLOWED_SKIPS, where that is set.
 *
 * Of a run that failed in few files GUIDEPOST_FIRST_RUN keeps which, for a second run of those alone: that one counts what passed
 * elsewhere in the first, and names what failed then and passed now.
 */
export default class SummaryReporter implements Reporter {
  #chosenByName = false;

  onInit: NonNullable<Reporter["onInit"]> = (vitest) => {
    this.#chosenByName = vitest.config.testNamePattern !== undefined;
  };

  onTestRunEnd: NonNullable<Reporter["onTestRunEnd"]> = (modules, unhandledErrors, reason) => {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === "passed");
    const skipped = tests.filter((test) => test.result().state === "skipped");
    const outside = modules
      .flatMap((module) => [module, ...module.children.allSuites()])
      .filter((suite) => suite.errors().length > 0);
    const forbidden = this.#chosenByName ? [] : skipped.filter((test) => !isAllowed(test));
    const failed =
      tests.length - passed.length - skipped.length + outside.length + unhandledErrors.length + forbidden.length;

    if (!this.#chosenByName) for (const test of skipped) console.log(toLine(test));
    if (forbidden.length > 0) process.exitCode = 1;
    for (const test of forbidden) console.log(`not allowed to be skipped: ${nameOf(test)}`);
    const failures = failed === 0 && reason !== "passed" ? 1 : failed;
    const before = firstRun.read();
    const now = new Set([
      ...passed.map(nameOf),
      ...modules.filter((module) => module.ok()).map(({ relativeModuleId }) => relativeModuleId),
    ]);
    for (const name of before.failed) if (now.has(name)) console.log(`failed at first, passed by itself: ${name}`);
    if (failures > 0 && unhandledErrors.length === 0 && forbidden.length === 0) firstRun.write(toFirstRun(modules));
    console.log(
      `${before.passed + passed.length} passed, ${failures} failed, ${before.skipped + skipped.length} skipped`,
    );
  };
}

/** What a second run of the files that failed needs to know of the first. */
function toFirstRun(modules: readonly TestModule[]): FirstRun {
  const [bad, good] = [modules.filter((module) => !module.ok()), modules.filter((module) => module.ok())];
  const count = (state: "passed" | "skipped"): number =>
    good.reduce((sum, module) => sum + [...module.children.allTests(state)].length, 0);
  return {
    files: bad.map(({ relativeModuleId }) => relativeModuleId),
    failed: bad.flatMap((module) => {
      const tests = [...module.children.allTests("failed")].map(nameOf);
      return tests.length > 0 ? tests : [module.relativeModuleId]; // a hook, or the file itself
    }),
    passed: count("passed"),
    skipped: count("skipped"),
  };
}

function toLine(test: TestCase): string {
  const result = test.result();
  const note = result.state === "skipped" && result.note ? `: ${result.note}` : "";
  return `skipped: ${nameOf(test)}${note}`;
}

const nameOf = (test: TestCase): string => `${test.module.relativeModuleId} > ${test.fullName}`;

const allowedFile = process.env["GUIDEPOST_ALLOWED_SKIPS"];
/** A line each: the beginning of a test's name, two spaces or more, the reason. */
const allowed = allowedFile
  ? readFileSync(allowedFile, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(/ {2,}/)[0]!)
  : [""];
const isAllowed = (test: TestCase): boolean => allowed.some((name) => nameOf(test).startsWith(name));
