import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { guideGraph } from "#lib/diffusion/guide-graph.ts";
import { smallestSize } from "#lib/diffusion/unet-graphs.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";

/** Names, shapes and places of a guide's parameters in one flat vector, in the order of its file: by name. */
export interface ParameterLayout {
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly offset: number;
  }[];
  readonly length: number;
}

/** The network itself says what it asks for, so that nothing is counted twice over. */
export function parameterLayout(config: GuideConfig): ParameterLayout {
  const recorded = new RecordingParameters();
  guideGraph(config, smallestSize(config.base), recorded.of);
  let length = 0;
  const parameters = [...recorded.shapes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, shape]) => {
      const offset = length;
      length += sizeOf(shape);
      return { name, shape, offset };
    });
  return { parameters, length };
}
