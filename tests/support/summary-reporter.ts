import type { Reporter, TestCase } from "vitest/node";

/**
 * Ends a run with «N passed, N failed, N skipped», and before it names the skipped tests with their reasons. What fails
 * outside a test (a file that does not load, a hook of a suite, an error nobody caught) counts as one failure each.
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
    const failed = tests.length - passed.length - skipped.length + outside.length + unhandledErrors.length;

    if (!this.#chosenByName) for (const test of skipped) console.log(toLine(test));
    console.log(
      `${passed.length} passed, ${failed === 0 && reason !== "passed" ? 1 : failed} failed, ${skipped.length} skipped`,
    );
  };
}

function toLine(test: TestCase): string {
  const result = test.result();
  const note = result.state === "skipped" && result.note ? `: ${result.note}` : "";
  return `skipped: ${test.module.relativeModuleId} > ${test.fullName}${note}`;
}
