import type { Lineage } from "#lib/pairing/evidence.ts";
import { heldBackPrompt } from "#lib/pairing/period-secret.ts";
import type { VerdictName } from "#lib/pairing/verdict.ts";
import type { AgreementState } from "./agreement.ts";
import type { KeptByWay } from "./curve.ts";
import type { KeptShares } from "./fidelity.ts";

/** What was found of a pair, as far as it can be compared with what is found elsewhere. */
export interface Found {
  /** Null where only some of the prompts were drawn again. */
  readonly verdict: VerdictName | null;
  readonly structure: readonly string[];
  readonly lineage: Lineage | null;
  readonly agreement: readonly AgreementState[];
  readonly fidelity: readonly KeptShares[];
}

/**
 * How far two measurements of the same bytes may lie apart. Other threads and another layout of passes add in another order, and after
 * twenty steps that is more than a rounding. Measured by `npm run bench -- repeat`; see docs/decisions/verify-a-report.md.
 */
export const tolerance = {
  /** Of weights: nothing but the order of a sum. */
  lineage: 1e-9,
  /** Of single steps, as a share of the state's own size. */
  agreement: 0.001,
  /** Of a score of attributes, which is a share of what a prompt asks for: one thing of it read otherwise is more. */
  attributes: 1e-6,
  /** Of a cosine of CLIP's. */
  clip: 0.005,
  /** Of how far finished latents lie from others, as a share of their length: as a state that twenty steps have gone through, not one. */
  distance: 0.01,
} as const;

export interface Comparison {
  /** How many values were compared, level by level, and how far the furthest of them lies. */
  readonly levels: readonly {
    readonly name: string;
    readonly values: number;
    readonly furthest: number;
    readonly tolerance: number;
  }[];
  /** Where they differ, in sentences; none where they agree. */
  readonly differences: readonly string[];
}

/** @param here what was found again: of all prompts that were measured there, or of the first ones */
export function compareFound(there: Found, here: Found, evaluator: "attributes" | "clip"): Comparison {
  const differences: string[] = [];
  if (here.verdict !== null && here.verdict !== there.verdict)
    differences.push(`The verdict is “${there.verdict}” in the report and “${here.verdict}” here.`);
  if (here.structure.join() !== there.structure.join())
    differences.push(
      `What does not fit is told otherwise: “${there.structure.join("; ")}” and “${here.structure.join("; ")}” here.`,
    );
  const levels = [
    compareLineage(there.lineage, here.lineage, differences),
    compareSteps(there.agreement, here.agreement, differences),
    compareScores(there.fidelity, here.fidelity, tolerance[evaluator], differences),
  ].filter(({ values }) => values > 0);
  return { levels, differences };
}

/**
 * What was drawn in other ways, with as many passes: of the same prompts. At which guidance CFG is drawn last depends on all values before,
 * so that one way may be another here.
 */
export function compareWays(
  there: readonly KeptByWay[],
  here: readonly KeptByWay[],
  evaluator: "attributes" | "clip",
): Comparison {
  const differences: string[] = [];
  const [scores, distances] = [gather("other ways", tolerance[evaluator]), gather("their latents", tolerance.distance)];
  const keyOf = ({ mode, guidanceScale, cfgSteps, sampler, steps }: KeptByWay): string =>
    `${mode} at guidance ${guidanceScale}, ${cfgSteps} steps of CFG, ${steps} steps of ${sampler}`;
  const claimed = new Map(there.map((way) => [keyOf(way), way]));
  const both = here.flatMap((way) => {
    const its = claimed.get(keyOf(way));
    return its ? [{ way, its }] : [];
  });
  if (both.length < there.length - 1)
    differences.push(`Of ${there.length} ways to draw in the report ${both.length} were drawn here.`);
  for (const { way, its } of both) {
    for (const i of way.kept.keys()) {
      const at = `of prompt ${i + 1}, ${keyOf(way)},`;
      scores.see(`The score ${at}`, its.kept[i], way.kept[i]!, 1);
      distances.see(`The distance from CFG's picture ${at}`, its.distance[i], way.distance[i]!, 1);
    }
  }
  return { levels: [scores.end(differences), distances.end(differences)], differences };
}

type Level = Comparison["levels"][number];

