import { AppError } from "#lib/errors.ts";
import type { Vocabulary } from "./evaluator.ts";

/** What a caption asks for, as indices into an evaluator's vocabulary. */
export interface Wanted {
  readonly background: number;
  readonly things: readonly { readonly kind: number; readonly color: number; readonly size: number }[];
}

/** Reads "a {size} {colour} {kind} [and a {size} {colour} {kind}] {background}"; anything else is refused, naming the caption. */
export function parseCaption(caption: string, vocabulary: Vocabulary): Wanted {
  const refuse = (what: string): never => {
    const example = composeCaption({ background: 0, things: [{ kind: 0, color: 0, size: 1 }] }, vocabulary);
    throw new AppError("bad_request", `The prompt ${JSON.stringify(caption.slice(0, 120))} cannot be scored (${what}); write prompts like "${example}".`, { caption: caption.slice(0, 200) });
  };
  const background = vocabulary.backgrounds.findIndex((words) => caption.endsWith(` ${words}`));
  if (background < 0) refuse("it names no background the evaluator knows");
  const things = caption.slice(0, -vocabulary.backgrounds[background]!.length - 1).split(" and ").map((part) => {
    const [article, size, color, kind, ...more] = part.split(" ");
    const found = { kind: vocabulary.kinds.indexOf(kind ?? ""), color: vocabulary.colors.indexOf(color ?? ""), size: vocabulary.sizes.indexOf(size ?? "") };
    if (article !== "a" || more.length > 0 || Object.values(found).includes(-1)) refuse(`"${part}" is not a size, a colour and a kind the evaluator knows`);
    return found;
  });
  if (new Set(things.map(({ kind }) => kind)).size < things.length) refuse("it names one kind twice");
  return { background, things };
}

export function composeCaption({ background, things }: Wanted, { backgrounds, kinds, colors, sizes }: Vocabulary): string {
  const parts = things.map(({ kind, color, size }) => `a ${sizes[size]} ${colors[color]} ${kinds[kind]}`);
  return `${parts.join(" and ")} ${backgrounds[background]}`;
}

/**
 * `count` captions that together use every word about equally often: half with one thing, half with two. The list is the
 * same every time, and a longer one begins with the shorter.
 */
export function composeCaptions(vocabulary: Vocabulary, count: number): string[] {
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  // Strides that share no factor with their lists walk through all combinations before any repeats.
  const thing = (i: number) => ({ kind: (7 * i) % kinds.length, color: (3 * i + Math.floor(i / kinds.length)) % colors.length, size: (i + Math.floor(i / 2)) % sizes.length });
  return Array.from({ length: count }, (_, i) => {
    const [first, second] = [thing(i), thing(i + 3)];
    const things = i % 2 === 0 || first.kind === second.kind ? [first] : [first, second];
    return composeCaption({ background: (5 * i + Math.floor(i / backgrounds.length)) % backgrounds.length, things }, vocabulary);
  });
}
