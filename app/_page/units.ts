/** 17.7 MB: decimal, as disks and downloads are measured. */
export function toBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? bytes : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[power]}`;
}

/** 0.41 s, 12 s, 3 min, 2 h. */
export function toDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** 73,916 */
export const toCount = (count: number): string => count.toLocaleString("en");

/** What was counted up to a bound: 73, and 1,000+ of which there are more. */
export const toBoundedCount = ({ count, atLeast }: Counted): string => `${toCount(count)}${atLeast ? "+" : ""}`;

/** Some of these together. */
export function sumOf(counts: readonly Counted[]): Counted {
  const atLeast = counts.some((each) => each.atLeast);
  return { count: counts.reduce((sum, { count }) => sum + count, 0), ...(atLeast && { atLeast }) };
}

interface Counted {
  readonly count: number;
  readonly atLeast?: boolean | undefined;
}

/** 7.44 M, 860 M, 1.2 B. */
export function toParameters(count: number): string {
  if (count < 1e6) return `${Math.round(count / 1e3)} k`;
  return count < 1e9
    ? `${(count / 1e6).toFixed(count < 1e7 ? 2 : count < 1e8 ? 1 : 0)} M`
    : `${(count / 1e9).toFixed(1)} B`;
}

/** 1 picture, 2 pictures. */
export const toPlural = (count: number, one: string, many = `${one}s`): string =>
  `${toCount(count)} ${count === 1 ? one : many}`;

/** 1 repo, 2 repos, 1,000+ repos. */
export const toBoundedPlural = (counted: Counted, one: string, many = `${one}s`): string =>
  `${toBoundedCount(counted)} ${counted.count === 1 && !counted.atLeast ? one : many}`;

/** 25 November 2026. */
export const toDay = (iso: string): string =>
  new Date(iso).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

/** 25 November 2026, 19:20 UTC. */
export const toMoment = (iso: string): string => `${toDay(iso)}, ${iso.slice(11, 16)} UTC`;

/** “3 minutes ago”, as it is when the page is made. */
export function toAge(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  for (const [unit, length] of [
    ["year", 31_557_600],
    ["month", 2_629_800],
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ] as const) {
    if (seconds >= length) return `${toPlural(Math.floor(seconds / length), unit)} ago`;
  }
  return "just now";
}
