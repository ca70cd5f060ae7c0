import { planOf } from "#lib/pairing/plan.ts";
import { claimsOf, mean, type Scores } from "#lib/pairing/recovery.ts";
import { decide } from "#lib/pairing/verdict.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";

export const words = ["verified", "usable with limits", "incompatible", "inconclusive"] as const;
type Word = (typeof words)[number];

/** How often each word is given where R is known, over many runs of the whole plan. */
export interface Characteristic {
  readonly recovered: number;
  readonly shares: Readonly<Record<Word, number>>;
  /** How many prompts a run draws, on average. */
  readonly prompts: number;
}

/**
 * Runs the plan again and again on prompts that are drawn with replacement from measured ones. R is set by a chance for each prompt: the
 * guide's picture keeps what CFG's keeps where R is to be more than was measured, what the picture without guidance keeps where it is to
 * be less. So single values stay those that pictures have: shares in steps, most of them 1.
 */
export function characteristicOf(measured: readonly Scores[], recovered: number, runs: number): Characteristic {
  const draw = drawerFor(measured, recovered, mulberry32(Math.round(1000 * recovered) + 1));
  const counts: Record<Word, number> = { verified: 0, "usable with limits": 0, incompatible: 0, inconclusive: 0 };
  let prompts = 0;
  for (let run = 0; run < runs; run++) {
    const one = runPlan(draw, 1);
    counts[one.word]++;
    prompts += one.prompts;
  }
  const shares = Object.fromEntries(words.map((word) => [word, counts[word] / runs])) as Record<Word, number>;
  return { recovered, shares, prompts: prompts / runs };
}

/** The whole plan once, of the guide that is its author's k-th on a model. */
function runPlan(draw: () => Scores, tries: number): { readonly word: Word; readonly prompts: number } {
  const scores: Scores[] = [];
  let decided: ReturnType<typeof decide> | null = null;
  for (const look of planOf(tries)) {
    while (scores.length < look.prompts) scores.push(draw());
    decided = decide(claimsOf(scores, look), true);
    if (!decided.hasHope) break;
  }
  return { word: decided!.word, prompts: scores.length };
}

/**
 * How often at least one of an author's guides is called verified, though R of each is the same. Each is measured on prompts of its own:
 * on the same ones, as a hub draws them, slightly changed guides err together, which is less often.
 */
export function anyVerified(measured: readonly Scores[], recovered: number, runs: number, guides: number): number {
  const draw = drawerFor(measured, recovered, mulberry32(Math.round(1000 * recovered) + 2));
  let count = 0;
  for (let run = 0; run < runs; run++)
    for (let tries = 1; tries <= guides; tries++)
      if (runPlan(draw, tries).word === "verified") {
        count++;
        break;
      }
  return count / runs;
}

function drawerFor(measured: readonly Scores[], recovered: number, random: () => number): () => Scores {
  const found = recoveredOf(measured);
  const instead = recovered > found ? "cfg" : "conditional";
  const chance = recovered > found ? (recovered - found) / (1 - found) : (found - recovered) / found;
  return () => {
    const one = measured[Math.floor(random() * measured.length)]!;
    return random() < chance ? { ...one, guide: one[instead] } : one;
  };
}

export const gainOf = (scores: readonly Scores[]): number =>
  mean(scores.map(({ cfg, conditional }) => cfg - conditional));
export const recoveredOf = (scores: readonly Scores[]): number =>
  mean(scores.map(({ guide, conditional }) => guide - conditional)) / gainOf(scores);
