import { expect } from "vitest";
import type { Tensor } from "#lib/tensor/tensor.ts";

/** ‖actual − expected‖ / ‖expected‖. */
export function relativeError(actual: Tensor, expected: Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  let [apart, whole] = [0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    apart += (actual.data[i]! - expected.data[i]!) ** 2;
    whole += expected.data[i]! ** 2;
  }
  return Math.sqrt(apart / whole);
}

export function largestDifference(actual: Tensor, expected: Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  let most = 0;
  for (let i = 0; i < expected.data.length; i++) most = Math.max(most, Math.abs(actual.data[i]! - expected.data[i]!));
  return most;
}
