/**
 * argmin ‖A·x − y‖² + ridge·‖x‖² by the normal equations and Gauss–Jordan elimination with pivoting. The ridge keeps them
 * solvable where a column of A hardly varies. For a handful of unknowns.
 */
export function leastSquares(a: readonly (readonly number[])[], y: readonly number[], ridge: number): number[] {
  const n = a[0]!.length;
  const sum = (of: (row: readonly number[], k: number) => number): number =>
    a.reduce((total, row, k) => total + of(row, k), 0);
  const system = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_column, j) => sum((row) => row[i]! * row[j]!) + (i === j ? ridge : 0)),
    sum((row, k) => row[i]! * y[k]!),
  ]);
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let k = i + 1; k < n; k++) if (Math.abs(system[k]![i]!) > Math.abs(system[pivot]![i]!)) pivot = k;
    [system[i], system[pivot]] = [system[pivot]!, system[i]!];
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = system[k]![i]! / system[i]![i]!;
      for (let j = i; j <= n; j++) system[k]![j]! -= factor * system[i]![j]!;
    }
  }
  return system.map((row, i) => row[n]! / row[i]!);
}
