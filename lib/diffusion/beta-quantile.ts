/**
 * The quantile of the distribution Beta(shape, shape): the x at which the regularised incomplete beta function I_x is
 * `probability`, to 1e-15. As `scipy.stats.beta.ppf(probability, shape, shape)`.
 *
 * @param probability  0 … 1
 * @param shape  above 0
 */
export function symmetricBetaQuantile(probability: number, shape: number): number {
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  if (probability > 0.5) return 1 - symmetricBetaQuantile(1 - probability, shape);
  const half = incompleteBeta(0.5, shape); // half of the whole, since both sides are alike
  let [low, high] = [0, 0.5];
  while (high - low > 1e-16 * high) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (incompleteBeta(middle, shape) < 2 * probability * half) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** B_x(a, a) = x^a Σ (1−a)_n xⁿ / (n! (a + n)): NIST's Digital Library of Mathematical Functions, 8.17.7. For x ≤ ½. */
function incompleteBeta(x: number, a: number): number {
  let [sum, factor] = [0, 1];
  for (let n = 0; n < 200; n++) {
    const term = factor / (a + n);
    sum += term;
    if (Math.abs(term) < 1e-18 * Math.abs(sum)) break;
    factor *= ((1 - a + n) * x) / (n + 1);
  }
  return x ** a * sum;
}
