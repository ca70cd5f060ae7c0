import type { PairReport } from "#lib/measure/pair-check.ts";
import type { AgreementFigures, DistributionDistance, Estimate, Fidelity, Range } from "#lib/pairing/evidence.ts";
import { lineageBand } from "#lib/pairing/verdict.ts";

const marks = {
  verified: "✓",
  "usable with limits": "◐",
  incompatible: "✕",
  inconclusive: "?",
  "not measured": "·",
} as const;

/** “48 prompts: inconclusive, R = 0.83 [0.41, 1.20]; looking at 96” */
export function lookLine({ verdict, evidence: { fidelity }, next }: PairReport): string {
  const recovered = fidelity?.recovered ? `, R = ${estimate(fidelity.recovered)}` : "";
  return `${fidelity?.gain.n ?? 0} prompts: ${verdict}${recovered}; looking at ${next}`;
}

/** A report for people: the verdict and why, then every level with its n and interval. */
export function reportLines({
  verdict,
  reasons,
  opinions,
  evidence,
  looks,
  next,
  cost,
  protocol,
}: PairReport): string[] {
  const { structure, lineage, agreement, fidelity } = evidence;
  const lines = [`${marks[verdict]} ${verdict}`, ...reasons.map((reason) => `  ${reason}`), ""];
  lines.push(`L0 structure   ${structure.length === 0 ? "fits" : "does not fit"}`);
  lines.push(
    lineage
      ? `L1 lineage     ${lineageBand(lineage)}: cosine ${lineage.medianCosine.toFixed(4)} (5th percentile ${lineage.lowCosine.toFixed(4)}), distance ${lineage.medianDistance.toFixed(3)}, ${lineage.tensors} tensors; the guide ${lineage.guideNamesThisBase ? "names" : "does not name"} this base`
      : "L1 lineage     not measured; name the model's base with --base",
  );
  if (agreement) {
    lines.push(`L2 agreement   ${figures(agreement)}, n = ${agreement.fvu.n} prompts (shown, does not judge)`);
    for (const row of agreement.byGuidance) lines.push(`   w = ${row.guidanceScale}        ${figures(row)}`);
    for (const row of agreement.byTimestep) lines.push(`   t = ${String(row.timestep).padEnd(9)}${figures(row)}`);
  } else lines.push("L2 agreement   not measured");
  if (fidelity) {
    lines.push(
      `L4 pictures    conditional ${estimate(fidelity.conditional)}   guide ${estimate(fidelity.guide)}   CFG ${estimate(fidelity.cfg)}`,
    );
    lines.push(
      `               R = ${ratio(fidelity)}, n = ${fidelity.cfg.n} prompts, guidance ${protocol.guidanceScale}, ${protocol.steps} steps of ${protocol.sampler}, same noise; scored: ${fidelity.scored.join(", ")}`,
    );
    const { conditional, guide } = fidelity.distances;
    if (conditional && guide)
      lines.push(
        `   as a set from CFG's, n = ${guide.n}: squared MMD ${apart(guide)} with the guide, ${apart(conditional)} without guidance; other prompts alone ${span(guide.floor)}`,
      );
    for (const look of looks)
      lines.push(`   look at ${String(look.prompts).padEnd(4)}R = ${ratio(look)}; CFG gains ${estimate(look.gain)}`);
    if (next !== null) lines.push(`   the plan goes on to ${next} prompts`);
  } else
    lines.push(
      `L4 pictures    not measured; ${opinions.length === 0 ? "name an evaluator with --evaluator" : "none was drawn"}`,
    );
  if (opinions.length > 1)
    for (const { evaluator, verdict: word, silence } of opinions)
      lines.push(`   by ${evaluator === "clip" ? "CLIP" : "attributes"}: ${word ?? silence ?? "no pictures"}`);
  if (cost) {
    const giga = (macs: number): string => `${(macs / 1e9).toFixed(3)} GMAC`;
    lines.push(
      `L5 cost        ${cost.againstCfg.toFixed(4)} of CFG a step: base ${giga(cost.base.total)}, guide ${giga(cost.guide.total)}; ${((100 * cost.guideParameters) / cost.baseParameters).toFixed(3)}% of the base's parameters`,
    );
  }
  return lines;
}

const apart = ({ value, swapped }: DistributionDistance): string => `${signed(value)} (by chance ${span(swapped)})`;
const span = ({ low, high }: Range): string => `${signed(low)} to ${signed(high)}`;
const signed = (value: number): string => value.toFixed(4).replace("-", "−");

const figures = ({ fvu, delivered, cosine }: AgreementFigures): string =>
  `unexplained ${estimate(fvu)}   delivered ${estimate(delivered)}   cosine ${estimate(cosine)}`;

/** Its interval is unbounded where CFG's gain could be nothing. */
const ratio = ({ recovered }: Pick<Fidelity, "recovered">): string =>
  recovered ? estimate(recovered) : "anything [unbounded]";

const estimate = ({ value, low, high }: Estimate): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
