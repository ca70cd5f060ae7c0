import { type Accuracies, type Attribute, attributes } from "./measured-accuracies.ts";
import { thresholds } from "./thresholds.ts";

/**
 * How well an evaluator reads one model's style, as the hub measured it: on scenes whose content is known, drawn anew by the model.
 * `docs/decisions/reading-a-style.md`
 */
export interface StyleTest {
  /** How many scenes were drawn. */
  readonly scenes: number;
  /** Of each attribute how many were read right, of so many. */
  readonly read: Readonly<Record<Attribute, { readonly right: number; readonly of: number }>>;
  /** How far the look of the scenes lies from that of the model's own pictures, before and after it drew them anew, as a squared MMD. */
  readonly distance: {
    readonly before: number;
    readonly after: number;
    /** Between its own pictures, by chance. */ readonly floor: number;
  };
}

/** Whether the scenes came to look as the model's own pictures do: else what was read says how well another style is read. */
export const tookOn = ({ distance: { before, after, floor } }: StyleTest): boolean =>
  after <= Math.max(floor, thresholds.styleLeft * before);

export const accuraciesIn = ({ read }: StyleTest): Accuracies =>
  Object.fromEntries(attributes.map((one) => [one, read[one].right / read[one].of])) as Record<Attribute, number>;

/**
 * Attributes that are certainly read well enough. A thing that went missing while a scene was drawn anew counts as misread: so what is
 * measured is less than the accuracy, or equal to it, and nothing counts that should not.
 */
export const readWellIn = ({ read }: StyleTest): Attribute[] =>
  attributes.filter((one) => intervalOfShare(read[one]).low >= thresholds.evaluatorCertain);

/** “background 128 of 128, present 116 of 128 …” */
export const readInWords = ({ read }: Pick<StyleTest, "read">): string =>
  attributes.map((one) => `${one} ${read[one].right} of ${read[one].of}`).join(", ");

/** The 95% interval of a share (Wilson 1927). */
export function intervalOfShare({ right, of }: { readonly right: number; readonly of: number }): {
  readonly low: number;
  readonly high: number;
} {
  const [z, share] = [1.96, right / of];
  const middle = (share + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z / (1 + z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2));
  return { low: middle - half, high: middle + half };
}
