import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeEntries } from "#lib/measure/adapted-entries.ts";
import { adaptedBias, adaptedWeight } from "#lib/nn/adapted-weight.ts";
import { type ExternalTensor, Graph } from "#lib/onnx/graph.ts";
import { openSession } from "#lib/onnx/session.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { readAdapter } from "#lib/weights/adapters/read-adapter.ts";
import type { WeightChange } from "#lib/weights/adapters/weight-change.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { type Numbers, numbers, scalar, type StoredAs, writeTensors } from "../../support/adapter-file.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { testRuntime } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => void (folder = await temporaryFolder()));
afterAll(() => folder.remove());

/** W [out, in, k…] after the changes, as the runtime folds it. */
async function folded(weight: Numbers, changes: readonly WeightChange[]): Promise<Float32Array> {
  const graph = new Graph("test");
  const values = graph.constant(tensor(new Float32Array(weight.data), weight.shape));
  graph.output("weight", adaptedWeight(values, changes));
  const session = await openSession<"weight">(graph, testRuntime);
  const { data } = (await session.run({})).weight;
  await session.close();
  return data;
}

/** The same, entry by entry, as the measure of lineage computes it. */
async function computed(weight: Numbers, changes: readonly WeightChange[]): Promise<Float32Array> {
  const values = new Float32Array(weight.data);
  const read = async (one: ExternalTensor): Promise<Float32Array> => {
    const source = await openFile(one.path);
    const { data } = await readTensor(source, one);
    await source.close();
    return data;
  };
  const spans = [
    { begin: 0, end: 7 },
    { begin: 7, end: values.length },
  ];
  const base = async (): Promise<Float32Array> => new Float32Array(weight.data);
  for (const change of changes) await changeEntries(change, { shape: weight.shape, spans, values, base }, read);
  return values;
}

const distance = (a: Float32Array, b: Float64Array): number => {
  const square = (of: (i: number) => number): number => b.reduce((sum, _value, i) => sum + of(i) ** 2, 0);
  return Math.sqrt(square((i) => a[i]! - b[i]!) / square((i) => b[i]!));
};

interface Case {
  readonly weight: Numbers;
  readonly tensors: Readonly<Record<string, Numbers>>;
  readonly strength?: number;
  readonly dtype?: StoredAs;
  readonly metadata?: Record<string, string>;
}

async function changesOf({ weight, tensors, strength = 1, ...how }: Case): Promise<WeightChange[]> {
  const path = await writeTensors(folder.path("a.safetensors"), tensors, how);
  const change = (await readAdapter(path, strength)).unet.take("mid_block.resnets.0.conv1", weight.shape);
  return [change!];
}

/** Holds what the runtime and the measure make of a case against numbers worked out in double precision here. */
async function expectMerge(one: Case, expected: (w: Float64Array) => Float64Array): Promise<void> {
  const changes = await changesOf(one);
  const wanted = expected(one.weight.data);
  expect(distance(await folded(one.weight, changes), wanted)).toBeLessThan(2e-6);
  expect(distance(await computed(one.weight, changes), wanted)).toBeLessThan(2e-6);
}

const name = "lora_unet_mid_block_resnets_0_conv1";
const [OUT, IN, RANK] = [6, 5, 3];

/** up·down for matrices, [out, in·k·k]. */
function product(up: Numbers, down: Numbers): Float64Array {
  const [out, rank] = [up.shape[0]!, down.shape[0]!];
  const rest = down.data.length / rank;
  return Float64Array.from({ length: out * rest }, (_, e) => {
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += up.data[Math.floor(e / rest) * rank + r]! * down.data[r * rest + (e % rest)]!;
    return sum;
  });
}

const plus = (w: Float64Array, delta: Float64Array, factor: number): Float64Array =>
  w.map((value, i) => value + factor * delta[i]!);

