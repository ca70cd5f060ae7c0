import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { parseVaeConfig } from "#lib/diffusion/vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "#lib/diffusion/vae-graphs.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { readPacked } from "../../support/packed.ts";

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: number;
  readonly names: string;
}

const vectors = JSON.parse(readPacked("random-configs/vectors.json")) as Record<"unets" | "vaes" | "clips", Case[]>;

/** How many numbers a network asks for, and all names and shapes, hashed as make.py does. */
function asked(build: (parameters: ParametersOf) => void): { parameters: number; names: string } {
  const recording = new RecordingParameters();
  build(recording.of);
  const lines = [...recording.shapes].map(([name, shape]) => `${name} ${shape.join("x")}`).toSorted();
  return { parameters: recording.count, names: createHash("sha256").update(lines.join("\n")).digest("hex") };
}

describe("a network of any config asks for the parameters that the reference library gives it", () => {
  // A size that halves evenly at no level: shapes of what flows must agree as well, or the graph is not built.
  test.each(vectors.unets.map((one, i) => ({ i, ...one })))("UNet $i", ({ config, parameters, names }) => {
    const unet = parseUNetConfig(config, "unet");
    const size = { tokens: 5, height: 13, width: 11 };
    expect(asked((from) => joinedGraph(unet, size, from))).toEqual({ parameters, names });
  });

  test.each(vectors.vaes.map((one, i) => ({ i, ...one })))("VAE $i", ({ config, parameters, names }) => {
    const vae = parseVaeConfig(config, "vae");
    const both = asked((from) => {
      vaeEncoderGraph(vae, 3, 2, from);
      vaeDecoderGraph(vae, 3, 2, from);
    });
    expect(both).toEqual({ parameters, names });
  });

  test.each(vectors.clips.map((one, i) => ({ i, ...one })))("text encoder $i", ({ config, parameters, names }) => {
    const encoder = parseTextEncoderConfig(config, "text encoder");
    expect(asked((from) => textEncoderGraph(encoder, from, lastStates))).toEqual({ parameters, names });
  });
});
