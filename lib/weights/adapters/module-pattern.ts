/** Whether a module's path, such as `down_blocks.0.attentions.1.proj_in`, fits. */
export interface ModulePattern {
  test(path: string): boolean;
}

/**
 * A key of PEFT's `alpha_pattern`: a regular expression that fits the end of a module's path from a dot on, as
 * `get_pattern_key` of peft 0.21 applies it. Null for one that is not read here: only names, `^`, `$`, `.`, `\.`, `\d`,
 * `[0-9]`, alternatives in parentheses and up to three repetitions of one character are taken.
 *
 * It is a stranger's expression, on which JavaScript's engine may take for ever: this goes through a path once for each
 * sign of it, with all the places where what came before may have ended.
 */
export function modulePattern(key: string): ModulePattern | null {
  if (key.length > MAX_LENGTH || !simple.test(key)) return null;
  const tokens = [...key.matchAll(token)].map(([text]) => text);
  if (tokens.filter((text) => text.length > 1 && /[*+]$/.test(text)).length > MAX_REPETITIONS) return null;
  const reader = { tokens, at: 0 };
  const step = alternatives(reader);
  if (step === null || reader.at < tokens.length) return null;
  return { test: (path) => step(path, begins(path)).has(path.length) };
}

const MAX_LENGTH = 200;
const MAX_REPETITIONS = 3;

/** Tokens of the grammar above. A repetition follows one character, never a group. */
const simple = /^(?:[\w^$|()-]|(?:[.]|\\[.d]|\[0-9\])[*+]?)+$/;
const token = /(?:[.]|\\[.d]|\[0-9\])[*+]?|[\w^$|()-]/g;

/** Where a part may end, of the places where it may begin. */
type Step = (path: string, from: ReadonlySet<number>) => ReadonlySet<number>;

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

/** The whole path, or what stands behind a dot of it. */
const begins = (path: string): Set<number> =>
  new Set([0, ...Array.from(path, (sign, index) => (sign === "." ? index + 1 : 0))]);

function alternatives(reader: Reader): Step | null {
  const steps: Step[] = [];
  for (let isMore = true; isMore; reader.at += isMore ? 1 : 0) {
    const step = sequence(reader);
    if (step === null) return null;
    steps.push(step);
    isMore = reader.tokens[reader.at] === "|";
  }
  return (path, from) => new Set(steps.flatMap((step) => [...step(path, from)]));
}

function sequence(reader: Reader): Step | null {
  const steps: Step[] = [];
  for (let next = reader.tokens[reader.at]; next !== undefined && next !== "|" && next !== ")";) {
    reader.at++;
    const step = next === "(" ? alternatives(reader) : single(next);
    if (step === null || (next === "(" && reader.tokens[reader.at++] !== ")")) return null;
    steps.push(step);
    next = reader.tokens[reader.at];
  }
  return (path, from) => steps.reduce((places, step) => step(path, places), from);
}

function single(text: string): Step {
  if (text === "^") return (_path, from) => new Set(from.has(0) ? [0] : []);
  if (text === "$") return (path, from) => new Set(from.has(path.length) ? [path.length] : []);
  const repeats = text.length > 1 && /[*+]$/.test(text) ? text.at(-1) : null;
  const fits = signOf(repeats ? text.slice(0, -1) : text);
  return (path, from) => {
    const ends = new Set(repeats === "*" ? from : []);
    for (let at = 0; at < path.length; at++)
      if ((from.has(at) || (repeats && ends.has(at))) && fits(path[at]!)) ends.add(at + 1);
    return ends;
  };
}

function signOf(text: string): (sign: string) => boolean {
  if (text === ".") return (sign) => sign !== "\n";
  if (text === "\\d" || text === "[0-9]") return (sign) => sign >= "0" && sign <= "9";
  const wanted = text === "\\." ? "." : text;
  return (sign) => sign === wanted;
}
