import { AppError } from "#lib/errors.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import type { Vocabulary } from "./evaluator-network.ts";

/** What a caption asks for, as indices into an evaluator's vocabulary. */
export interface Wanted {
  readonly background: number;
  readonly things: readonly { readonly kind: number; readonly color: number; readonly size: number }[];
}

/** Reads "a {size} {colour} {kind} [and a {size} {colour} {kind}] {background}"; anything else is refused, naming the caption. */
export function parseCaption(caption: string, vocabulary: Vocabulary): Wanted {
  const refuse = (what: string): never => {
    const example = composeCaption({ background: 0, things: [{ kind: 0, color: 0, size: 1 }] }, vocabulary);
    throw new AppError(
      "bad_request",
      `The prompt ${JSON.stringify(caption.slice(0, 120))} cannot be scored (${what}); write prompts like "${example}".`,
      { caption: caption.slice(0, 200) },
    );
  };
  const background = vocabulary.backgrounds.findIndex((words) => caption.endsWith(` ${words}`));
  if (background < 0) refuse("it names no background the evaluator knows");
  const things = caption
    .slice(0, -vocabulary.backgrounds[background]!.length - 1)
    .split(" and ")
    .map((part) => {
      const [article, size, color, kind, ...more] = part.split(" ");
      const found = {
        kind: vocabulary.kinds.indexOf(kind ?? ""),
        color: vocabulary.colors.indexOf(color ?? ""),
        size: vocabulary.sizes.indexOf(size ?? ""),
      };
      if (article !== "a" || more.length > 0 || Object.values(found).includes(-1))
        refuse(`"${part}" is not a size, a colour and a kind the evaluator knows`);
      return found;
    });
  if (new Set(things.map(({ kind }) => kind)).size < things.length) refuse("it names one kind twice");
  return { background, things };
}

export function composeCaption(
  { background, things }: Wanted,
  { backgrounds, kinds, colors, sizes }: Vocabulary,
): string {
  const parts = things.map(({ kind, color, size }) => `a ${sizes[size]} ${colors[color]} ${kinds[kind]}`);
  return `${parts.join(" and ")} ${backgrounds[background]}`;
}

/** So often a list tries for each caption: a vocabulary of few words has not as many as are asked for. */
export const TRIES_FOR_EACH = 50;

/**
 * `count` different captions, half of them with one thing and half with two; fewer where the words do not suffice. The list is always the
 * same, and a longer one begins with the shorter: it is what everybody may explore with.
 */
export function composeCaptions(vocabulary: Vocabulary, count: number): string[] {
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  const random = mulberry32(1);
  const pick = (list: readonly string[]): number => Math.floor(random() * list.length);
  const thing = () => ({ kind: pick(kinds), color: pick(colors), size: pick(sizes) });
  const captions = new Set<string>();
  for (let tries = 0; captions.size < count && tries < TRIES_FOR_EACH * count; tries++) {
    const [first, second] = [thing(), thing()];
    const things = captions.size % 2 === 0 || first.kind === second.kind ? [first] : [first, second];
    captions.add(composeCaption({ background: pick(backgrounds), things }, vocabulary));
  }
  return [...captions];
}
