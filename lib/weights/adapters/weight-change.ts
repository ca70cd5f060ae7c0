import type { ExternalTensor } from "#lib/onnx/graph.ts";

/** What one adapter does to one weight W of a linear or convolution layer, [out, in(, k, k)]. */
export type WeightChange = LowRankChange | FullChange;

/**
 * ΔW = scale · up·down (Hu et al. 2021, arXiv 2106.09685, eq. 3), up being [out, r] and down [r, in(·k·k)] as
 * matrices. With `mid` [r, r, k, k], a convolution's ΔW[o, i] = scale · Σ up[o, p] · mid[p, q] · down[q, i] (LyCORIS,
 * arXiv 2309.14859, §3.2).
 */
export interface LowRankChange {
  readonly kind: "low rank";
  readonly down: ExternalTensor;
  readonly up: ExternalTensor;
  readonly mid: ExternalTensor | null;
  readonly scale: number;
  /** How strongly it was asked for; 1 is as it was trained. */
  readonly strength: number;
  /** Of DoRA (Liu et al. 2024, arXiv 2402.09353); null for plain layers. */
  readonly magnitude: Magnitude | null;
}

/**
 * The length of each row or column of W + ΔW is replaced by a learned one, m. At strength s:
 *
 *   PEFT      (m / ‖W + s·ΔW‖) · (W + s·ΔW), the norm being that of the base's own weight (peft 0.21, `lora/dora.py`)
 *   LyCORIS   W + s · ((m / ‖W + ΔW‖) · (W + ΔW) − W), as A1111 and ComfyUI read `dora_scale`
 */
export interface Magnitude {
  readonly tensor: ExternalTensor;
  /** Whose lengths they are: of what leads to one output, or of what one input leads to. */
  readonly of: "outputs" | "inputs";
  readonly rule: "PEFT" | "LyCORIS";
}

/** W + strength · difference. */
export interface FullChange {
  readonly kind: "full";
  readonly difference: ExternalTensor;
  readonly strength: number;
}
