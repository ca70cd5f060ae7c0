import { guideGraph } from "#lib/diffusion/guide-graph.ts";
import type { GuideFile } from "#lib/diffusion/guide-network.ts";
import { type UNetParts } from "#lib/diffusion/unet-networks.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { countMacs, type Macs } from "#lib/onnx/macs.ts";

/** L5: what a step costs, exactly, from shapes. Time depends on the machine and is for benchmarks. */
export interface Cost {
  readonly baseParameters: number;
  readonly guideParameters: number;
  /** Multiply–accumulates of one pass through the base, and of one run of the guide. */
  readonly base: Macs;
  readonly guide: Macs;
  /** (base + guide) / (2 · base): a guided step against a step of CFG. */
  readonly againstCfg: number;
}

export function costOf(parts: UNetParts, guide: GuideFile): Cost {
  const anyWeights = new RecordingParameters().of;
  const base = countMacs(joinedGraph(parts.unet.config, parts, anyWeights));
  const added = countMacs(guideGraph(guide.config, parts, anyWeights));
  return {
    baseParameters: parts.unet.weights.parameters,
    guideParameters: guide.weights.parameters,
    base,
    guide: added,
    againstCfg: (base.total + added.total) / (2 * base.total),
  };
}
