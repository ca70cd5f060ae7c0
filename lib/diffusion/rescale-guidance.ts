import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";

/**
 * Guidance rescale, Lin et al. 2024 (arXiv 2305.08891), section 3.4: each picture's guided prediction is brought to the
 * standard deviation of the conditional one, and mixed with what it was. As `rescale_noise_cfg` of diffusers 0.42.1.
 *
 *   φ · ε̂ · (std ε̂_c / std ε̂) + (1 − φ) · ε̂
 *
 * @param guided  [B, C, H, W], after guidance
 * @param conditional  same shape, of the prompt alone
 * @param phi  φ, 0 … 1; 0 leaves the prediction as it is, 0.7 is the paper's
 */
export function rescaleGuidance(guided: FloatTensor, conditional: FloatTensor, phi: number): FloatTensor {
  if (phi === 0) return guided;
  const size = guided.data.length / guided.shape[0]!;
  const out = Float32Array.from(guided.data);
  for (let begin = 0; begin < out.length; begin += size) {
    const picture = out.subarray(begin, begin + size);
    const ratio = deviation(conditional.data.subarray(begin, begin + size)) / deviation(picture);
    const factor = phi * ratio + 1 - phi;
    for (let i = 0; i < size; i++) picture[i]! *= factor;
  }
  return tensor(out, guided.shape);
}

/** With n − 1 in the denominator, as torch has it. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