describe("a plain low-rank layer", () => {
  const [up, down] = [numbers(1, OUT, RANK), numbers(2, RANK, IN)];
  const weight = numbers(3, OUT, IN);
  const plain = { [`${name}.lora_up.weight`]: up, [`${name}.lora_down.weight`]: down };

  test.each(["F32", "F16", "BF16", "F64", "F8_E4M3", "F8_E5M2"] as const)(
    "stored as %s adds strength · alpha/rank · up·down",
    async (dtype) => {
      // Thirds of a quarter: E5M2 has two bits of fraction.
      const coarse = (of: Numbers): Numbers => ({ ...of, data: of.data.map((value) => Math.round(value * 2) / 2) });
      const [u, d] = [coarse(up), coarse(down)];
      const tensors = {
        [`${name}.lora_up.weight`]: u,
        [`${name}.lora_down.weight`]: d,
        [`${name}.alpha`]: scalar(1.5),
      };
      await expectMerge({ weight, tensors, dtype, strength: -0.7 }, (w) => plus(w, product(u, d), (-0.7 * 1.5) / RANK));
    },
  );

  test("without an alpha has the scale 1, whatever kohya's metadata says of the run", async () => {
    await expectMerge({ weight, tensors: plain, metadata: { ss_network_alpha: "1" } }, (w) =>
      plus(w, product(up, down), 1),
    );
  });

  test("of a k×k convolution multiplies as matrices", async () => {
    const [u, d] = [numbers(4, OUT, RANK, 1, 1), numbers(5, RANK, IN, 3, 3)];
    await expectMerge(
      {
        weight: numbers(6, OUT, IN, 3, 3),
        tensors: { [`${name}.lora_up.weight`]: u, [`${name}.lora_down.weight`]: d },
      },
      (w) => plus(w, product(u, d), 1),
    );
  });

  test.each([
    ["a matrix on a convolution of one pixel", [OUT, IN, 1, 1], [OUT, RANK], [RANK, IN]],
    ["a convolution of one pixel on a matrix", [OUT, IN], [OUT, RANK, 1, 1], [RANK, IN, 1, 1]],
    ["one half of each kind", [OUT, IN], [OUT, RANK], [RANK, IN, 1, 1]],
  ])("%s is the same", async (_what, shape, ups, downs) => {
    await expectMerge(
      {
        weight: { ...weight, shape },
        tensors: {
          [`${name}.lora_up.weight`]: { ...up, shape: ups },
          [`${name}.lora_down.weight`]: { ...down, shape: downs },
        },
      },
      (w) => plus(w, product(up, down), 1),
    );
  });

  test("with a middle of k×k is Σ up[o, p] · mid[p, q] · down[q, i]", async () => {
    const [u, m, d] = [numbers(7, OUT, RANK, 1, 1), numbers(8, RANK, RANK, 3, 3), numbers(9, RANK, IN, 1, 1)];
    const delta = new Float64Array(OUT * IN * 9);
    for (let o = 0; o < OUT; o++)
      for (let p = 0; p < RANK; p++)
        for (let q = 0; q < RANK; q++)
          for (let i = 0; i < IN; i++)
            for (let x = 0; x < 9; x++)
              delta[(o * IN + i) * 9 + x]! +=
                u.data[o * RANK + p]! * m.data[(p * RANK + q) * 9 + x]! * d.data[q * IN + i]!;
    await expectMerge(
      {
        weight: numbers(10, OUT, IN, 3, 3),
        tensors: {
          [`${name}.lora_up.weight`]: u,
          [`${name}.lora_mid.weight`]: m,
          [`${name}.lora_down.weight`]: d,
          [`${name}.alpha`]: scalar(6),
        },
      },
      (w) => plus(w, delta, 2),
    );
  });

  test("a full difference is added as it is, and its bias beside it", async () => {
    const difference = numbers(11, OUT, IN);
    const tensors = { [`${name}.diff`]: difference, [`${name}.diff_b`]: numbers(12, OUT) };
    await expectMerge({ weight, tensors, strength: 0.5 }, (w) => plus(w, difference.data, 0.5));

    const adapter = await readAdapter(folder.path("a.safetensors"), 0.5);
    const graph = new Graph("bias");
    const change = adapter.unet.takeBias("mid_block.resnets.0.conv1", OUT)!;
    graph.output("bias", adaptedBias(graph.constant(tensor(new Float32Array(OUT).fill(1), [OUT])), [change]));
    const session = await openSession<"bias">(graph, testRuntime);
    expect([...(await session.run({})).bias.data]).toEqual([...numbers(12, OUT).data].map((value) => 1 + value / 2));
    await session.close();
  });
});

