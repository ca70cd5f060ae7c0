import type { Report } from "#lib/catalog/reports/schema.ts";
import type { PairReport } from "#lib/measure/pair-check.ts";
import type { PassLayout } from "#lib/measure/pair-networks.ts";
import type { Comparison } from "#lib/measure/same-again.ts";
import type { FoundReport } from "#workers/verify/find-report.ts";
import type { Signer } from "#workers/verify/who-signed.ts";

/** What came of measuring again. */
export interface Outcome {
  readonly word: "agrees" | "differs";
  /** How many prompts were drawn again, of how many. */
  readonly prompts: number;
  readonly all: number;
  readonly comparison: Comparison;
  readonly again: PairReport;
  readonly layout: PassLayout;
  readonly threads: number;
  /** Whether what else could be done with as many passes was drawn again too. */
  readonly hasWays: boolean;
}

/** Of a signature that holds: whose it is, and what that proves. */
export function signedLines(
  { hub, keyId, keyFrom }: Signer,
  { signed: { report } }: Pick<FoundReport, "signed">,
): string[] {
  const { signedAt } = report;
  const when = typeof signedAt === "string" ? ` on ${signedAt.slice(0, 10)}` : "";
  return [
    `The signature holds: ${hub} signed this${when}, with its key ${keyId}${keyFrom === hub ? "" : ` (as ${keyFrom} has it)`}.`,
    ...(keyFrom === hub && isOpenToOthers(hub)
      ? [
          "  The key came over plain HTTP: whoever sits in between could have sent another. Give one from elsewhere with --key.",
        ]
      : []),
  ];
}

const isOpenToOthers = (hub: string): boolean => {
  const { protocol, hostname } = new URL(hub);
  return protocol === "http:" && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
};

export const changedLines = ({ hub, keyId }: Signer): string[] => [
  `was changed: this is not, sign for sign, what ${hub} signed with its key ${keyId}. Do not go by it; its page says what was measured.`,
];

/** Nothing was drawn again: the report itself, or what its hub has told since, does not hold together. */
export const unkeptLines = ({ hub, page }: Report, differences: readonly string[]): string[] => [
  `differs: what ${hub} signed does not hold together; nothing was drawn again.`,
  ...differences.map((difference) => `  ${difference}`),
  `  Its page is ${page}.`,
];

/** So that nobody can train on them. What could be checked without them was. */
export const heldBackLines = ({ hub, pair }: Report, until: string): string[] => [
  `held back: ${hub} tells what prompts and noise of ${pair.guide.repo} on ${pair.finetune.repo} were drawn from on ${until.slice(0, 16).replace("T", " ")} UTC, so that no guide can be trained on them; verify it again then.`,
  "  Its figures follow from the values of its prompts.",
];

/** The word, and what it rests on. */
export function outcomeLines({ hub, page, pair }: Report, outcome: Outcome): string[] {
  const { word, prompts, all, comparison, again, layout, threads } = outcome;
  const isWhole = prompts === all;
  const subject = `${pair.guide.repo} on ${pair.finetune.repo}`;
  const verdict = isWhole
    ? `the verdict on ${subject} is “${again.verdict}” here too, and every value lies within its tolerance`
    : `every value of the first ${prompts} of ${all} prompts lies within its tolerance; of the verdict on ${subject} that says nothing yet`;
  return [
    ...comparison.levels.map(
      ({ name, values, furthest, tolerance }) =>
        `${name.padEnd(14)} ${String(values).padStart(6)} values, the furthest ${furthest.toPrecision(2)} apart (tolerance ${tolerance})`,
    ),
    `measured again with ${threads} ${threads === 1 ? "thread" : "threads"}, ${layout.rows} ${layout.rows === 1 ? "picture" : "pictures"} at once, CFG in ${layout.cfg}; there with ${pair.measured?.runtime.threads ?? "?"} threads by ${pair.measured?.runtime.name} ${pair.measured?.runtime.version}`,
    ...(pair.curve?.found && !outcome.hasWays
      ? [
          "what else could be done with as many passes was not measured again, since no verdict rests on it: --ways does",
        ]
      : []),
    "",
    ...(word === "agrees"
      ? [`agrees: ${verdict}.`]
      : [
          `differs: what ${hub} signed is not what this machine measures.`,
          ...comparison.differences.map((difference) => `  ${difference}`),
          `  Its page is ${page}.`,
        ]),
  ];
}
