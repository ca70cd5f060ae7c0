import type { Tensors } from "./facts.ts";

/** What a network predicts, and what says so. */
export interface Prediction {
  readonly type: string;
  readonly from: string;
}

/**
 * The same shapes predict ε or v, so only what was written beside them can tell: the empty tensor `v_pred`, or metadata of
 * ModelSpec (https://github.com/Stability-AI/ModelSpec) or kohya's scripts.
 */
export function predictionOf(metadata: ReadonlyMap<string, string>, tensors: Tensors): Prediction | null {
  if (tensors.has("v_pred")) return { type: "v_prediction", from: 'tensor "v_pred"' };
  for (const { key, types } of records) {
    const type = types.get(metadata.get(key) ?? "");
    if (type) return { type, from: `metadata "${key}"` };
  }
  return null;
}

const records: readonly { key: string; types: ReadonlyMap<string, string> }[] = [
  {
    key: "modelspec.prediction_type",
    types: new Map([
      ["v", "v_prediction"],
      ["epsilon", "epsilon"],
    ]),
  },
  { key: "modelspec.architecture", types: new Map([["stable-diffusion-v2-768-v", "v_prediction"]]) },
  {
    key: "ss_base_model_version",
    types: new Map([
      ["sd_v2", "epsilon"],
      ["sd_v2_v", "v_prediction"],
    ]),
  },
];
