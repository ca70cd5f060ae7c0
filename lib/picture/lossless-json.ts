/**
 * A stranger's JSON with its numbers unharmed: a whole number beyond 2⁵³ comes as a text of its digits, for
 * `JSON.parse` would round a seed of 64 bits; Python's NaN and Infinity come as null. Null where it is no JSON, or
 * nested too deep to be a person's.
 */
export function parseLossless(text: string): unknown {
  try {
    return JSON.parse(withQuotedNumbers(text));
  } catch {
    return null;
  }
}

const MAX_DEPTH = 200;

function withQuotedNumbers(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  let depth = 0;
  const replace = (begin: number, end: number, by: string): void => {
    parts.push(text.slice(copied, begin), by);
    copied = end;
  };
  for (let at = 0; at < text.length;) {
    const sign = text[at]!;
    if (sign === '"') at = textEnd(text, at);
    else if (isNumberSign(sign)) {
      const end = numberEnd(text, at);
      const number = text.slice(at, end);
      if (number === "-" && text.startsWith("Infinity", end)) replace(at, (at = end + 8), "null");
      else {
        if (end - at > 15 && /^-?\d+$/.test(number) && !Number.isSafeInteger(Number(number)))
          replace(at, end, `"${number}"`);
        at = end;
      }
    } else if (text.startsWith("NaN", at)) replace(at, (at += 3), "null");
    else if (text.startsWith("Infinity", at)) replace(at, (at += 8), "null");
    else {
      if (sign === "[" || sign === "{") depth++;
      else if (sign === "]" || sign === "}") depth--;
      if (depth > MAX_DEPTH) throw new RangeError("nested too deep");
      at++;
    }
  }
  return parts.join("") + text.slice(copied);
}

function textEnd(text: string, begin: number): number {
  let at = begin + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

const isNumberSign = (sign: string | undefined): boolean => sign !== undefined && "+-.0123456789eE".includes(sign);

function numberEnd(text: string, begin: number): number {
  let end = begin;
  while (isNumberSign(text[end])) end++;
  return end;
}