function compareLineage(there: Lineage | null, here: Lineage | null, differences: string[]): Level {
  const level = gather("lineage", tolerance.lineage);
  if ((there === null) !== (here === null))
    differences.push(
      `Lineage was ${there ? "measured in the report and not here" : "not measured in the report, and here it was"}.`,
    );
  if (there && here)
    for (const name of ["medianCosine", "lowCosine", "meanCosine", "medianDistance", "tensors"] as const)
      level.see(`The ${lineageNames[name]}`, there[name], here[name], 1);
  return level.end(differences);
}

const lineageNames = {
  medianCosine: "median cosine of the weights",
  lowCosine: "5th percentile of the weights' cosines",
  meanCosine: "mean cosine of the weights",
  medianDistance: "median distance of the weights",
  tensors: "number of tensors",
} as const;

/** Which prompts were drawn side by side decides the order of the states, so each is looked for. */
function compareSteps(there: readonly AgreementState[], here: readonly AgreementState[], differences: string[]): Level {
  const level = gather("single steps", tolerance.agreement);
  const keyOf = ({ prompt, guidanceScale, timestep }: AgreementState): string =>
    `${prompt} ${guidanceScale} ${timestep}`;
  const states = new Map(there.map((state) => [keyOf(state), state]));
  for (const state of here) {
    const claimed = states.get(keyOf(state));
    const at = `prompt ${state.prompt + 1}, guidance ${state.guidanceScale}, timestep ${state.timestep}`;
    const size = Math.max(state.asked, state.delivered, state.error);
    for (const name of ["error", "product", "asked", "delivered"] as const)
      level.see(`“${name}” of the step at ${at}`, claimed?.[name], state[name], size);
  }
  return level.end(differences);
}

function compareScores(
  there: readonly KeptShares[],
  here: readonly KeptShares[],
  most: number,
  differences: string[],
): Level {
  const level = gather("pictures", most);
  for (const [i, score] of here.entries()) {
    const claimed = there[i];
    const at = `of prompt ${i + 1}, “${score.prompt.slice(0, 80)}”`;
    if (claimed && claimed.prompt !== heldBackPrompt(i) && claimed.prompt !== score.prompt)
      differences.push(
        `Prompt ${i + 1} is “${claimed.prompt.slice(0, 80)}” in the report and “${score.prompt.slice(0, 80)}” here.`,
      );
    for (const mode of ["conditional", "guide", "cfg"] as const)
      level.see(`The score ${modeNames[mode]} ${at}`, claimed?.[mode], score[mode], 1);
    for (const [other, its] of (score.others ?? []).entries())
      for (const mode of ["conditional", "guide", "cfg"] as const)
        level.see(
          `Evaluator ${other + 2}'s score ${modeNames[mode]} ${at}`,
          claimed?.others?.[other]?.[mode],
          its[mode],
          1,
        );
  }
  return level.end(differences);
}

const modeNames = { conditional: "without guidance", guide: "with the guide", cfg: "with CFG" } as const;

/** Told one by one; the rest is counted. */
const MOST_TOLD = 5;

function gather(name: string, most: number) {
  let [values, furthest] = [0, 0];
  const beyond: string[] = [];
  return {
    /** @param size what the difference is a share of */
    see(what: string, claimed: number | undefined, found: number, size: number): void {
      values++;
      const apart = distance(claimed, found) / (size > 0 ? size : 1);
      furthest = Math.max(furthest, apart);
      if (apart > most) beyond.push(`${what} is ${claimed ?? "not given"} in the report and ${found} here.`);
    },
    end(differences: string[]): Level {
      differences.push(...beyond.slice(0, MOST_TOLD));
      if (beyond.length > MOST_TOLD)
        differences.push(`${beyond.length - MOST_TOLD} more values of the ${name} lie further apart than ${most}.`);
      return { name, values, furthest, tolerance: most };
    },
  };
}

/** Two that are no numbers are alike. */
function distance(claimed: number | undefined, found: number): number {
  if (claimed === undefined) return Infinity;
  if (!Number.isFinite(claimed) || !Number.isFinite(found))
    return Number.isFinite(claimed) === Number.isFinite(found) ? 0 : Infinity;
  return Math.abs(claimed - found);
}
