import type { Curve, Estimate } from "#lib/pairing/evidence.ts";
import { findingsOf, nameOfWay, usualSteps } from "#lib/pairing/ways.ts";

/** Why not simply fewer steps: what it comes to, and each way with its passes. */
export function curveLines(curve: Curve): string[] {
  const { n, points, byGuidance, delivered, guidanceScale } = curve;
  const usual = usualSteps(curve);
  const names = points.map((point) => nameOfWay(point, usual));
  const width = Math.max(...names.map(({ length }) => length));
  return [
    `Why not simply fewer steps? n = ${n} prompts, guidance ${guidanceScale}, same noise`,
    ...findingsOf(curve).map((sentence) => `  ${sentence}`),
    "",
    `  passes  ${"".padEnd(width)}  keeps                  against the guide       distance from CFG`,
    ...points.map(
      ({ passes, fidelity, againstGuide, distance }, i) =>
        `  ${String(passes).padStart(6)}  ${names[i]!.padEnd(width)}  ${estimate(fidelity)}   ${estimate(againstGuide)}  ${estimate(distance)}`,
    ),
    "",
    "  guidance  CFG keeps              the guide keeps        distance from CFG (no guidance: 1)",
    ...byGuidance.map(
      ({ guidanceScale: w, cfg, guide, distance }) =>
        `  ${String(w).padStart(8)}  ${estimate(cfg)}   ${guide ? estimate(guide) : "outside its range    "}   ${distance ? estimate(distance) : ""}`,
    ),
    ...(delivered
      ? [
          "",
          `  CFG at the guidance that is delivered, ${delivered.guidanceScale.value.toFixed(2)}, keeps ${estimate(delivered.cfg)}; the guide's pictures lie ${estimate(delivered.distance)} from it`,
        ]
      : []),
  ].map((line) => line.trimEnd());
}

const estimate = ({ value, low, high }: Estimate): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`.replaceAll("-", "−");
