import type { Evaluator } from "#lib/measure/evaluator.ts";
import { evaluatorGraph, parseEvaluatorConfig } from "#lib/measure/evaluator-network.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";

export interface EvaluatorFacts {
  readonly kind: Evaluator["kind"];
  /** How many words of each kind it knows; none where it compares any words with a picture. */
  readonly words: Readonly<Record<string, number>>;
  /** The styles that it says it was tried on. */
  readonly domains: readonly string[];
}

/** The metadata must be those of an evaluator, and the tensors the network that they call for. */
export function evaluatorFacts(file: WeightsFile): EvaluatorFacts {
  const { vocabulary, claimed } = parseEvaluatorConfig(file.header.metadata, file.name);
  evaluatorGraph(new WeightMap(file.name, [file]), vocabulary);
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  return {
    kind: "attributes",
    words: { backgrounds: backgrounds.length, kinds: kinds.length, colors: colors.length, sizes: sizes.length },
    domains: [...claimed.keys()].toSorted(),
  };
}
