import { expect, test } from "vitest";
import { AppError } from "#lib/errors.ts";
import { InferenceProcess } from "#workers/inference/client.ts";

// Whatever a child says, its parent ends that job and lives: an exception that nobody catches would fail this file.

const script = new URL("./garbage-child.ts", import.meta.url);

async function answerTo(garbage: string, seed: number): Promise<unknown> {
  const child = new InferenceProcess(script);
  try {
    return await child.run({ type: "inspect", folder: `${garbage} ${seed}` }, { deadline: 3000 });
  } catch (failure) {
    return failure;
  } finally {
    child.close();
  }
}

const times = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

test.for([
  ["bytes", 4],
  ["clone", 12],
  ["text", 1],
  ["line", 2],
  ["huge", 1],
  ["empty", 1],
  ["cut", 12],
  ["odd", 12],
  ["value", 12],
  ["another", 1],
  ["shape", 1],
  ["nothing-known", 1],
  ["flood", 2],
  ["leaves", 6],
  ["dies", 4],
] as const)("garbage of the kind “%s” ends its job", async ([garbage, count]) => {
  for (const seed of times(count)) {
    const failure = await answerTo(garbage, seed);
    expect(failure, `${garbage} ${seed}`).toBeInstanceOf(AppError);
    expect((failure as AppError).detail["stderr"] ?? "").toBe(""); // it said what it was to say
    expect(["inference_died", "deadline_passed"], `${garbage} ${seed}`).toContain((failure as AppError).code);
  }
});

test("half a message and then nothing ends at the deadline", async () => {
  expect(await answerTo("silent", 1)).toMatchObject({ code: "deadline_passed" });
});

test("one bit of an answer that is another one makes it another answer or none", async () => {
  for (const seed of times(16)) expect(await answerTo("flipped", seed)).toBeInstanceOf(AppError);
});

test("a sentence of a child can be stored, whatever is in it", async () => {
  const { message } = (await answerTo("sentence", 1)) as AppError;
  expect(message.length).toBeLessThanOrEqual(4000);
  expect(message).not.toContain("\0");
  expect(message.isWellFormed()).toBe(true);
});

test("what comes after the end of a job is no answer to the next one", async () => {
  const child = new InferenceProcess(script);
  try {
    await expect(child.run({ type: "inspect", folder: "after 1" })).rejects.toMatchObject({ code: "internal" });
    await expect.poll(() => child.isAlive).toBe(false);
    await expect(child.run({ type: "inspect", folder: "another 1" })).rejects.toMatchObject({ code: "inference_died" });
  } finally {
    child.close();
  }
});
