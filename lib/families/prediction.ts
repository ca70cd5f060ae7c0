import type { PredictionType, Shapes } from "./family.ts";

/** What a network predicts, and what says so. */
export interface Prediction {
  readonly type: string;
  readonly from: string;
}

/**
 * The same shapes predict ε or v, so only what was written beside them can tell: the empty tensor `v_pred`, or metadata of
 * ModelSpec (https://github.com/Stability-AI/ModelSpec) or kohya's scripts.
 */
export function predictionOf(metadata: ReadonlyMap<string, string>, tensors: Shapes): Prediction | null {
  if (hasMarker(tensors, "v_pred")) return { type: "v_prediction", from: 'tensor "v_pred"' };
  for (const { key, types } of records) {
    const type = types.get(metadata.get(key) ?? "");
    if (type) return { type, from: `metadata "${key}"` };
  }
  return null;
}

/** Whether its noise reaches pure noise at the end, as in Lin et al. 2023 (arXiv 2305.08891); null where nothing says. */
export function zeroTerminalSnrOf(metadata: ReadonlyMap<string, string>, tensors: Shapes): boolean | null {
  if (hasMarker(tensors, "ztsnr")) return true;
  return truth.get(metadata.get("ss_zero_terminal_snr") ?? "") ?? null;
}

/** Markers stand at the top of a file, or beside a network that was saved alone. */
const hasMarker = (tensors: Shapes, marker: string): boolean =>
  tensors.has(marker) || tensors.has(`model.diffusion_model.${marker}`);

const records: readonly { key: string; types: ReadonlyMap<string, PredictionType> }[] = [
  {
    key: "modelspec.prediction_type",
    types: new Map([
      ["v", "v_prediction"],
      ["v_prediction", "v_prediction"],
      ["epsilon", "epsilon"],
    ]),
  },
  {
    key: "modelspec.architecture",
    types: new Map([
      ["stable-diffusion-v2-768-v", "v_prediction"],
      ["stable-diffusion-v2-512", "epsilon"],
    ]),
  },
  {
    key: "ss_base_model_version",
    types: new Map([
      ["sd_v2", "epsilon"],
      ["sd_v2_v", "v_prediction"],
    ]),
  },
];

const truth: ReadonlyMap<string, boolean> = new Map([
  ["True", true],
  ["true", true],
  ["False", false],
  ["false", false],
]);

/**
 * SD 2.x predicts ε where it was trained at 512 pixels and v at 768, and its files seldom say which. The biases of this norm
 * are spread wider in the latter: the rule of ComfyUI (comfy/supported_models.py, SD20.model_type).
 */
export const SD2_TELLING_BIAS = "output_blocks.11.1.transformer_blocks.0.norm1.bias";

/** @param bias the numbers of `SD2_TELLING_BIAS` in an SD 2.x that reads 4 channels; others predict ε */
export function predictionFromBias(bias: ArrayLike<number>): Prediction {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < bias.length; i++) {
    sum += bias[i]!;
    squares += bias[i]! ** 2;
  }
  const spread = Math.sqrt(Math.max(0, squares / bias.length - (sum / bias.length) ** 2));
  return {
    type: spread > 0.09 ? "v_prediction" : "epsilon",
    from: `the spread of the tensor "${SD2_TELLING_BIAS}"`,
  };
}
