import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { toDuration } from "../../_page/units.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";

type Known = NonNullable<PairView["measured"]>;
type Judged = NonNullable<Known["fidelity"]>;
type Recovered = NonNullable<Judged["recovered"]>;

/** Of the interval's lower end: that more than a tenth of CFG's gain is missing is then unlikely. */
const AS_WELL_AS_CFG = 0.9;

/** What a beginner should know of a pair, in one or two sentences that claim no more than was measured. */
export function sentenceOf({
  state,
  verdict,
  finetune,
  measured,
  stale,
  problem,
  reasons = [],
  outlook = null,
}: Pick<PairView, "state" | "verdict" | "finetune" | "measured" | "stale" | "problem"> &
  Partial<Pick<PairView, "reasons" | "outlook">>): string {
  const model = finetune.repo.split("/")[1]!;
  if (isUnfinished({ state }) && !measured)
    return `Nobody knows yet whether this guide works on ${model}: it is ${state === "running" ? "being measured now" : "waiting to be measured"}.`;
  if (state === "failed" && !measured)
    return `Measuring this guide on ${model} failed, so nothing is known of it yet: ${problem ?? "the reason was not kept."}`;
  if (!measured)
    return `Measuring this guide on ${model} was ${state === "cancelled" ? "cancelled" : "not finished"}, so nothing is known of it yet.`;
  const sentence = ofVerdict(model, verdict, measured, reasons, settles(outlook));
  return stale === null
    ? sentence
    : `${sentence} That was so when it was measured, and says nothing of today: ${lowerFirst(stale)}`;
}

/** @param settled  what comes next, in a sentence */
function ofVerdict(
  model: string,
  verdict: PairView["verdict"],
  known: Known,
  reasons: readonly string[],
  settled: string,
): string {
  const { fidelity } = known;
  const recovered = fidelity?.recovered ?? null;
  if (verdict === "incompatible") return whyNot(model, known, reasons);
  if (!fidelity) return ofNoPictures(model, known);
  if (fidelity.scored.length > 0 && recovered === null)
    return fidelity.gain.n < firstLook.prompts
      ? `Whether this guide is of use on ${model} cannot be told: there were ${fidelity.gain.n} prompts to draw, and ${firstLook.prompts} are the least that a verdict rests on.`
      : `On ${model} CFG itself adds nothing that ${fidelity.gain.n} prompts could tell from chance, so nobody can say what share of it the guide recovers. ${soFar(fidelity)} ${settled}`;
  if (recovered === null) return ofVerdictless(model);
  switch (verdict) {
    case "verified":
      return `${recovered.low >= AS_WELL_AS_CFG ? `On ${model} this guide keeps to the prompt about as well as CFG does` : `On ${model} this guide does most of what CFG does`}, ${workOf(known)}: it recovers ${shareOf(recovered)}.${unsure(fidelity)}`;
    case "usableWithLimits":
      return `On ${model} this guide certainly does a part of what CFG does, ${workOf(known)}: it recovers ${shareOf(recovered)}. ${lossOf(fidelity, recovered)}${known.next === null ? "" : ` Whether it does most of it is still open. ${settled}`}${unsure(fidelity)}`;
    case "inconclusive":
      return `Whether this guide is of use on ${model} cannot be told ${known.next === null ? "by as many prompts as are planned" : "yet"}: it recovers ${shareOf(recovered)}. ${soFar(fidelity)} ${settled}${unsure(fidelity)}`;
    case "notMeasured":
      return ofVerdictless(model);
  }
}

/** The operators choose what judges, and it may know nothing of such pictures. */
function ofNoPictures(model: string, { evaluators }: Known): string {
  const silence = evaluators.find((one) => one.silence !== null)?.silence ?? null;
  const why =
    silence === null
      ? "nothing on this hub reads its pictures, so nobody can say how well it works."
      : `nothing here says how well it works. ${silence}`;
  return `This guide runs on ${model}, but ${why} Look at what it draws and judge for yourself.`;
}

const ofVerdictless = (model: string): string =>
  `Nothing was scored on ${model}, so nobody can say how well this guide works there. Look at what it draws and judge for yourself.`;

/** What a beginner can go by until then: how well pictures keep to their prompts in each mode. */
function soFar({ conditional, guide, cfg, evaluator }: Judged): string {
  const show = (value: number): string => (evaluator === "clip" ? value.toFixed(4) : percent(value));
  const within = ({ value, low, high }: Judged["cfg"]): string => `${show(value)} (${show(low)} to ${show(high)})`;
  return evaluator === "clip"
    ? `So far CLIP finds pictures and prompts ${within(guide)} alike with the guide, ${within(cfg)} with CFG and ${within(conditional)} without guidance.`
    : `So far pictures show ${within(guide)} of what their prompts ask for with the guide, ${within(cfg)} with CFG and ${within(conditional)} without guidance.`;
}

