import { z } from "zod";
import { AppError } from "#lib/errors.ts";

/** A guide by its share of the base's parameters. */
export const guideKinds = { tiny: 0.01, small: 0.03 } as const;
export type GuideKind = keyof typeof guideKinds;

const count = z.int().min(1).max(10_000_000);

/** What a person chooses of how a guide is made of a base. */
export const choiceSchema = z.object({
  kind: z.enum(["tiny", "small"]),
  /** Instead of the kind's own. */
  share: z.number().nullable(),
  guidance: z.object({ low: z.number(), high: z.number() }),
  steps: count,
  learningRate: z.number().positive().max(1e38), // of float32
  batch: z.int().min(1).max(1024),
  trajectories: count,
  seed: z.int().min(0),
});
export type GuideChoice = z.infer<typeof choiceSchema>;

/** As figures have it that won; docs/decisions/how-a-guide-is-distilled.md has them. */
export const usualChoice: GuideChoice = {
  kind: "tiny",
  share: null,
  guidance: { low: 1, high: 8 },
  steps: 1500,
  learningRate: 5e-3,
  batch: 32,
  trajectories: 768,
  seed: 1,
};

/** Of the base's parameters, at most. @throws bad_request for none that a guide could have */
export function shareOf({ kind, share }: Pick<GuideChoice, "kind" | "share">): number {
  if (share === null) return guideKinds[kind];
  if (share > 0 && share <= 0.5) return share;
  throw new AppError(
    "bad_request",
    `The share ${share} of the base's parameters is not above 0 and at most 0.5; 0.01 is a tiny guide, 0.03 a small one.`,
    { field: "share", share },
  );
}

/** @throws bad_request for a range that no guide can be trained on */
export function requireGuidance({ low, high }: GuideChoice["guidance"]): void {
  const refuse = (why: string): never => {
    throw new AppError("bad_request", `The guidance ${low} to ${high} ${why}; give a range such as 1-8.`, {
      field: "guidance",
      low,
      high,
    });
  };
  if (!(low >= 1)) refuse("begins below 1, where there is less than no guidance");
  if (high < low) refuse("is reversed");
  if (high === low) refuse("is a single strength, and a guide is trained on a range");
  if (high > 100) refuse("goes beyond 100, which no guide file may promise");
}

/** @throws bad_request where a guide of a share is less than the narrowest network; `way` says how to ask for more */
export function requireRoom(
  share: number,
  { name, parameters, least }: { readonly name: string; readonly parameters: number; readonly least: number },
  way: (enough: number) => string,
): void {
  const most = Math.floor(share * parameters);
  if (least <= most) return;
  const enough = Number((Math.ceil((1e4 * least) / parameters) / 1e4).toFixed(4));
  throw new AppError(
    "bad_request",
    `A share of ${share} of ${name} is ${most} parameters, and the narrowest guide for it has ${least}; ${way(enough)}.`,
    { field: "share", share, most, least },
  );
}
