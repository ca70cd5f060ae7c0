/**
 * What a licence allows that decides what may be done with several works together. Known names only (SPDX, and those of the model
 * world); of any other nothing is said. No advice by a lawyer: the page links the texts.
 */
export const licenceTerms = ["anything", "same licence", "use restrictions", "no commercial use", "unknown"] as const;
export type LicenceTerms = (typeof licenceTerms)[number];

const known: readonly (readonly [RegExp, LicenceTerms])[] = [
  [/^cc-by-nc(?:-|$)|(?:^|-)(?:nc|noncommercial|non-commercial|research)(?:-|$)/, "no commercial use"],
  [/^(?:creativeml-|bigscience-|bigcode-)?open-?rail(?:\+\+|-m|-d|-s|-a)*(?:-m)?$|^open-?rail/, "use restrictions"],
  [/^(?:gpl|agpl|lgpl|mpl|epl|eupl|osl)-|^cc-by-sa-|^odbl(?:-|$)/, "same licence"],
  [
    /^(?:apache-2\.0|mit(?:-0)?|bsd-[234]-clause(?:-.+)?|0bsd|isc|zlib|unlicense|wtfpl|cc0-1\.0|cc-by-[234]\.[05]|afl-3\.0|artistic-2\.0|bsl-1\.0|ncsa|postgresql|pddl)$/,
    "anything",
  ],
];

/** @param licence an SPDX name or one like openrail; null where none is given */
export function termsOf(licence: string | null): LicenceTerms {
  const name = licence?.trim().toLowerCase() ?? "";
  return known.find(([pattern]) => pattern.test(name))?.[1] ?? "unknown";
}

export interface LicensedPart {
  readonly repo: string;
  readonly licence: string | null;
}

/** What holds for pictures that all parts draw together, in sentences: each part's licence goes on holding. */
export function rollUp(parts: readonly LicensedPart[]): string[] {
  const of = (terms: LicenceTerms): LicensedPart[] => parts.filter(({ licence }) => termsOf(licence) === terms);
  const names = (all: readonly LicensedPart[]): string =>
    all.map(({ repo, licence }) => `${repo} (${licence ?? "no licence given"})`).join(", ");
  const sentences: string[] = [];
  const say = (terms: LicenceTerms, sentence: (named: string) => string): void => {
    const named = of(terms);
    if (named.length > 0) sentences.push(sentence(names(named)));
  };
  say("no commercial use", (named) => `Not for commercial use: ${named}.`);
  say("use restrictions", (named) => `Some uses are excluded by the licence of ${named}; read it first.`);
  say("same licence", (named) => `What is made from it and passed on keeps its licence: ${named}.`);
  say("unknown", (named) => `Nothing is known here of what the licence allows: ${named}.`);
  return sentences.length > 0
    ? sentences
    : ["All parts may be used for anything, with their notices kept where they are passed on."];
}
