const Z = 1.959964; // 95%

/** The 95% interval of a share of `n`, as Wilson (1927) has it: it stays within 0 and 1 and holds for few as for many. */
export function wilson(
  count: number,
  n: number,
): { readonly value: number; readonly low: number; readonly high: number } {
  const share = count / n;
  const middle = (share + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const half = (Z / (1 + Z ** 2 / n)) * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2));
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
