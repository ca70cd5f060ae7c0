import { type Envelope, findingsOf } from "#lib/pairing/envelope.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";

/** Where the guide is at its best, and what each setting that was tried keeps. */
export function envelopeLines(envelope: Envelope): string[] {
  const { n, others, none, byGuidance, bySteps, byStrength, byCfgSteps, found } = envelope;
  return [
    `Where is the guide at its best? Chosen on ${n} prompts, told on ${others} others, same noise`,
    ...findingsOf(envelope).map((sentence) => `  ${sentence}`),
    "",
    `  ${"of the chosen".padEnd(16)}  the guide keeps         CFG keeps`,
    line("no guidance", none, null),
    ...byGuidance.map((one) => line(`guidance ${one.guidanceScale}`, one.guide, one.cfg)),
    ...bySteps.map((one) => line(`${one.steps} steps`, one.guide, one.cfg)),
    ...byStrength.map((one) =>
      line(`strength ${one.strength}`, one.guide, null, `one step adds ${estimate(one.delivered)} of what CFG does`),
    ),
    ...byCfgSteps.map((one) => line(`${one.cfgSteps} CFG steps`, one.guide, null, `${one.passes} passes`)),
    "",
    `  of the others: no guidance ${estimate(found.none)}, the guide ${estimate(found.guide)}, at its best ${estimate(found.best)}, CFG ${estimate(found.cfg)}`,
  ].map((text) => text.trimEnd());
}

const line = (name: string, guide: Estimate | null, cfg: Estimate | null, more = ""): string =>
  `  ${name.padEnd(16)}  ${(guide ? estimate(guide) : "").padEnd(22)}  ${(cfg ? estimate(cfg) : more).padEnd(22)}`;

const estimate = ({ value, low, high }: Estimate): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`.replaceAll("-", "−");
