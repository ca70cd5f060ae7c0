import type { Estimate, Evidence, Fidelity, Lineage } from "./evidence.ts";
import { firstLook, lookAfter, shareOfError } from "./plan.ts";
import type { Certainty, Claims } from "./recovery.ts";
import { thresholds } from "./thresholds.ts";

export type VerdictName = "verified" | "usable with limits" | "incompatible" | "inconclusive" | "not measured";

/** A word, and sentences that say what it rests on, what is lost and what would settle it. */
export interface Verdict {
  readonly verdict: VerdictName;
  readonly reasons: readonly string[];
  /** How many prompts the plan looks at next; null where it has ended. */
  readonly next: number | null;
}

export type LineageBand = "derived" | "distant" | "doubtful" | "unrelated";

/** Pictures judge. Structure, unrelated weights and predictions worse than none rule out; everything else is shown and does not judge. */
export function judge(evidence: Evidence): Verdict {
  const against = reasonsAgainst(evidence);
  if (against.length > 0) return { verdict: "incompatible", reasons: against, next: null };
  const { fidelity, others = [], silences = [] } = evidence;
  if (!fidelity && silences.length > 0) return ended("not measured", silences.map(thenWhat));
  if (!fidelity)
    return ended("not measured", [
      "No pictures were read: without an evaluator nothing says whether prompts are kept. Name one, or look at what the guide draws.",
    ]);
  if (fidelity.scored.length === 0)
    return ended("not measured", [
      "Nothing was scored: there is nothing that the evaluator reads well enough in pictures of this style. An evaluator that knows the style would settle it.",
      ...caveats(fidelity),
    ]);
  const [word, ...reasons] = ofPictures(fidelity);
  if (others.length > 0) return ofSeveral([fidelity, ...others], silences);
  return {
    verdict: word,
    reasons: [...reasons, ...ofTries(fidelity), ...caveats(fidelity), ...silences],
    next: nextLook(fidelity),
  };
}

const thenWhat = (silence: string): string =>
  `${silence} Look at what the guide draws, or have an evaluator judge that was tested on such pictures.`;

/** What one evaluator says by itself. */
export const wordOf = (fidelity: Fidelity): VerdictName => ofPictures(fidelity)[0];

/** From what is most to what is least to be relied on. */
const byStrength: readonly VerdictName[] = [
  "verified",
  "usable with limits",
  "incompatible",
  "inconclusive",
  "not measured",
];

/** Whose word is the weakest, by its place; the first of equals. */
export function weakestOf(fidelities: readonly Fidelity[]): number {
  const strengths = fidelities.map((one) => byStrength.indexOf(wordOf(one)));
  return Math.max(0, strengths.indexOf(Math.max(...strengths)));
}

/**
 * A word is said where all evaluators are certain of it, each by the whole test: so the error of the word is no larger than that of
 * one of them, and nothing has to be divided among them (Berger 1982, doi 10.1080/00401706.1982.10487790). Where one finds a guide of use
 * and another finds it useless, neither is certain for both.
 */
function ofSeveral(fidelities: readonly Fidelity[], silences: readonly string[]): Verdict {
  const words = fidelities.map(wordOf);
  const says = words.map((word, i) => `${nameOf(fidelities, i)} says “${word}”`).join(", ");
  const agreed = words.every((word) => word === words[0]);
  const areOfUse = words.every((word) => word === "verified" || word === "usable with limits");
  const verdict = agreed ? words[0]! : areOfUse ? "usable with limits" : "inconclusive";
  const nexts = fidelities.map(nextLook).filter((next) => next !== null);
  return {
    verdict,
    reasons: [
      `${fidelities.length} evaluators read the same pictures, and ${agreed ? "agree" : "the weaker word stands, for a word needs all of them"}: ${says}.`,
      ...fidelities.flatMap((fidelity, i) => {
        const [, ...reasons] = ofPictures(fidelity);
        return [...reasons, ...caveats(fidelity)].map((reason) => `By ${nameOf(fidelities, i)}: ${reason}`);
      }),
      ...ofTries(fidelities[0]!),
      ...silences,
    ],
    next: nexts.length > 0 ? Math.max(...nexts) : null,
  };
}

/** By what it is, and counted where there are several of that. */
function nameOf(fidelities: readonly Fidelity[], place: number): string {
  const { evaluator } = fidelities[place]!;
  const name = evaluator === "clip" ? "CLIP" : "the network of attributes";
  const same = fidelities.filter((one) => one.evaluator === evaluator);
  return same.length === 1 ? name : `${name} (${same.indexOf(fidelities[place]!) + 1})`;
}

