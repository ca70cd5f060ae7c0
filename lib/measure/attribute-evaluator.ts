import { thresholds } from "#lib/pairing/thresholds.ts";
import { accuraciesOn, type Attribute, attributes } from "#lib/pairing/measured-accuracies.ts";
import { accuraciesIn, readInWords, readWellIn, type StyleTest, tookOn } from "#lib/pairing/style-test.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { composeCaptions, parseCaption, type Wanted } from "./captions.ts";
import type { Evaluator, Scoring } from "./evaluator.ts";
import { unseenCaptions } from "./unseen/unseen-captions.ts";
import {
  type EvaluatorConfig,
  evaluatorGraph,
  headSizes,
  parseEvaluatorConfig,
  type Vocabulary,
} from "./evaluator-network.ts";

/** What one picture shows: indices into the vocabulary; of each kind whether it is there, and which colour and size it has if so. */
export interface Reading {
  readonly background: number;
  readonly kinds: readonly { readonly present: boolean; readonly color: number; readonly size: number }[];
}

/** Reads from scaled latents [B, 4, 16, 16], without decoding them, which of the attributes that a caption names are there. */
export interface AttributeEvaluator extends Evaluator, EvaluatorConfig {
  readonly kind: "attributes";
  read(latents: FloatTensor): Promise<{ readonly readings: readonly Reading[]; readonly features: FloatTensor }>;
}

export async function openAttributeEvaluator(path: string, runtime: Runtime): Promise<AttributeEvaluator> {
  const file = await readWeightsFile(path);
  const config = parseEvaluatorConfig(file.header.metadata, file.name);
  const { vocabulary } = config;
  const session: Session<"heads" | "features"> = await openSession(
    evaluatorGraph(new WeightMap(file.name, [file]), vocabulary),
    runtime,
  );
  const read: AttributeEvaluator["read"] = async (latents) => {
    const { heads, features } = await session.run({ latents });
    return { readings: toReadings(heads, vocabulary), features };
  };
  const sha256 = await sha256OfFile(path);
  const learned = new Map<string, StyleTest>();
  const knows = (style: string | null): Known => knowledgeOf(sha256, style, learned.get(style ?? "") ?? null);
  return {
    ...config,
    kind: "attributes",
    looksAt: "latents",
    ownPrompts: (count, key) =>
      key === null ? composeCaptions(vocabulary, count) : unseenCaptions(vocabulary, count, key),
    silenceOn: (domain) => silenceOf(knows(domain)),
    known: {
      readKnown: async (latents, captions) =>
        countRight(
          captions.map((caption) => parseCaption(caption, vocabulary)),
          (await read(latents)).readings,
        ),
      learn: (style, test) => void learned.set(style, test),
    },
    expect: async (prompts, domain) => {
      const wanted = prompts.map((prompt) => parseCaption(prompt, vocabulary));
      const { test, ...counted } = knows(domain);
      return {
        ...counted,
        notes: test === null ? [] : [sentenceOf(test)],
        read: async ({ latents }, first) => {
          const { readings, features } = await read(latents);
          return {
            scores: readings.map((reading, i) => keptShare(wanted[first + i]!, reading, counted.scored)),
            features,
          };
        },
      };
    },
    read,
    close: () => session.close(),
  };
}

/** What counts in a style. */
type Known = Pick<Scoring, "unscored" | "domain"> & { readonly scored: Attribute[]; readonly test: StyleTest | null };

/** Attributes that are misread too often in this style do not count, and in a style on which nobody measured it none does. */
function knowledgeOf(sha256: string, domain: string | null, test: StyleTest | null): Known {
  const accuracies = test ? accuraciesIn(test) : accuraciesOn(sha256, domain);
  if (!accuracies) return { scored: [], unscored: [], domain: null, test };
  const isRead = (attribute: Attribute): boolean => accuracies[attribute] >= thresholds.evaluatorAccuracy;
  const scored = !test ? attributes.filter(isRead) : tookOn(test) ? readWellIn(test) : [];
  return {
    scored,
    unscored: attributes
      .filter((attribute) => !scored.includes(attribute))
      .map((attribute) => ({ attribute, accuracy: accuracies[attribute] })),
    domain,
    test,
  };
}

function silenceOf({ scored, domain, test }: Known): string | null {
  if (domain === null) return "The automatic judge was never tested on this style, so nothing that it reads counts.";
  if (scored.length > 0) return null;
  if (!test) return "There is nothing that the automatic judge reads well enough in this style.";
  return tookOn(test)
    ? `There is nothing that the automatic judge reads well enough in this style: ${sentenceOf(test)}`
    : `How well the automatic judge reads this style could not be measured: ${test.scenes} scenes whose content is known did not come to look as the model's own pictures do when it drew them anew.`;
}

const sentenceOf = (test: StyleTest): string =>
  `How well this style is read the hub measured itself, on ${test.scenes} scenes whose content is known and that the model drew anew: right were ${readInWords(test)}.`;

/** Of pictures whose content is known: presence where every kind is told right, colour and size of each thing that is there. */
function countRight(shown: readonly Wanted[], readings: readonly Reading[]): StyleTest["read"] {
  const share = (right: readonly boolean[]) => ({ right: right.filter(Boolean).length, of: right.length });
  const things = shown.flatMap(({ things: named }, i) =>
    named.map((thing) => ({ thing, seen: readings[i]!.kinds[thing.kind]! })),
  );
  return {
    background: share(shown.map(({ background }, i) => readings[i]!.background === background)),
    present: share(
      shown.map(({ things: named }, i) =>
        readings[i]!.kinds.every(({ present }, kind) => present === named.some((thing) => thing.kind === kind)),
      ),
    ),
    color: share(things.map(({ thing, seen }) => seen.color === thing.color)),
    size: share(things.map(({ thing, seen }) => seen.size === thing.size)),
  };
}

/** The share of a prompt's scored attributes that a picture keeps. A thing that is not seen keeps none of its own. */
export function keptShare(wanted: Wanted, reading: Reading, scored: readonly Attribute[]): number {
  const score = (attribute: Attribute, kept: boolean): boolean[] => (scored.includes(attribute) ? [kept] : []);
  const kept = wanted.things.flatMap(({ kind, color, size }) => {
    const seen = reading.kinds[kind]!;
    const there = seen.present || !scored.includes("present"); // where presence cannot be read, it cannot be asked for
    return [
      ...score("present", there),
      ...score("color", there && seen.color === color),
      ...score("size", there && seen.size === size),
    ];
  });
  kept.push(...score("background", reading.background === wanted.background));
  return kept.filter(Boolean).length / kept.length;
}

function toReadings({ data, shape }: FloatTensor, vocabulary: Vocabulary): Reading[] {
  const { present, color, size, total } = headSizes(vocabulary);
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  return Array.from({ length: shape[0]! }, (_, b): Reading => {
    const heads = data.subarray(b * total, (b + 1) * total);
    const best = (begin: number, count: number): number =>
      heads.subarray(begin, begin + count).reduce((top, value, i, all) => (value > all[top]! ? i : top), 0);
    return {
      background: best(0, backgrounds.length),
      kinds: kinds.map((_kind, k) => ({
        present: heads[present + k]! > 0,
        color: best(color + k * colors.length, colors.length),
        size: best(size + k * sizes.length, sizes.length),
      })),
    };
  });
}
