import type { Estimate } from "#lib/pairing/estimate.ts";
import type { Scores } from "#lib/pairing/recovery.ts";
import { looksBack } from "./looks-back.ts";

/** What a report says of a look. */
interface ToldLook {
  readonly prompts: number;
  readonly gain: Estimate;
  readonly recovered: Estimate | null;
}

const ROUNDING = 1e-9;

/** Which figures of a plan's looks do not follow from the values that are told beside them, in sentences: nothing has to be drawn to know. */
export function unfoundedLooks(told: readonly ToldLook[], scores: readonly Scores[], tries: number): string[] {
  const counted = new Map(looksBack(scores, tries).map((look) => [look.prompts, look]));
  const surplus = [...counted.keys()].filter((prompts) => !told.some((look) => look.prompts === prompts));
  return [
    ...surplus.map((prompts) => `Nothing is told of the look at ${prompts} prompts, though there are so many values.`),
    ...told.flatMap(({ prompts, gain, recovered }) => {
      const own = counted.get(prompts);
      if (!own) return [`A look at ${prompts} prompts is told of, and there are ${scores.length} values.`];
      return [...unlike("what CFG adds", prompts, gain, own.gain), ...unlike("R", prompts, recovered, own.recovered)];
    }),
  ];
}

function unlike(what: string, prompts: number, told: Estimate | null, own: Estimate | null): string[] {
  const isSame =
    told && own
      ? (["value", "low", "high", "n"] as const).every((end) => Math.abs(told[end] - own[end]) <= ROUNDING)
      : told === own;
  return isSame
    ? []
    : [`At ${prompts} prompts ${what} is told as ${shown(told)}, and the values beside it give ${shown(own)}.`];
}

const shown = (estimate: Estimate | null): string =>
  estimate ? `${estimate.value.toFixed(4)} [${estimate.low.toFixed(4)}, ${estimate.high.toFixed(4)}]` : "unbounded";