export function lineageBand({ medianCosine }: Lineage): LineageBand {
  if (medianCosine >= thresholds.lineageDerived) return "derived";
  if (medianCosine >= thresholds.lineageDistant) return "distant";
  return medianCosine >= thresholds.lineageUnrelated ? "doubtful" : "unrelated";
}

const ended = (verdict: VerdictName, reasons: readonly string[]): Verdict => ({ verdict, reasons, next: null });

/** By what is certain alone: the value in the middle of an interval decides nothing. */
function ofPictures(fidelity: Fidelity): [VerdictName, ...string[]] {
  const { gain, recovered, unreadable, available, claims } = fidelity;
  const [verified, usable] = [percent(thresholds.verifiedRecovered), percent(thresholds.usableRecovered)];
  if (unreadable.length > 0)
    return [
      "inconclusive",
      `Pictures ${unreadable.map((mode) => modeNames[mode]).join(" and ")} could not be read as numbers, so they cannot be compared; another evaluator may read them.`,
    ];
  if (!claims)
    return [
      "inconclusive",
      `${gain.n === 1 ? "One prompt was" : `${gain.n} prompts were`} drawn, and the first look of the plan is at ${firstLook.prompts}${available < firstLook.prompts ? `; a list of at least ${firstLook.prompts} different prompts would settle more` : ", so nothing is decided yet"}.`,
    ];
  if (!recovered)
    return [
      "inconclusive",
      `CFG itself has no measurable benefit here: it adds ${estimate(gain, signed)} to prompt fidelity, which could be nothing, so the share that the guide recovers could be anything. ${whatSettles(fidelity, "Prompts that the model keeps badly without guidance, or an evaluator that sees finer differences, would settle it.")}`,
      soFar(fidelity),
    ];
  const found = recovers(recovered);
  const { word } = decide(claims, mayVerify(fidelity));
  switch (word) {
    case "verified":
      return [word, `The guide certainly recovers at least ${verified} of what CFG adds. ${found}`];
    case "usable with limits":
      return claims.verified.isCertain
        ? [
            word,
            `${found} As the evaluator reads it, that is certainly at least ${verified}; but how well it reads this style was never measured, and without that nothing is verified.`,
          ]
        : [
            word,
            `The guide certainly recovers at least ${usable} of what CFG adds, and ${recovered.high < thresholds.verifiedRecovered ? `certainly less than ${verified}` : `not certainly ${verified}`}. ${found}`,
            lossOf(fidelity),
          ];
    case "incompatible":
      return [
        word,
        `The guide certainly recovers less than ${usable} of what CFG adds, which is too little to be of use. ${found}`,
      ];
    case "inconclusive":
      return [
        word,
        `${found} That may be more or less than ${usable}, the least that is of use. ${whatSettles(fidelity, "No more prompts are planned; prompts on which CFG gains more, or an evaluator that sees finer differences, would settle it.")}`,
        soFar(fidelity),
      ];
  }
}

/**
 * The word for what a look is certain of, and whether there is hope of a better one. A plan that ends early for want of hope makes no
 * word more likely.
 */
export function decide(
  { gain, verified, usable, tooLittle }: Claims,
  mayVerify: boolean,
): { readonly word: Exclude<VerdictName, "not measured">; readonly hasHope: boolean } {
  const hopeIn = ({ hope }: Certainty): boolean => hope >= thresholds.littleHope;
  if (!gain.isCertain) return { word: "inconclusive", hasHope: hopeIn(gain) && (hopeIn(usable) || hopeIn(tooLittle)) };
  if (verified.isCertain) return { word: mayVerify ? "verified" : "usable with limits", hasHope: false };
  if (usable.isCertain) return { word: "usable with limits", hasHope: mayVerify && hopeIn(verified) };
  if (tooLittle.isCertain) return { word: "incompatible", hasHope: false };
  return { word: "inconclusive", hasHope: hopeIn(usable) || hopeIn(tooLittle) };
}

const modeNames = { conditional: "without guidance", guide: "with the guide", cfg: "with CFG" } as const;

/** Null where the plan has ended: nothing better has hope, there are no prompts left, or fewer were asked for than make up a look. */
function nextLook(fidelity: Fidelity): number | null {
  const { gain, claims, unreadable, available } = fidelity;
  const next = lookAfter(gain.n);
  if (next === null || next > available || unreadable.length > 0 || claims === null) return null;
  return decide(claims, mayVerify(fidelity)).hasHope ? next : null;
}

