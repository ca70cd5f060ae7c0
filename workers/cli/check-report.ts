import type { PairReport } from "#lib/measure/pair-check.ts";
import type { AgreementFigures, Estimate } from "#lib/pairing/evidence.ts";
import { lineageBand } from "#lib/pairing/verdict.ts";

const marks = { verified: "✓", "usable with limits": "◐", incompatible: "✕", "not measured": "·" } as const;

/** A report for people: the verdict and why, then every level with its n and interval. */
export function reportLines({ verdict, reasons, evidence, cost, protocol }: PairReport): string[] {
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
      `               R = ${fidelity.recovered ? estimate(fidelity.recovered) : "not defined"}, n = ${fidelity.cfg.n} prompts, guidance ${protocol.guidanceScale}, ${protocol.steps} steps of ${protocol.sampler}, same noise; scored: ${fidelity.scored.join(", ")}`,
    );
  } else lines.push("L4 pictures    not measured; name an evaluator with --evaluator");
  if (cost) {
    const giga = (macs: number): string => `${(macs / 1e9).toFixed(3)} GMAC`;
    lines.push(
      `L5 cost        ${cost.againstCfg.toFixed(4)} of CFG a step: base ${giga(cost.base.total)}, guide ${giga(cost.guide.total)}; ${((100 * cost.guideParameters) / cost.baseParameters).toFixed(3)} % of the base's parameters`,
    );
  }
  return lines;
}

const figures = ({ fvu, delivered, cosine }: AgreementFigures): string =>
  `unexplained ${estimate(fvu)}   delivered ${estimate(delivered)}   cosine ${estimate(cosine)}`;

const estimate = ({ value, low, high }: Estimate): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
