import { clipLayer } from "#lib/diffusion/clip.ts";
import { linear } from "#lib/nn/linear.ts";
import { layerNorm } from "#lib/nn/norm.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { toSequence } from "#lib/nn/pixels.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph } from "#lib/onnx/graph.ts";
import { conv, evenPadding } from "#lib/onnx/ops/conv.ts";
import { add } from "#lib/onnx/ops/math.ts";
import { concat, gather, reshape, split } from "#lib/onnx/ops/shape.ts";
import type { ClipConfig } from "./clip-config.ts";

/**
 * CLIP's vision tower (CLIPVisionModelWithProjection): patches and a token for the whole, of which the last state is projected.
 *
 * Inputs: `pixels` [B, 3, side, side], and `whole` [B, 1], zeros: in which row of a table of one the token stands, for the graph has no
 * other way to repeat it for each picture. Output: `embedding` [B, projection].
 */
export function visionGraph({ vision, projection }: ClipConfig, parameters: ParametersOf): Graph {
  const { width, imageSize, patchSize, epsilon } = vision;
  const graph = new Graph("CLIP's vision tower");
  const scope = Scope.in(graph, parameters);
  const pixels = graph.input("pixels", ["batch", 3, imageSize, imageSize]);
  const whole = graph.input("whole", ["batch", 1], "int32");

  const embeddings = scope.at("embeddings");
  const kernels = embeddings.at("patch_embedding").weight([width, 3, patchSize, patchSize]);
  const patches = toSequence(conv(pixels, kernels, null, { stride: patchSize, padding: evenPadding(0) }));
  const token = gather(reshape(embeddings.parameter("class_embedding", [width]), [1, width]), whole);
  const count = Number(patches.shape[1]);
  const positions = embeddings.at("position_embedding").weight([count + 1, width]);

  let x = layerNorm(scope.at("pre_layrnorm"), add(concat([token, patches], 1), positions), epsilon); // their spelling
  for (let i = 0; i < vision.layers; i++) x = clipLayer(scope.at(`encoder.layers.${i}`), vision, x, { causal: false });
  const [first] = split(x, 1, [1, count]);
  const pooled = layerNorm(scope.at("post_layernorm"), reshape(first!, ["batch", width]), epsilon);
  graph.output("embedding", linear(scope.at("visual_projection"), pooled, projection, { bias: false }));
  return graph;
}