describe("DoRA", () => {
  const [up, down] = [numbers(21, OUT, RANK), numbers(22, RANK, IN)];
  const weight = numbers(23, OUT, IN);
  const ups = { [`${name}.lora_up.weight`]: up, [`${name}.lora_down.weight`]: down, [`${name}.alpha`]: scalar(2) };
  const positive = (of: Numbers): Numbers => ({ ...of, data: of.data.map((value) => value + 2) });
  const delta = product(up, down).map((value) => (value * 2) / RANK);

  /** ‖·‖ of each row or column of a matrix [out, in·pixels], by entry. */
  function norms(w: Float64Array, of: "outputs" | "inputs", pixels = 1): (entry: number) => number {
    const rest = w.length / OUT;
    const group = (entry: number): number =>
      of === "outputs" ? Math.floor(entry / rest) : Math.floor((entry % rest) / pixels);
    const sums = new Map<number, number>();
    w.forEach((value, entry) => sums.set(group(entry), (sums.get(group(entry)) ?? 0) + value ** 2));
    return (entry) => Math.sqrt(sums.get(group(entry))!);
  }

  test.each([1, 0.6, 0])("by PEFT at strength %s is (m / ‖W + s·ΔW‖) · (W + s·ΔW)", async (strength) => {
    const m = positive(numbers(24, OUT));
    await expectMerge({ weight, strength, tensors: { ...ups, [`${name}.lora_magnitude_vector.weight`]: m } }, (w) => {
      const moved = plus(w, delta, strength);
      const norm = norms(moved, "outputs");
      return moved.map((value, e) => (m.data[Math.floor(e / IN)]! / norm(e)) * value);
    });
  });

  test.each([
    ["outputs", [OUT, 1]],
    ["inputs", [1, IN]],
  ] as const)("by LyCORIS over %s goes from the base to the trained weight", async (of, shape) => {
    const m = positive(numbers(25, ...shape));
    for (const strength of [1, 0.6, 0]) {
      await expectMerge({ weight, strength, tensors: { ...ups, [`${name}.dora_scale`]: m } }, (w) => {
        const trained = plus(w, delta, 1);
        const norm = norms(trained, of);
        return w.map((value, e) => {
          const group = of === "outputs" ? Math.floor(e / IN) : e % IN;
          return value + strength * ((m.data[group]! / norm(e)) * trained[e]! - value);
        });
      });
    }
  });

  test.each([
    ["outputs", "dora_scale", [OUT, 1, 1, 1]],
    ["outputs", "lora_magnitude_vector", [1, OUT, 1, 1]],
    ["inputs", "dora_scale", [1, IN, 1, 1]],
  ] as const)(
    "of a convolution has the norm of all that leads to or from one of its %s (%s)",
    async (of, part, shape) => {
      const [u, d] = [numbers(26, OUT, RANK, 1, 1), numbers(27, RANK, IN, 3, 3)];
      const m = positive(numbers(28, ...shape));
      const tensors = { [`${name}.lora_up.weight`]: u, [`${name}.lora_down.weight`]: d, [`${name}.${part}`]: m };
      await expectMerge({ weight: numbers(29, OUT, IN, 3, 3), tensors }, (w) => {
        const trained = plus(w, product(u, d), 1);
        const norm = norms(trained, of, 9);
        return trained.map((value, e) => {
          const group = of === "outputs" ? Math.floor(e / (9 * IN)) : Math.floor((e % (9 * IN)) / 9);
          return (m.data[group]! / norm(e)) * value;
        });
      });
    },
  );

  test("after another adapter rescales what that left, by the norm of the base alone", async () => {
    const m = positive(numbers(24, OUT));
    const [u, d] = [numbers(31, OUT, 2), numbers(32, 2, IN)];
    const changes = [
      ...(await changesOf({ weight, tensors: { [`${name}.lora_up.weight`]: u, [`${name}.lora_down.weight`]: d } })),
    ];
    const dora = folder.path("dora.safetensors");
    await writeTensors(dora, { ...ups, [`${name}.lora_magnitude_vector`]: m });
    changes.push((await readAdapter(dora, 0.5)).unet.take("mid_block.resnets.0.conv1", weight.shape)!);
    const norm = norms(plus(weight.data, delta, 0.5), "outputs");
    const before = plus(weight.data, product(u, d), 1);
    const wanted = plus(before, delta, 0.5).map((value, e) => (m.data[Math.floor(e / IN)]! / norm(e)) * value);
    expect(distance(await folded(weight, changes), wanted)).toBeLessThan(2e-6);
    expect(distance(await computed(weight, changes), wanted)).toBeLessThan(2e-6);
  });

  test("magnitudes that are not those of the base are refused", async () => {
    const tensors = { ...ups, [`${name}.dora_scale`]: numbers(33, 1, OUT) };
    await expect(changesOf({ weight, tensors })).rejects.toThrow(/magnitudes \[1, 6\] .* 6 outputs and 5 inputs/);
  });
});
