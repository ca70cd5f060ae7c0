import { expect, test } from "vitest";
import { guideGraph } from "#lib/diffusion/guide-graph.ts";
import { parseGuideConfig } from "#lib/diffusion/guide-config.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { countMacs } from "#lib/onnx/macs.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { sd15GuideMetadata, sd15UNet } from "../../../bench/sd15.ts";

const giga = (macs: number): number => Math.round(macs / 1e8) / 10;

const size = { tokens: 77, height: 64, width: 64 };

test("the UNet of SD 1.5 has its 859,520,964 parameters and 401.6 G multiply–accumulates", () => {
  const parameters = new RecordingParameters();
  const graph = joinedGraph(sd15UNet, size, parameters.of);
  expect(parameters.count).toBe(859_520_964);
  const macs = countMacs(graph);
  expect([macs.convolution, macs.linear, macs.attention, macs.total].map(giga)).toEqual([222.0, 116.6, 63.0, 401.6]);
  expect(countMacs(graph, 2).total).toBe(2 * macs.total);
});

test("a guide of width 48/96/192/192 for it has 7,743,056 parameters and 1.9 G", () => {
  const parameters = new RecordingParameters();
  const graph = guideGraph(parseGuideConfig(sd15GuideMetadata, "guide"), size, parameters.of);
  expect(parameters.count).toBe(7_743_056);
  expect(giga(countMacs(graph).total)).toBe(1.9);
});
