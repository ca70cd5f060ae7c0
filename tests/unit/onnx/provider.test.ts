import { expect, test } from "vitest";
import { differenceOf, probeProvider, resolveProvider } from "#lib/onnx/provider.ts";
import { tensor } from "#lib/tensor/tensor.ts";

const row = (...values: number[]) => tensor(Float32Array.from(values), [values.length]);

test("a difference is a share of the largest value, and what is not a number is not the same", () => {
  expect(differenceOf(row(1, -2, 4), row(1, -2, 4))).toBe(0);
  expect(differenceOf(row(1, -2, 3), row(1, -2, 4))).toBe(0.25);
  expect(differenceOf(row(1, NaN, 4), row(1, -2, 4))).toBeNaN();
});

test("the processor computes what it computes; another provider does too, or says why not", async () => {
  expect(await probeProvider("cpu")).toEqual({ provider: "cpu", bundled: true, difference: 0, problem: null });
  for (const provider of ["cuda", "webgpu"] as const) {
    const { difference, problem } = await probeProvider(provider);
    if (problem === null) expect(difference).toBeLessThan(0.01);
    else await expect(resolveProvider(provider)).rejects.toMatchObject({ code: "provider_unavailable" });
  }
  expect((await probeProvider(await resolveProvider("auto"))).problem).toBeNull();
});
