/**
 * A key of PEFT's `alpha_pattern`: a regular expression that fits the end of a module's path from a dot on, as
 * `get_pattern_key` of peft 0.21 applies it. Null for one that is not read here: a stranger's expression may take for
 * ever, so only names, `^`, `.`, `\.`, `\d`, `[0-9]`, alternatives in parentheses and up to three repetitions of one
 * character are taken.
 */
export function modulePattern(key: string): RegExp | null {
  if (key.length > MAX_LENGTH || !simple.test(key)) return null;
  const repetitions = key.match(/[*+]/g)?.length ?? 0;
  if (repetitions > MAX_REPETITIONS) return null;
  try {
    return new RegExp(`^(.*\\.)?(${key})$`);
  } catch {
    return null;
  }
}

const MAX_LENGTH = 200;
const MAX_REPETITIONS = 3;

/** Tokens of the grammar above. A repetition follows one character, never a group. */
const simple = /^(?:[\w^$|()-]|(?:[.]|\\[.d]|\[0-9\])[*+]?)+$/;
