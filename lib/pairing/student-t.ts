/**
 * The t that Student's distribution exceeds with this probability. By the finite series for an odd number of degrees (Abramowitz & Stegun
 * 26.7.3), halved in between: looks have even numbers of prompts, and nothing else is asked here.
 */
export function studentT(probability: number, degrees: number): number {
  if (degrees % 2 !== 1) throw new RangeError(`${degrees} degrees of freedom: only odd numbers are counted`);
  let [low, high] = [0, 1];
  while (above(high, degrees) > probability) high *= 2;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (above(middle, degrees) > probability) low = middle;
    else high = middle;
  }
  return high;
}

const HALVINGS = 60;

/** P(T > t), for t ≥ 0. */
function above(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, square] = [Math.sin(angle), Math.cos(angle) ** 2];
  let [term, sum] = [Math.cos(angle), degrees > 1 ? Math.cos(angle) : 0];
  for (let k = 3; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * square;
    sum += term;
  }
  return (1 - (2 / Math.PI) * (angle + sine * sum)) / 2;
}
