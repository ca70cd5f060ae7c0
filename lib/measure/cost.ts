import { guideGraph } from "#lib/diffusion/guide-network.ts";
import type { GuideFile } from "#lib/diffusion/guide-network.ts";
import { joinedGraph, type UNetParts } from "#lib/diffusion/unet-networks.ts";
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
  const [base, added] = [countMacs(joinedGraph(parts)), countMacs(guideGraph(guide, parts))];
  return {
    baseParameters: parts.unet.weights.parameters,
    guideParameters: guide.weights.parameters,
    base,
    guide: added,
    againstCfg: (base.total + added.total) / (2 * base.total),
  };
}
