import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mkdir } from "node:fs/promises";
import { denoise } from "#lib/diffusion/denoise.ts";
import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import { openUNet, type UNet } from "#lib/diffusion/unet-networks.ts";
import { createBatches } from "#lib/distill/batches.ts";
import { generatorFor, uniform } from "#lib/distill/random.ts";
import { ratesAt } from "#lib/distill/rates.ts";
import { type Recipe, recipeFor } from "#lib/distill/recipe.ts";
import { usualChoice } from "#lib/pairing/guide-choice.ts";
import { readSubject, type Subject } from "#lib/distill/subject.ts";
import { drawMissing } from "#lib/distill/teacher/draw-missing.ts";
import { StatePieces } from "#lib/distill/teacher/state-pieces.ts";
import { statesIn, walksOf } from "#lib/distill/teacher/walks.ts";
import { rows } from "#lib/tensor/tensor.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { testRuntime } from "../../support/golden.ts";

const prompts = ["a red house", "a boat at sea", "a tree", "two stars"];
const recipe: Recipe = recipeFor(
  { ...usualChoice, trajectories: 10, batch: 8, guidance: { low: 2, high: 6 }, seed: 5 },
  { prompts: { source: "a test", count: prompts.length, sha256: "" }, rows: 4, heldOut: 1 },
);
const walks = walksOf(recipe.teacher);
const total = walks.reduce((sum, one) => sum + statesIn(one), 0);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let subject: Subject;
let unet: UNet;
let pieces: StatePieces;
beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(folder.path("states"));
  subject = await readSubject("tests/golden/families/sd1", null, testRuntime);
  unet = await openUNet(subject.parts, testRuntime);
  pieces = new StatePieces(folder.path("states"), "a key");
  await drawMissing(subject, recipe, prompts, pieces, async () => {});
});
afterAll(async () => {
  await unet.close();
  await folder.remove();
});

const closeTo = (actual: Float32Array, expected: Float32Array): void => {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
};

describe("the base's own states", () => {
  test("are those that sampling under CFG passes through, each walk at its own guidance", async () => {
    for (const { piece, count, steps, states } of walks.slice(0, 2)) {
      const draws = generatorFor(recipe.seed, "walks", piece);
      const noise = draws.randn([count, 4, 8, 8]);
      for (let walk = 0; walk < count; walk++) {
        const guidanceScale = Math.fround(2 + 4 * uniform(draws));
        const own = Array.from({ length: steps }, (_, i) => ({ piece, state: walk * states + i }));
        const { latents, guidanceScales, conditioning } = await pieces.read(own);
        expect(new Set(guidanceScales)).toEqual(new Set([guidanceScale]));
        const first = await pieces.read([{ piece, state: walk * states }]);
        closeTo(first.latents.data, rows(noise, walk, walk + 1).data);
        const { empty } = await emptyText();
        let at = 0;
        for await (const step of denoise(
          { unet, guide: null, cfgLayout: "two passes" },
          {
            plan: { mode: "cfg", guidanceScale, cfgSteps: 0 },
            schedule: subject.files.model.schedule,
            sampler: "ddim",
            steps,
            noise: rows(noise, walk, walk + 1),
            texts: { conditional: conditioningRows(conditioning, 0, 1), unconditional: empty },
          },
        )) {
          at = step.done;
          if (at < steps) closeTo(rows(latents, at, at + 1).data, step.latents.data);
        }
        expect(at).toBe(steps);
      }
    }
  });

  test("end with the walk's picture, noised to a timestep of the training, and what the base predicts there", async () => {
    const { piece, steps, states } = walks[0]!;
    const { latents, conditional, unconditional, timesteps, conditioning } = await pieces.read([
      { piece, state: states - 1 },
    ]);
    expect(states).toBe(steps + 2);
    expect(timesteps[0]).toBeGreaterThanOrEqual(0);
    expect(timesteps[0]).toBeLessThan(1000);
    closeTo((await unet.predict(latents, timesteps[0]!, conditioning, null)).data, conditional.data);
    closeTo((await unet.predict(latents, timesteps[0]!, (await emptyText()).empty, null)).data, unconditional.data);
  });

  test("that are there are not drawn again, and one that was cut short or is of another run is", async () => {
    let predictions = 0;
    const count = async (): Promise<void> => void predictions++;
    await drawMissing(subject, recipe, prompts, pieces, count);
    expect(predictions).toBe(0);
    const other = new StatePieces(folder.path("states"), "another key");
    expect(await other.has(0)).toBe(false);
    await expect(other.read([{ piece: 0, state: 0 }])).rejects.toThrow("are not those of this run any more");
  });
});

