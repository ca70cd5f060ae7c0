import { afterEach, beforeAll } from "vitest";
import { createStubTables, startStubWorker, type StubWorker } from "./stub-jobs.ts";

/**
 * The workers of one suite. Its tables are there before the first test; after each its workers are killed, and then `cleanUp` is
 * done, for they write rows as long as they live.
 */
export function useStubWorkers(
  variables: Readonly<Record<string, string>>,
  cleanUp: () => Promise<unknown> = async () => {},
): { start(): Promise<StubWorker> } {
  const workers: StubWorker[] = [];
  beforeAll(createStubTables);
  afterEach(async () => {
    for (const worker of workers.splice(0)) {
      worker.kill("SIGKILL");
      await worker.ended;
    }
    await cleanUp();
  });
  return {
    async start() {
      const worker = await startStubWorker(variables);
      workers.push(worker);
      return worker;
    },
  };
}
