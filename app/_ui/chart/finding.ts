/** What is read off a curve without seeing it. */

interface Point {
  readonly x: number;
  readonly value: number;
}

/** “0.47 at timestep 951, 0.97 at timestep 1; highest 0.97, lowest 0.47.” */
export function endsOf(points: readonly Point[], what: string, digits = 2): string {
  if (points.length === 0) return "Nothing was measured.";
  const [first, last] = [points[0]!, points.at(-1)!];
  const values = points.map(({ value }) => value);
  const at = ({ x, value }: Point): string => `${value.toFixed(digits)} at ${what} ${x}`;
  if (points.length === 1) return `${at(first)}.`;
  return `${at(first)}, ${at(last)}; lowest ${Math.min(...values).toFixed(digits)}, highest ${Math.max(...values).toFixed(digits)}.`;
}

/** On which side the name of a line at `y` keeps clear of a curve: where the curve is further from it. */
export function clearSide(points: readonly Point[], y: number): "start" | "end" {
  if (points.length === 0) return "end";
  const third = Math.max(1, Math.floor(points.length / 3));
  const nearest = (part: readonly Point[]): number => Math.min(...part.map(({ value }) => Math.abs(value - y)));
  return nearest(points.slice(0, third)) > nearest(points.slice(-third)) ? "start" : "end";
}
