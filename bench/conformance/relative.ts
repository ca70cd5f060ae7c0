/** ‖other − reference‖ / ‖reference‖; ∞ where one of them is not a number. */
export function relative(reference: ArrayLike<number>, other: ArrayLike<number>): number {
  let [apart, whole] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    apart += (other[i]! - reference[i]!) ** 2;
    whole += reference[i]! ** 2;
  }
  if (apart === 0) return 0;
  const found = whole === 0 ? Math.sqrt(apart) : Math.sqrt(apart / whole);
  return Number.isNaN(found) ? Infinity : found;
}
