import type { Picture } from "#lib/picture/rgb.ts";
import type { StyleTest } from "#lib/pairing/style-test.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";

/** Says how well pictures keep to their prompts. Which kinds there are, `openEvaluator` knows. */
export interface Evaluator {
  readonly kind: "attributes" | "clip";
  /** What it looks at. For pictures a VAE has to be open. */
  readonly looksAt: "latents" | "pictures";
  /**
   * As many prompts in its own words, or what there are; null where it has no words of its own, so that any prompt does.
   *
   * @param key  decides which, of those that nothing was trained on; null: those that everybody may explore with
   */
  ownPrompts(count: number, key: string | null): readonly string[] | null;
  /** Why nothing that it reads in pictures of this style counts, in a sentence; null where something does. */
  silenceOn(domain: string | null): string | null;
  /**
   * Reads the prompts before anything is drawn, so that one it cannot score costs nothing.
   *
   * @param domain  the name by which it may know the style of the pictures
   * @throws bad_request, naming the prompt
   */
  expect(prompts: readonly string[], domain: string | null): Promise<Scoring>;
  /** Of one that reads attributes; null where what it does is the same in any style. */
  readonly known: ReadsKnown | null;
  close(): Promise<void>;
}

/** How well it reads a style can be measured, on pictures whose content is known. */
export interface ReadsKnown {
  /** Of each attribute, in how many of these pictures, or of the things that they show, it is read right. */
  readKnown(latents: FloatTensor, captions: readonly string[]): Promise<StyleTest["read"]>;
  /** From now on it knows a style by this name, and how well it reads it. */
  learn(style: string, test: StyleTest): void;
}

/** An evaluator that knows what the pictures were asked to show. */
export interface Scoring {
  /** What counts, in words. */
  readonly scored: readonly string[];
  /** What does not, with the accuracy at which it is read in this domain. */
  readonly unscored: readonly { readonly attribute: string; readonly accuracy: number }[];
  /** The style whose accuracies were used; null where nobody measured it on this one. */
  readonly domain: string | null;
  /** Sentences for whoever reads the scores, such as one about prompts that were cut. */
  readonly notes: readonly string[];
  /** @param first  the prompt of the first picture; the others follow in order */
  read(drawn: Drawn, first: number): Promise<Seen>;
}

/** Pictures of some prompts, as they come out of the sampler. */
export interface Drawn {
  /** [B, C, h, w], scaled */
  readonly latents: FloatTensor;
  /** Decoded, one for each row; only where the evaluator looks at pictures. */
  pictures(): Promise<readonly Picture[]>;
}

export interface Seen {
  /** Of each picture, how well it keeps to its prompt: more is better, and differences are what counts. */
  readonly scores: readonly number[];
  /** [B, d]: what the pictures are like, for distances between sets of them. x·y/d of two rows is at most about 1. */
  readonly features: FloatTensor;
}