async function emptyText() {
  const { openText } = await import("#lib/diffusion/pipeline.ts");
  const { wholePicture } = await import("#lib/diffusion/text-conditioner.ts");
  const text = await openText(subject.files, testRuntime);
  const empty = await text.condition([null], wholePicture({ height: 64, width: 64 }));
  await text.close();
  return { empty };
}

describe("batches", () => {
  test("bring every state once in each round", async () => {
    const batchOf = createBatches(recipe, pieces);
    const seen: string[] = [];
    for (let step = 0; step * 8 < 2 * total; step++) {
      const { latents } = await batchOf(step);
      for (let row = 0; row < 8; row++)
        seen.push(
          rows(latents, row, row + 1)
            .data.slice(0, 4)
            .join(),
        );
    }
    expect(new Set(seen.slice(0, total)).size).toBe(total);
    expect(new Set(seen.slice(total, 2 * total))).toEqual(new Set(seen.slice(0, total)));
    expect(seen.slice(total, 2 * total)).not.toEqual(seen.slice(0, total));
  });

  test("are the same whoever asks and after whatever, and others at another step or seed", async () => {
    const batchOf = createBatches(recipe, pieces);
    const [fifth, first] = [await batchOf(4), await batchOf(0)];
    expect(await createBatches(recipe, pieces)(4)).toEqual(fifth);
    expect(first).not.toEqual(fifth);
    expect(await createBatches({ ...recipe, seed: 6 }, pieces)(4)).not.toEqual(fifth);
  });

  test("ask for CFG at their guidance, half of them at their walk's own", async () => {
    const batchOf = createBatches(recipe, pieces);
    const own = new Set<number>();
    for (const { piece, count, states } of walks)
      for (let walk = 0; walk < count; walk++)
        own.add((await pieces.read([{ piece, state: walk * states }])).guidanceScales[0]!);
    let kept = 0;
    const batches = 40;
    for (let step = 0; step < batches; step++) {
      const { guidanceScales, lossWeights } = await batchOf(step);
      kept += guidanceScales.filter((w) => own.has(w)).length;
      guidanceScales.forEach((w, row) => {
        expect(w).toBeGreaterThanOrEqual(2);
        expect(w).toBeLessThanOrEqual(6);
        expect(lossWeights[row]).toBeCloseTo(1 / Math.max(w - 1, 0.3), 5);
      });
    }
    expect(kept / (8 * batches)).toBeGreaterThan(0.4);
    expect(kept / (8 * batches)).toBeLessThan(0.6);
  });

  test("have CFG's own prediction as what is to be reached", async () => {
    const { latents, timesteps, conditioning, guidanceScales, target } = await createBatches(recipe, pieces)(3);
    const { empty } = await emptyText();
    for (let row = 0; row < 8; row++) {
      const x = rows(latents, row, row + 1);
      const c = await unet.predict(x, timesteps[row]!, conditioningRows(conditioning, row, row + 1), null);
      const u = await unet.predict(x, timesteps[row]!, empty, null);
      const w = guidanceScales[row]!;
      closeTo(
        rows(target, row, row + 1).data,
        u.data.map((value, i) => value + w * (c.data[i]! - value)),
      );
    }
  });
});

test("the learning rate rises in a line and falls along a cosine; the average forgets its beginning", () => {
  const { training } = recipeFor(
    { ...usualChoice, steps: 1000, learningRate: 0.004 },
    { prompts: recipe.prompts, rows: 1, heldOut: 1 },
  );
  const rate = (step: number): number => ratesAt(step, training).learningRate;
  expect(rate(0)).toBeCloseTo(0.00004, 6);
  expect(rate(99)).toBeGreaterThan(0.0038);
  expect(rate(500)).toBeCloseTo(0.004 * 0.51, 6);
  expect(rate(999)).toBeLessThan(0.00009);
  const decays = [0, 1, 10, 999].map((step) => ratesAt(step, training).averageDecay);
  expect(decays).toEqual([0.1, 2 / 11, 11 / 20, 1000 / 1009]);
  expect(ratesAt(9999, { ...training, steps: 10_000 }).averageDecay).toBe(0.997);
});