function settles(outlook: PairView["outlook"]): string {
  if (outlook === null) return "No more prompts are planned: look at what it draws and judge for yourself.";
  const { prompts, ofAtMost, seconds, comesByItself } = outlook;
  const takes = seconds === null ? "" : `, about ${toDuration(Math.max(10, seconds))} of work`;
  const more = prompts < ofAtMost ? `, and up to ${ofAtMost} where that leaves it open` : ", the last of the plan";
  return comesByItself
    ? `It goes on by itself, behind whatever somebody waits for: ${prompts} prompts are looked at next${takes}${more}.`
    : `${prompts} prompts would be looked at next${takes}${more}; nobody has asked for that yet, and whoever measures it again goes on from here.`;
}

/** In the order of the judge: what rules a guide out, in words for who does not know the figures. */
function whyNot(model: string, { structure, lineage, agreement, fidelity }: Known, reasons: readonly string[]): string {
  const instead = "Use CFG there, or another guide.";
  if (structure.length > 0)
    return `This guide cannot run on ${model}, which is built otherwise (${structure[0]}). ${instead}`;
  if (lineage?.band === "unrelated")
    return `This guide is of no use to ${model}, which was not made from the guide's base: the weights have nothing in common. ${instead}`;
  if (
    agreement &&
    agreement.fvu.n >= thresholds.agreementPrompts &&
    agreement.fvu.low > thresholds.incompatibleUnexplainedLow
  )
    return `On ${model} this guide does harm: a step with it lies further from CFG than a step without any guidance. ${instead}`;
  if (fidelity?.recovered)
    return `On ${model} this guide does too little to be seen: it recovers ${shareOf(fidelity.recovered)}. ${instead}`;
  return `This guide does not work on ${model}${reasons[0] === undefined ? "." : `: ${lowerFirst(reasons[0])}`} ${instead}`;
}

/** “98% of what CFG adds to prompt fidelity (between 91% and 105%, measured on 48 prompts)” */
function shareOf({ value, low, high, n }: Recovered): string {
  const chance = value > 1 && low <= 1 ? `; more than ${percent(1)} is no more than chance` : "";
  return `${percent(value)} of what CFG adds to prompt fidelity (between ${percent(low)} and ${percent(high)}, measured on ${n} prompts${chance})`;
}

function lossOf({ conditional, guide, cfg, evaluator }: Judged, { high }: Recovered): string {
  const alike = ({ value }: { readonly value: number }): string => value.toFixed(4);
  const shown =
    evaluator === "clip"
      ? `CLIP finds pictures and prompts ${alike(guide)} alike, against ${alike(cfg)} with CFG and ${alike(conditional)} without guidance`
      : `Pictures show ${percent(guide.value)} of what their prompts ask for, against ${percent(cfg.value)} with CFG and ${percent(conditional.value)} without guidance`;
  return `${shown}${high < 1 ? "" : ", and it could be chance that they differ"}.`;
}

const unsure = ({ domain, evaluator }: Judged): string =>
  domain === null && evaluator !== "clip"
    ? " What read the pictures was never checked on this style, so nothing is verified here; take it with care."
    : "";

const HALF = 0.02;

/** Counted, so without an interval. */
function workOf({ cost }: Known): string {
  if (cost === null) return "with one pass a step in place of two";
  return Math.abs(cost.againstCfg - 0.5) < HALF ? "at half the work" : `at ${percent(cost.againstCfg)} of the work`;
}

/** A share may be above 100%, and its interval below 0. The sign stays beside its number. */
const percent = (share: number): string =>
  `${Math.round(100 * share) < 0 ? "−" : ""}${Math.abs(Math.round(100 * share))}%`;

const lowerFirst = (sentence: string): string => `${sentence[0]?.toLowerCase() ?? ""}${sentence.slice(1)}`;

/** Of what was measured, where that is more than one file: each part with its strength. Null for a model by itself. */
export function unitSentence({ unit: { components } }: Pick<PairView, "unit">): string | null {
  const [base, ...applied] = components;
  if (applied.length === 0) return null;
  const parts = applied.map(({ repo, strength }) => `${repo ?? "a LoRA that is gone"} at strength ${strength}`);
  return `Measured as ${base!.repo ?? "a base that is gone"} with ${parts.join(", then ")}.`;
}

/** Who is credited where several repos have the same bytes; null where there is one. */
export function copiesSentence({ repo, copies }: PairView["finetune"]): string | null {
  if (copies < 2) return null;
  const others = copies === 2 ? "One other repo has" : `${copies - 1} other repos have`;
  return `${others} the same bytes as ${repo}, which had them first and is named here.`;
}
