export type CsvCell = string | number | null;

/**
 * A line of a table as RFC 4180 has it: what holds a comma, a quote or a new line stands in quotes. A text that a spreadsheet would take
 * for a formula gets an apostrophe before it, since prompts and names come from strangers (OWASP, CSV injection); numbers stay numbers.
 */
export const csvLine = (cells: readonly CsvCell[]): string => `${cells.map(cellOf).join(",")}\r\n`;

function cellOf(cell: CsvCell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) && !isNumber(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** As tables that were laid out for people write it too: with “−”, a sign before it and a unit after it nothing is a formula. */
const isNumber = (text: string): boolean => /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text);
