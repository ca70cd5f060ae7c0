import { describe, expect, test } from "vitest";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { silu } from "#lib/nn/activation.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { Graph } from "#lib/onnx/graph.ts";
import { memoryOf, peakBytes } from "#lib/onnx/memory.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { conv, evenPadding } from "#lib/onnx/ops/conv.ts";
import { tanh } from "#lib/onnx/ops/math.ts";
import { reshape } from "#lib/onnx/ops/shape.ts";
import { sd15UNet } from "../../../bench/sd15.ts";

/** A picture of 10 × 10 with one channel: 400 bytes. */
function chain(build: (graph: Graph, x: ReturnType<Graph["input"]>) => ReturnType<Graph["input"]>): Graph {
  const graph = new Graph("chain");
  graph.output("y", build(graph, graph.input("x", ["batch", 1, 10, 10])));
  return graph;
}

describe("the most that one run holds", () => {
  test("tensors of one shape take turns in two pieces, however many there are; the caller's is not counted", () => {
    const graph = chain((_graph, x) => tanh(tanh(tanh(tanh(x)))));
    expect([1, 3].map((batch) => peakBytes(graph, batch))).toEqual([800, 2400]);
  });

  test("another view of a tensor is no other tensor", () => {
    const graph = chain((_graph, x) => reshape(tanh(reshape(tanh(x), ["batch", 100])), ["batch", 1, 10, 10]));
    expect(peakBytes(graph, 1)).toBe(800);
  });

  test("a piece that a later tensor of its shape will have is not given back in between", () => {
    const narrow = (graph: Graph, x: ReturnType<Graph["input"]>, out: number) =>
      conv(x, graph.unknown([out, Number(x.shape[1]), 1, 1]), null, { padding: evenPadding(0) });
    // 1 → 2 → 3 → 1 channels: the last takes the first's piece, which is held while 3 channels are computed from 2.
    const held = chain((graph, x) => narrow(graph, narrow(graph, narrow(graph, tanh(x), 2), 3), 1));
    expect(peakBytes(held, 1)).toBe(400 + 800 + 1200);
    // 1 → 2 → 3 → 4: nothing takes it, so it is given back.
    const free = chain((graph, x) => narrow(graph, narrow(graph, narrow(graph, tanh(x), 2), 3), 4));
    expect(peakBytes(free, 1)).toBe(1200 + 1600);
  });

  test("what a kernel computes in passing takes nothing: σ(x) of x · σ(x)", () => {
    expect(
      peakBytes(
        chain((_graph, x) => silu(tanh(x))),
        1,
      ),
    ).toBe(800);
  });

  test("attention holds its inputs once more, and all scores only where it is causal", () => {
    const build = (causal: boolean): Graph => {
      const graph = new Graph("attention");
      const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, ["batch", 64, 8])) as [never, never, never];
      graph.output("y", attention(q, k, v, 2, { causal }));
      return graph;
    };
    const [one, scores] = [4 * 64 * 8, 4 * 2 * 64 * 64];
    expect([false, true].map((causal) => peakBytes(build(causal), 1))).toEqual([4 * one, 4 * one + scores]);
  });
});

test("a UNet of SD 1.5 at 512 px takes what a process was seen to take: 3.44 GB of weights and 422 MB a run", () => {
  const graph = joinedGraph(sd15UNet, { tokens: 77, height: 64, width: 64 }, new RecordingParameters().of);
  const { weights, opening, running } = memoryOf(graph, { batch: 1, optimization: "extended", mapped: false });
  expect(weights / 3.46e9).toBeCloseTo(1, 1);
  expect(opening).toBe(weights);
  expect(running / 422e6).toBeGreaterThan(0.9);
  expect(running / 422e6).toBeLessThan(1.2);
});
