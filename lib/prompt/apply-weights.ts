/**
 * Weighs a chunk's states by the rule “Original” of AUTOMATIC1111's web UI 1.10.1 (modules/sd_emphasis.py): each
 * token's state times its weight, then all of them times one number, so that their mean is what it was.
 *
 *   z′ = w ⊙ z · mean(z) / mean(w ⊙ z)        the mean over all T·D values of this chunk
 *
 * Of two text encoders each one's states are weighed by themselves; a pooled state is not.
 *
 * @param states   [1, T, D], T = weights.length
 * @param weights  [T]; where all are 1 the states come back as they are
 * @returns new states of that shape; where the weighed mean is 0 it is not restored, for nothing would restore it
 */
export function applyWeights(states: Float32Array, weights: Float32Array): Float32Array {
  if (weights.length === 0 || states.length % weights.length !== 0)
    throw new RangeError(`applyWeights: ${states.length} values are not rows for ${weights.length} weights`);
  if (weights.every((weight) => weight === 1)) return states;
  const width = states.length / weights.length;
  const weighed = states.map((value, i) => value * weights[Math.floor(i / width)]!);
  const ratio = meanOf(states) / meanOf(weighed);
  return Number.isFinite(ratio) ? weighed.map((value) => value * ratio) : weighed;
}

const meanOf = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
