/** The standard normal distribution up to z, to 1e-7 (Abramowitz & Stegun 1964, 26.2.17). */
export function normalBelow(z: number): number {
  const x = Math.abs(z);
  const k = 1 / (1 + 0.2316419 * x);
  const sum = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
  const above = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
  return z > 0 ? 1 - above : above;
}
