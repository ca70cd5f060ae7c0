import { AppError } from "#lib/errors.ts";

/** What a guesser would try first of this person. */
export interface Owner {
  readonly username: string;
  readonly email: string;
  /** The name that is shown. */
  readonly name: string;
}

const HUB_WORDS = ["guidepost", "password", "passwort"];
const CHECKED_LENGTH = 64; // the estimate's work grows with the square of it: 30 ms for these
const LEAST_SCORE = 3; // of 4: more than 100 million guesses, which take the throttle centuries
const LEAST_DISTINCT = 5;

/**
 * Refuses what is guessed soon: repeated, in a row, known from lists, or made of the person's own names. `field` is where it was written.
 * @throws bad_request, which says why
 */
export async function requireStrong(password: string, owner: Owner, field: string): Promise<void> {
  const why = await weaknessOf(password, owner);
  if (why !== null)
    throw new AppError("bad_request", `This password would be guessed soon: ${why}; ${ADVICE}`, { field });
}

const ADVICE = "take a few words that only you would put together.";

/** Why a password is weak, in words; null where it is not. */
export async function weaknessOf(password: string, owner: Owner): Promise<string | null> {
  const text = plain(password).slice(0, CHECKED_LENGTH);
  if (new Set(text).size < LEAST_DISTINCT) return "it is made of few different characters";
  const own = ownWords(owner);
  const estimator = await (kept ??= loadEstimator());
  const { score, feedback } = estimator.check(text, own);
  const block = text.slice(0, periodOf(text));
  if (block !== text && estimator.check(block, own).score < LEAST_SCORE) return reasons["simpleRepeat"]!;
  if (score < LEAST_SCORE) return reasons[feedback.warning ?? ""] ?? "it is short for what it is made of";
  const rest = own.reduce((left, word) => left.replaceAll(word, ""), text);
  if (rest === text || (rest !== "" && estimator.check(rest, own).score >= LEAST_SCORE)) return null;
  return reasons["userInputs"]!;
}

/** After how many characters it begins anew, cut off at its end or not; its length where it does not. */
function periodOf(text: string): number {
  for (let period = 1; period <= text.length / 2; period++) if (text.startsWith(text.slice(period))) return period;
  return text.length;
}

/** As a guesser writes it: full-width letters are letters, and what is not seen is not there. */
const plain = (password: string): string =>
  password
    .normalize("NFKC")
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase();

/** The longest first, so that none is left in halves. */
const ownWords = ({ username, email, name }: Owner): string[] =>
  [...new Set([...HUB_WORDS, username, email, ...email.split(/[@.+_-]/), ...name.split(/\s+/)].map(plain))]
    .filter((word) => word.length >= 3)
    .toSorted((a, b) => b.length - a.length);

/** By the names that the estimator has for them. */
const reasons: Readonly<Record<string, string>> = {
  simpleRepeat: "it repeats itself",
  extendedRepeat: "it repeats itself",
  sequences: "its characters follow one another, like abc or 123",
  straightRow: "its keys lie beside each other",
  keyPattern: "its keys lie beside each other",
  recentYears: "a year is easy to guess",
  dates: "a date is easy to guess",
  topTen: "it is one of the passwords that are tried first",
  topHundred: "it is one of the passwords that are tried first",
  common: "it is one of the passwords that are tried first",
  similarToCommon: "it is like passwords that are tried first",
  wordByItself: "it is a word by itself",
  namesByThemselves: "it is a name by itself",
  commonNames: "it is a name by itself",
  userInputs: "without your own names and the hub's there is little left of it",
};

let kept: ReturnType<typeof loadEstimator> | undefined;

/** Some 40,000 common passwords and words: loaded when somebody first chooses one. */
async function loadEstimator() {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: CHECKED_LENGTH });
}
