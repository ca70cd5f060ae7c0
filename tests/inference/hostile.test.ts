import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AppError } from "#lib/errors.ts";
import type { Inspection } from "#lib/inspection/inspection.ts";
import { InferenceProcess } from "#workers/inference/client.ts";
import { hostileCommits } from "../support/hostile-commits.ts";
import { oneStep } from "../support/one-step.ts";

// What strangers commit, at the size or with the claim that costs most to read. A child reads it as on a hub: it says something true, in
// bounded memory and time of its processor, and lives to read the next one. What it says runs is drawn with as well.

const MOST_MB = 500; // more than it had before
const MOST_SECONDS = 12; // of one processor; the largest of a hub's own models takes one

let child: InferenceProcess;
beforeAll(() => void (child = new InferenceProcess()));
afterAll(() => child.close());

interface Taken {
  readonly said: Inspection | AppError | null;
  readonly megabytes: number;
  readonly seconds: number;
}

/** The highest resident memory of the child, counted from when it was last set back. */
const peak = (): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024;
const setBack = (): void => writeFileSync(`/proc/${child.pid}/clear_refs`, "5");
function processorSeconds(): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function take(work: () => Promise<Inspection | null>): Promise<Taken> {
  setBack();
  const [before, held] = [processorSeconds(), peak()];
  const said = await work().catch((failure: unknown) => {
    expect(failure).toBeInstanceOf(AppError);
    return failure as AppError;
  });
  expect(child.isAlive, said instanceof AppError ? said.message : "").toBe(true);
  return { said, megabytes: peak() - held, seconds: processorSeconds() - before };
}

const inspect = (folder: string) => take(async () => (await child.run({ type: "inspect", folder })).inspection);

const draw = (model: string) =>
  take(async () => {
    await child.run(oneStep(model));
    return null;
  });

function requireBounds(what: string, { said, megabytes, seconds }: Taken): void {
  expect(megabytes, what).toBeLessThan(MOST_MB);
  expect(seconds, what).toBeLessThan(MOST_SECONDS);
  if (said instanceof AppError) {
    expect(["internal", "inference_died", "deadline_passed"], `${what}: ${said.message}`).not.toContain(said.code);
    expect(said.message.length, what).toBeLessThan(2000);
  }
}

describe.skipIf(process.platform !== "linux")("what is hostile is read", () => {
  test.for(hostileCommits.map(({ what, make }) => [what, make] as const))("%s", async ([what, make]) => {
    const folder = await mkdtemp(join(tmpdir(), "guidepost-hostile-"));
    try {
      await make(folder);
      const read = await inspect(folder);
      requireBounds(what, read);
      if (!(read.said instanceof AppError)) {
        const { problems, runs, kind } = read.said!;
        expect(JSON.stringify(read.said).length, what).toBeLessThan(1_000_000);
        expect(problems.join("\n")).not.toMatch(/undefined|NaN |\[object|is not a function|Cannot read|RangeError/);
        if (runs && kind === "diffusers folder") requireBounds(`${what}, drawn`, await draw(folder));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
