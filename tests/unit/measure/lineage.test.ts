import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { measureLineage } from "#lib/measure/lineage.ts";
import { alteredModel, readWeights } from "../../support/altered-model.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function lineageOf(model: string, lora: string | null) {
  const files = await readModelFiles({
    model,
    lowRank: lora === null ? [] : [{ path: lora, strength: 1 }],
    guide: null,
  });
  const base = await readModelFiles({ model: starter("storybook"), lowRank: [], guide: null });
  return measureLineage(
    {
      base: base.model.unet.weights,
      fineTune: files.model.unet.weights,
      lowRank: files.lowRank.map(({ unet }) => unet),
      guideNamesThisBase: true,
    },
    async () => {},
  );
}

describe("lineage", () => {
  test("of a model with itself is one", async () => {
    expect(await lineageOf(starter("storybook"), null)).toMatchObject({
      medianCosine: expect.closeTo(1, 9),
      medianDistance: 0,
    });
  });

  test("sees that watercolor was made from storybook", async () => {
    const { medianCosine, lowCosine } = await lineageOf(starter("watercolor"), null);
    expect(medianCosine).toBeGreaterThan(0.98);
    expect(medianCosine).toBeLessThan(1);
    expect(lowCosine).toBeLessThan(medianCosine);
  });

  test("of a low-rank file equals that of a model it was merged into", async () => {
    const neon = starter("neon-lora/neon.safetensors");
    const { tensors: low } = await readWeights(neon);
    const merged = await alteredModel(folder.path("merged"), (tensors) => {
      for (const [name, weight] of tensors) {
        const module = `lora_unet_${name.replace(/\.weight$/, "").replaceAll(".", "_")}`;
        const [up, down, alpha] = ["lora_up.weight", "lora_down.weight", "alpha"].map((part) =>
          low.get(`${module}.${part}`),
        );
        if (!name.endsWith(".weight") || !up) continue;
        const rank = down!.shape[0]!;
        const rest = down!.data.length / rank;
        for (let o = 0; o < weight.shape[0]!; o++) {
          for (let r = 0; r < rank; r++) {
            for (let i = 0; i < rest; i++)
              weight.data[o * rest + i]! +=
                (alpha!.data[0]! / rank) * up.data[o * rank + r]! * down!.data[r * rest + i]!;
          }
        }
      }
    });
    const [byFile, byWeights] = [await lineageOf(starter("storybook"), neon), await lineageOf(merged, null)];
    expect(byFile.medianCosine).toBeCloseTo(byWeights.medianCosine, 6);
    expect(byFile.medianDistance).toBeCloseTo(byWeights.medianDistance, 6);
    expect(byFile.medianCosine).toBeLessThan(0.9999);
  });
});
