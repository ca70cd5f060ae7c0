import { readdir, stat, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPair, type PairReport, type StageTick } from "#lib/measure/pair-check.ts";
import { openTape, TeacherTape } from "#lib/measure/teacher.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter, testRuntime } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function check(
  guide: string,
  { tapes = null as string | null, key = "watercolor" } = {},
): Promise<{ report: PairReport; ticks: number }> {
  let ticks = 0;
  const tick: StageTick = async (stage) => void (stage === "pictures" && ticks++);
  const request = {
    model: starter("watercolor"),
    lowRank: [],
    guide: starter(`${guide}/guide.safetensors`),
    base: null,
    evaluators: [starter("evaluator/evaluator.safetensors")],
    prompts: null,
    pictures: 2,
    before: null,
    domain: null,
    memory: null,
  };
  const report = await checkPair(
    { ...request, tapes: tapes === null ? null : { folder: tapes, key } },
    testRuntime,
    tick,
  );
  return { report, ticks };
}

describe("what a model does by itself", () => {
  test("is played back for its next guide, to the same bit, spares two pictures of three, and is lost without harm", async () => {
    const tapes = folder.path("tapes");
    await check("guide-tiny", { tapes });
    await writeFile(folder.path("a-file"), "");
    const nowhere = folder.path("a-file/within"); // where nothing can be kept it is lost without harm
    const [played, anew] = [await check("guide-small", { tapes }), await check("guide-small", { tapes: nowhere })];
    expect(played.report).toEqual(anew.report);
    expect([played.ticks, anew.ticks]).toEqual([20, 60]);
    expect(await readdir(tapes)).toHaveLength(1);

    // A file that is broken is as good as none.
    const [name] = await readdir(tapes);
    const { size } = await stat(`${tapes}/${name}`);
    await truncate(`${tapes}/${name}`, size - 1);
    expect(await check("guide-small", { tapes })).toEqual({ report: anew.report, ticks: 60 });
    expect((await stat(`${tapes}/${name}`)).size).toBe(size);

    expect((await check("guide-small", { tapes, key: "pencil" })).ticks).toBe(60);
    expect(await readdir(tapes)).toHaveLength(2);
  });
});

test("a tape keeps every bit of its numbers", async () => {
  const place = { folder: folder.path("bits"), key: "k" };
  const values = (bits: number[]) => tensor(new Float32Array(Uint32Array.from(bits).buffer), [1, bits.length]);
  const step = { conditional: values([0x80000000, 1, 0x7f7fffff]), cfg: values([0x3f800001, 0xff800000, 0]) };
  const features = { conditional: values([0x7f7fffff, 1]), cfg: values([0x80000001]) };
  const kept = [
    { conditional: [1 / 3, 0.1 + 0.2], cfg: [5e-324], features },
    { conditional: [0.5], cfg: [0.25], features },
  ];
  const first = await openTape(place, {});
  await first.tape.step(async () => step);
  first.tape.keep(kept);
  await first.save();
  const { tape } = await openTape(place, {});
  expect(tape).toBeInstanceOf(TeacherTape);
  expect(await tape.step(() => expect.unreachable())).toEqual(step);
  expect(tape.kept).toEqual(kept);
});
