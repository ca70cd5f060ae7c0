import { readdir, stat, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPair, type PairReport, type StageTick } from "#lib/measure/pair-check.ts";
import { Pieces } from "#lib/measure/pieces.ts";
import { withTape } from "#lib/measure/teacher.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter, testRuntime } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const evaluator = starter("evaluator/evaluator.safetensors");

async function check(
  guide: string,
  { kept, key = "watercolor", stopAt = Infinity }: { kept: string | null; key?: string; stopAt?: number },
): Promise<{ report: PairReport; ticks: number }> {
  let ticks = 0;
  const tick: StageTick = async (stage) => {
    if (stage === "pictures" && ++ticks === stopAt) throw new Error("the worker is gone");
  };
  const request = {
    model: starter("watercolor"),
    lowRank: [],
    guide: starter(`${guide}/guide.safetensors`),
    base: null,
    evaluators: [evaluator],
    prompts: null,
    pictures: 2,
    before: null,
    domain: null,
    memory: null,
    kept: kept === null ? null : { folder: kept, key, evaluators: ["e"] },
  };
  return { report: await checkPair(request, testRuntime, tick), ticks };
}

/** When each was last written, by name. */
const written = async (path: string): Promise<Map<string, number>> =>
  new Map(
    await Promise.all((await readdir(path)).map(async (name) => [name, (await stat(`${path}/${name}`)).ino] as const)),
  );

describe("what a model does by itself", () => {
  test("is taken from what is kept for its next guide, to the same bit, and is lost without harm", async () => {
    const kept = folder.path("kept");
    await check("guide-tiny", { kept });
    const before = await written(kept);
    // Four guidances of single steps; no guidance and CFG, drawn and read.
    expect(before.size).toBe(8);
    await writeFile(folder.path("a-file"), "");
    const nowhere = folder.path("a-file/within"); // where nothing can be kept it is lost without harm
    const [played, anew] = [
      await check("guide-distilled", { kept }),
      await check("guide-distilled", { kept: nowhere }),
    ];
    expect(played).toEqual(anew);
    expect(await written(kept)).toEqual(before); // nothing was drawn anew

    // Files that are broken are as good as none.
    for (const name of before.keys()) await truncate(`${kept}/${name}`, (await stat(`${kept}/${name}`)).size - 1);
    expect(await check("guide-distilled", { kept })).toEqual(anew);
    const after = await written(kept);
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted());
    for (const [name, inode] of after) expect(inode).not.toBe(before.get(name));

    await check("guide-distilled", { kept, key: "pencil" });
    expect((await written(kept)).size).toBe(16);
  });

  test("is kept piece by piece: a measurement whose worker was lost goes on after the last", async () => {
    const kept = folder.path("lost");
    await expect(check("guide-tiny", { kept, stopAt: 55 })).rejects.toThrow("the worker is gone"); // while it draws CFG's
    const left = await written(kept);
    expect(left.size).toBe(6);
    const whole = await check("guide-tiny", { kept });
    expect(whole.report).toEqual((await check("guide-tiny", { kept: null })).report);
    const after = await written(kept);
    expect(after.size).toBe(8);
    for (const [name, inode] of left) expect(after.get(name)).toBe(inode);
  });
});

test("a tape keeps every bit of its numbers, and is played again from its beginning", async () => {
  const pieces = new Pieces({ folder: folder.path("bits"), key: "k" }, {});
  const values = (bits: number[]) => tensor(new Float32Array(Uint32Array.from(bits).buffer), [1, bits.length]);
  const steps = [
    { conditional: values([0x80000000, 1, 0x7f7fffff]), cfg: values([0x3f800001, 0xff800000, 0]) },
    { conditional: values([2, 3, 4]), cfg: values([5, 6, 7]) },
  ];
  const recipe = { of: "these" };
  const record = async (): Promise<void> => {
    await withTape(pieces, recipe, async (tape) => {
      for (const step of steps) await tape.step(async () => step);
    });
  };
  await record();
  await withTape(pieces, recipe, async (tape) => {
    for (const again of [tape, tape.again()])
      for (const step of steps) expect(await again.step(() => expect.unreachable())).toEqual(step);
  });
  const numbers = [1 / 3, 0.1 + 0.2, 5e-324];
  await pieces.write({ of: "numbers" }, { tensors: new Map(), numbers });
  expect((await pieces.read({ of: "numbers" }))!.numbers).toEqual(numbers);
  expect(await pieces.read({ of: "others" })).toBeNull();
  await expect(
    withTape(pieces, { of: "half" }, async (tape) => {
      await tape.step(async () => steps[0]!);
      throw new Error("lost");
    }),
  ).rejects.toThrow("lost");
  expect(await pieces.read({ of: "half" })).toBeNull();
});
