/**
 * The names and values of the last line of generation parameters, “Steps: 20, Sampler: Euler a, …”: the rule by which
 * AUTOMATIC1111's web UI reads it (modules/infotext_utils.py, `re_param_code`), and besides a value that is JSON whole,
 * as “Hashes: {…}” is. Names in lower case; of two with one name the later. One pass: a megabyte takes some 20 ms.
 */
export function infotextFields(line: string): Map<string, string> {
  const fields = new Map<string, string>();
  let jsonTries = MAX_JSON_VALUES;
  for (let at = 0; at < line.length;) {
    const begin = nameBegin(line, at);
    const end = nameEnd(line, begin);
    at = end + 1;
    if (line[end] !== ":" || end - begin < 2) continue;
    const value = skipBlanks(line, end + 1);
    const isJson = (line[value] === "{" || line[value] === "[") && jsonTries-- > 0;
    const valueEnd =
      (line[value] === '"' ? quotedEnd(line, value) : isJson ? jsonEnd(line, value) : null) ?? commaEnd(line, value);
    fields.set(line.slice(begin, end).toLowerCase(), unquoted(line.slice(value, valueEnd)));
    at = valueEnd + 1;
  }
  return fields;
}

/** Each may look through the rest of the line for its end. */
const MAX_JSON_VALUES = 8;

const isNameBegin = (character: string | undefined): boolean =>
  character !== undefined && (/\w/.test(character) || character > "\u007f");
const isName = (character: string | undefined): boolean =>
  isNameBegin(character) || character === " " || character === "-" || character === "/";

function nameBegin(line: string, at: number): number {
  while (at < line.length && !isNameBegin(line[at])) at++;
  return at;
}

function nameEnd(line: string, begin: number): number {
  let end = begin;
  while (isName(line[end])) end++;
  return end;
}

function skipBlanks(line: string, at: number): number {
  while (at < line.length && /\s/.test(line[at]!)) at++;
  return at;
}

const commaEnd = (line: string, at: number): number => {
  const comma = line.indexOf(",", at);
  return comma === -1 ? line.length : comma;
};

/** Where a text in quotes ends, if a comma or nothing stands behind it. */
function quotedEnd(line: string, begin: number): number | null {
  for (let at = begin + 1; at < line.length; at++)
    if (line[at] === "\\") at++;
    else if (line[at] === '"') return endsThere(line, at + 1) ? at + 1 : null;
  return null;
}

/** Where a value in braces or brackets ends, if they close. */
function jsonEnd(line: string, begin: number): number | null {
  let depth = 0;
  let isInText = false;
  for (let at = begin; at < line.length; at++) {
    const sign = line[at]!;
    if (isInText) {
      if (sign === "\\") at++;
      else if (sign === '"') isInText = false;
    } else if (sign === '"') isInText = true;
    else if (sign === "{" || sign === "[") depth++;
    else if ((sign === "}" || sign === "]") && --depth === 0) return endsThere(line, at + 1) ? at + 1 : null;
  }
  return null;
}

const endsThere = (line: string, at: number): boolean => at >= line.length || line[at] === ",";

function unquoted(value: string): string {
  const trimmed = value.trim();
  if (!trimmed.startsWith('"') || !trimmed.endsWith('"')) return trimmed;
  try {
    return String(JSON.parse(trimmed));
  } catch {
    return trimmed;
  }
}
