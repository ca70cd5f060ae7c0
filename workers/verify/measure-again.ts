import type { Report } from "#lib/catalog/reports/schema.ts";
import { verdictInWords } from "#lib/catalog/verdict.ts";
import { cfgLayoutFor, cfgLayouts } from "#lib/diffusion/cfg-layout.ts";
import { AppError } from "#lib/errors.ts";
import type { PassLayout } from "#lib/measure/pair-networks.ts";
import { rowsAtOnce } from "#lib/measure/rows-at-once.ts";
import type { Found } from "#lib/measure/same-again.ts";
import type { StyleTests } from "#lib/measure/style/styles-of-pair.ts";
import type { DrawnFrom } from "#lib/pairing/period-secret.ts";
import { PROTOCOL_VERSION } from "#lib/pairing/protocol.ts";
import { before } from "#workers/inference/result-schemas.ts";
import type { CheckJob, CurveJob, RuntimeChoice } from "#workers/inference/messages.ts";
import type { Laid } from "./laid-out.ts";

/** What a report says was found, value by value. @throws bad_request where it cannot be measured again by this version */
export function foundThere({ pair }: Report): Found {
  const { measured, measurements, verdict } = pair;
  if (measured === null || measured.protocol.version !== PROTOCOL_VERSION)
    throw new AppError(
      "bad_request",
      `The report is of protocol ${measured?.protocol.version ?? "0"}, and this guidepost measures by protocol ${PROTOCOL_VERSION}; its signature holds, and its numbers need a guidepost of that time.`,
      { version: measured?.protocol.version },
    );
  const rawOf = (level: number): unknown => measurements.find((one) => one.level === level)?.raw;
  const raw = before.safeParse({ lineage: rawOf(1) ?? null, agreement: rawOf(2) ?? [], fidelity: rawOf(4) ?? [] });
  if (!raw.success || raw.data === null)
    throw new AppError(
      "bad_request",
      "The report has no values that could be compared, though its signature holds; get it again from its page.",
    );
  return { verdict: verdictInWords(verdict), structure: measured.structure, ...raw.data };
}

/** How many prompts were drawn, or looked at where none was. */
export const promptsOf = ({ agreement, fidelity }: Found): number =>
  fidelity.length || new Set(agreement.map(({ prompt }) => prompt)).size || 1;

/**
 * How well a style is read is measured again with all prompts, for the scores of every one of them depend on it. Of some first ones it is
 * taken as the report has it: it would cost more than they do.
 */
export const stylesFor = ({ pair: { measured } }: Report, isWhole: boolean): StyleTests =>
  isWhole ? [] : (measured?.evaluators.map(({ style }) => style) ?? []);

/** Other batches, and CFG's two passes the other way round, than a hub measures a model of this size with: what is only so because of them shows. */
export function otherLayout(parameters: number): PassLayout {
  const rows = rowsAtOnce(parameters) === 1 ? 1 : 5; // no divisor of the usual 16; of a large model more than one would not fit
  return { rows, cfg: cfgLayouts.find((layout) => layout !== cfgLayoutFor(parameters))! };
}

/** What decides the numbers, beside the files. */
interface Drawn {
  readonly draw: DrawnFrom | null;
  readonly tries: number;
  readonly pictures: number;
  readonly styles: StyleTests;
}

/** What else could be done with as many passes, on all prompts of that: distances are told as a share of what all have. */
export const toCurveJob = (
  laid: Laid,
  { pair: { curve, measured } }: Report,
  {
    pictures,
    runtime,
    layout,
  }: { readonly pictures: number; readonly runtime: RuntimeChoice; readonly layout: PassLayout },
): CurveJob => ({
  type: "curve",
  runtime,
  choice: laid.choice,
  evaluators: laid.evaluators,
  prompts: curve?.raw?.prompts ?? null,
  pictures,
  domain: null,
  styles: measured?.evaluators.map(({ style }) => style) ?? [],
  kept: null,
  layout,
});

export const toJob = (laid: Laid, drawn: Drawn, runtime: RuntimeChoice, layout: PassLayout): CheckJob => ({
  type: "check",
  runtime,
  ...laid,
  ...drawn,
  styles: [...drawn.styles],
  before: null,
  domain: null,
  kept: null,
  layout,
});
