import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GuideNetwork, openGuide, readGuideFile } from "#lib/diffusion/guide-network.ts";
import { type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { validGuide } from "../../fixtures/guide-file/file.ts";
import { goldenOf } from "../../fixtures/guide-file/golden.ts";
import { relativeError } from "../../support/close-to.ts";
import { goldenModels, readGolden, starter, testRuntime } from "../../support/golden.ts";
import { plainResiduals } from "../../support/plain-guide.ts";

const TOLERANCE = 1e-5; // float32 against float64
const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/guide-file/${name}`, import.meta.url));

async function readTensors(
  path: string,
): Promise<{ metadata: ReadonlyMap<string, string>; tensors: Map<string, FloatTensor> }> {
  const source = await openFile(path);
  try {
    const { metadata, tensors } = await readHeader(source);
    const read = new Map<string, FloatTensor>();
    for (const entry of tensors.values()) read.set(entry.name, await readTensor(source, entry));
    return { metadata, tensors: read };
  } finally {
    await source.close();
  }
}

const residualNames = ["residual.0", "residual.1", "residual.2", "residual.3", "residual.4", "residual.mid"];

describe("the guide of tests/fixtures/guide-file", () => {
  let golden: Map<string, FloatTensor>;
  let network: GuideNetwork;
  beforeAll(async () => {
    golden = (await readTensors(fixture("golden.safetensors"))).tensors;
    network = await openGuide(
      await readGuideFile(fixture("guide.safetensors")),
      { tokens: 7, height: 6, width: 5 },
      testRuntime,
    );
  });
  afterAll(() => network?.close());

  test("has the golden residuals that the plain loops compute", () => {
    const { tensors } = goldenOf(validGuide());
    expect([...golden.keys()]).toEqual(Object.keys(tensors));
    for (const [name, { shape, bytes }] of Object.entries(tensors)) {
      const computed = tensor(new Float32Array(new Uint8Array(bytes).buffer), shape);
      expect(relativeError(computed, golden.get(name)!), name).toBeLessThan(1e-6); // another machine's sine may end in another bit
    }
  });

  test("gives them in the graph too, each state by itself", async () => {
    const [timesteps, guidance] = [golden.get("timesteps")!.data, golden.get("guidance")!.data];
    for (const i of timesteps.keys()) {
      const row = (name: string): FloatTensor => rows(golden.get(name)!, i, i + 1);
      const found = await network.residuals(
        row("latents"),
        timesteps[i]!,
        { text: row("text") },
        guidance.subarray(i, i + 1),
      );
      expect(Object.keys(found).toSorted()).toEqual(residualNames);
      for (const name of residualNames) {
        if (guidance[i] === 1)
          expect(
            found[name]!.data.every((value) => value === 0),
            name,
          ).toBe(true);
        else
          expect(relativeError(found[name]!, row(name)), `${name} at guidance ${guidance[i]}`).toBeLessThan(TOLERANCE);
      }
    }
  });

  test("adds something at every place, so that a mistake in any of them is seen", () => {
    for (const name of residualNames)
      expect(Math.max(...golden.get(name)!.data.map(Math.abs)), name).toBeGreaterThan(0.1);
  });
});

describe("the plain loops", () => {
  test("compute what PyTorch computed for the starter's guides", async () => {
    for (const name of ["storybook", "watercolor"] as const) {
      const golden = await readGolden(name);
      const { metadata, tensors: weights } = await readTensors(
        starter(`${goldenModels[name].guide}/guide.safetensors`),
      );
      const at = (key: string): FloatTensor => {
        const { data, shape } = rows(golden.tensor(key), 0, 1);
        return tensor(data, shape.slice(1));
      };
      const found = plainResiduals(
        { metadata, weights },
        {
          latents: at("latents"),
          text: at("text_states"),
          timestep: golden.tensor("timesteps").data[0]!,
          guidanceScale: golden.tensor("guidance").data[0]!,
        },
      );
      found.forEach(({ data, shape }, k) => {
        const key = `residual.${k === found.length - 1 ? "mid" : k}`;
        expect(relativeError(tensor(Float32Array.from(data), shape), at(key)), `${name} ${key}`).toBeLessThan(
          TOLERANCE,
        );
      });
    }
  });
});
