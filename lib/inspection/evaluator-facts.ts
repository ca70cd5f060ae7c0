import { evaluatorGraph, parseEvaluatorConfig } from "#lib/measure/evaluator-network.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";

export interface EvaluatorFacts {
  /** How many words of each kind it knows. */
  readonly words: Readonly<Record<"backgrounds" | "kinds" | "colors" | "sizes", number>>;
  /** The styles it was tried on. */
  readonly domains: readonly string[];
}

/** The metadata must be those of an evaluator, and the tensors the network that they call for. */
export function evaluatorFacts(file: WeightsFile): EvaluatorFacts {
  const { vocabulary, accuracies } = parseEvaluatorConfig(file.header.metadata, file.name);
  evaluatorGraph(new WeightMap(file.name, [file]), vocabulary);
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  return {
    words: { backgrounds: backgrounds.length, kinds: kinds.length, colors: colors.length, sizes: sizes.length },
    domains: [...accuracies.keys()].toSorted(),
  };
}
