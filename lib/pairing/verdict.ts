import type { Estimate, Evidence, Fidelity, Lineage } from "./evidence.ts";
import { thresholds } from "./thresholds.ts";

export type VerdictName = "verified" | "usable with limits" | "incompatible" | "not measured";

/** A word, and sentences that say what it rests on and what is lost. */
export interface Verdict {
  readonly verdict: VerdictName;
  readonly reasons: readonly string[];
}

export type LineageBand = "derived" | "distant" | "doubtful" | "unrelated";

/** Pictures judge. Structure, unrelated weights and predictions worse than none rule out; everything else is shown and does not judge. */
export function judge(evidence: Evidence): Verdict {
  const against = reasonsAgainst(evidence);
  if (against.length > 0) return { verdict: "incompatible", reasons: against };

  const { fidelity } = evidence;
  if (!fidelity)
    return {
      verdict: "not measured",
      reasons: ["No pictures were read: without an evaluator nothing says whether prompts are kept."],
    };
  const { recovered } = fidelity;
  if (!recovered) {
    return {
      verdict: "not measured",
      reasons: [
        `CFG itself adds nothing significant to prompt fidelity here: ${estimate(fidelity.gain, signed)}. There is nothing to recover.`,
      ],
    };
  }
  if (recovered.value >= thresholds.verifiedRecovered && recovered.low >= thresholds.verifiedRecoveredLow) {
    return { verdict: "verified", reasons: [recovers(recovered), ...caveats(fidelity)] };
  }
  if (recovered.low > thresholds.usableRecoveredLow)
    return { verdict: "usable with limits", reasons: [...losses(fidelity, recovered), ...caveats(fidelity)] };
  return {
    verdict: "not measured",
    reasons: [
      `The guide recovers ${estimate(recovered)} of CFG's gain, which could be none; measure more pictures.`,
      ...caveats(fidelity),
    ],
  };
}

export function lineageBand({ medianCosine }: Lineage): LineageBand {
  if (medianCosine >= thresholds.lineageDerived) return "derived";
  if (medianCosine >= thresholds.lineageDistant) return "distant";
  return medianCosine >= thresholds.lineageUnrelated ? "doubtful" : "unrelated";
}

function reasonsAgainst({ structure, lineage, agreement, fidelity }: Evidence): string[] {
  const reasons = structure.map((mismatch) => `The structure does not fit: ${mismatch}.`);
  if (lineage && lineageBand(lineage) === "unrelated") {
    reasons.push(
      `The model's weights are unrelated to the base (median cosine ${lineage.medianCosine.toFixed(2)} over ${lineage.tensors} tensors).`,
    );
  }
  if (agreement && !agreement.finite) reasons.push("A prediction was not a number.");
  if (agreement && agreement.fvu.low >= thresholds.incompatibleUnexplainedLow) {
    reasons.push(
      `With the guide, predictions lie further from CFG than without it: unexplained share ${estimate(agreement.fvu)}.`,
    );
  }
  const recovered = fidelity?.recovered;
  if (recovered && recovered.high <= thresholds.incompatibleRecoveredHigh) {
    reasons.push(`${recovers(recovered)} That is too little to be seen.`);
  }
  return reasons;
}

function losses({ guide, cfg, conditional }: Fidelity, recovered: Estimate): string[] {
  return [
    recovers(recovered),
    `Of the attributes a prompt names, ${percent(cfg.value - guide.value)} fewer are kept than with CFG (${percent(guide.value)} against ${percent(cfg.value)}; ${percent(conditional.value)} without guidance); letting CFG do the first steps buys some of it back.`,
  ];
}

function caveats({ unscored, domain, notes: said }: Fidelity): string[] {
  const notes = unscored.map(
    ({ attribute, accuracy }) =>
      `${attribute} is not scored: the evaluator reads it right in ${percent(accuracy)} of such pictures only`,
  );
  if (domain === null) notes.push("the evaluator was never validated on this style");
  return [...notes.map((note) => `${note[0]!.toUpperCase()}${note.slice(1)}.`), ...said];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const signed = (value: number): string => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
const estimate = ({ value, low, high, n }: Estimate, show = (x: number): string => x.toFixed(2)): string =>
  `${show(value)} (95 % interval ${show(low)} to ${show(high)}, n = ${n})`;
const recovers = (recovered: Estimate): string =>
  `Of what CFG adds to prompt fidelity the guide recovers ${estimate(recovered)}.`;