/** What reads attributes misreads them where nobody measured how well it does; CLIP reads no attributes, and compares as it does everywhere. */
const mayVerify = ({ evaluator, domain }: Fidelity): boolean => evaluator === "clip" || domain !== null;

function whatSettles(fidelity: Fidelity, otherwise: string): string {
  const next = nextLook(fidelity);
  return next === null ? otherwise : `The plan goes on to ${next} prompts.`;
}

function reasonsAgainst({ structure, lineage, agreement }: Evidence): string[] {
  const reasons = structure.map((mismatch) => `The structure does not fit: ${mismatch}.`);
  if (lineage && lineageBand(lineage) === "unrelated") {
    const furthest = lineage.furthest.length > 0 ? `, furthest ${lineage.furthest.join(", ")}` : "";
    reasons.push(
      `The model's weights are unrelated to the base: median cosine ${lineage.medianCosine.toFixed(2)} over ${lineage.tensors} tensors${furthest}.`,
    );
  }
  if (!agreement) return reasons;
  if (!agreement.modelIsFinite)
    return [...reasons, "A prediction of the model itself was not a number, with CFG or without."];
  if (!agreement.finite) return [...reasons, "A prediction with the guide was not a number."];
  if (agreement.addsNothing) return [...reasons, "The guide adds nothing: every prediction is what it is without it."];
  const { fvu } = agreement;
  if (fvu.n >= thresholds.agreementPrompts && fvu.low > thresholds.incompatibleUnexplainedLow)
    reasons.push(
      `With the guide, predictions lie further from CFG than without it: unexplained share ${estimate(fvu)}.`,
    );
  return reasons;
}

function lossOf({ guide, cfg, conditional, evaluator }: Fidelity): string {
  const show = evaluator === "clip" ? (x: number): string => x.toFixed(4) : percent;
  const kept =
    evaluator === "clip"
      ? `CLIP finds pictures and prompts ${show(guide.value)} alike`
      : `pictures keep ${show(guide.value)} of what their prompts ask for`;
  return `What is lost: ${kept}, against ${show(cfg.value)} with CFG and ${show(conditional.value)} without guidance.`;
}

/** What can be gone by until something is certain. */
function soFar({ guide, cfg, conditional, evaluator }: Fidelity): string {
  const show = (value: number): string => (evaluator === "clip" ? value.toFixed(4) : percent(value));
  const within = ({ value, low, high }: Estimate): string => `${show(value)} (${show(low)} to ${show(high)})`;
  return `${evaluator === "clip" ? "CLIP finds pictures and prompts alike by" : "Pictures keep"} ${within(guide)} with the guide, ${within(cfg)} with CFG and ${within(conditional)} without guidance (each with its 95% interval).`;
}

/** One error for all guides of an author on one model: who tries many needs to be surer of each. */
function ofTries({ tries }: Fidelity): string[] {
  if (tries === 1) return [];
  const part = 100 * shareOfError(tries);
  const shown = part < 0.01 ? "less than 0.01" : part.toPrecision(2);
  return [
    `Its author has had ${tries} guides measured on this model, this one as number ${tries}: they share one allowance for error, of which ${shown}% is for this one, so more has to be certain of it.`,
  ];
}

function caveats({ unscored, domain, scored, evaluator, notes: said }: Fidelity): string[] {
  const notes = unscored.map(
    ({ attribute, accuracy }) =>
      `${attribute} is not scored: the evaluator reads it right in ${percent(accuracy)} of such pictures only`,
  );
  if (evaluator === "attributes" && domain === null && scored.length > 0)
    notes.push("how well the evaluator reads this style was never measured");
  return [...notes.map((note) => `${note[0]!.toUpperCase()}${note.slice(1)}.`), ...said];
}

const percent = (share: number): string => `${(100 * share).toFixed(1).replace(/\.0$/, "")}%`;
const signed = (value: number): string => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
const estimate = ({ value, low, high, n }: Estimate, show = (x: number): string => x.toFixed(2)): string =>
  `${show(value)} (95% interval ${show(low)} to ${show(high)}, n = ${n})`;
const recovers = (recovered: Estimate): string =>
  `Of what CFG adds to prompt fidelity it recovers ${estimate(recovered)}.`;
