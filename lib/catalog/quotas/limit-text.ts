/** How people write limits, on the command line and in a form: “500 GB”, “8 h”, “100,000”. */

const units = {
  count: { "": 1 },
  size: { "": 1, MB: 1e6, GB: 1e9, TB: 1e12 },
  time: { s: 1, min: 60, h: 3600 },
} as const satisfies Record<string, Readonly<Record<string, number>>>;
export type LimitKind = keyof typeof units;

/** What a text of each kind looks like, after “a”. */
export const limitExamples: Readonly<Record<LimitKind, string>> = {
  count: "number",
  size: "size like 500 GB",
  time: "time like 8 h",
};

const MOST: Readonly<Record<LimitKind, number>> = {
  count: 2 ** 31 - 1,
  size: Number.MAX_SAFE_INTEGER,
  time: 2 ** 31 - 1,
};

/** In bytes, seconds or pieces; undefined where it cannot be read, or is more than the hub counts. */
export function readLimit(text: string, kind: LimitKind): number | undefined {
  const [, digits, unit] =
    /^(\d{1,16}(?:\.\d{1,3})?) ?([A-Za-z]*)$/.exec(text.trim().replaceAll(/(?<=\d),(?=\d{3})/g, "")) ?? [];
  const factor = (units[kind] as Readonly<Record<string, number>>)[unit ?? ""];
  if (digits === undefined || factor === undefined) return undefined;
  const limit = Math.round(Number(digits) * factor);
  return limit <= MOST[kind] ? limit : undefined;
}

/** The same limit as a text that is read as it: in the largest unit of which there are whole ones, or thousandths. */
export function writeLimit(limit: number, kind: LimitKind): string {
  const fitting = Object.entries(units[kind]).findLast(
    ([, factor]) => limit >= factor && (limit * 1000) % factor === 0,
  );
  const [unit, factor] = fitting ?? (kind === "time" ? ["s", 1] : ["", 1]);
  return `${limit / factor}${unit === "" ? "" : ` ${unit}`}`;
}
