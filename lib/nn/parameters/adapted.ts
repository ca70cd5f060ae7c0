import type { Value } from "#lib/onnx/graph.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import { adaptedBias, adaptedWeight } from "../adapted-weight.ts";
import type { ParametersOf } from "./parameters.ts";

/** Parameters merged with the changes of adapter files, one file after the other. */
export const adaptedParameters =
  (base: ParametersOf, adapters: readonly AdapterLayers[]): ParametersOf =>
  (graph) => {
    const parameters = base(graph);
    return {
      take(name, shape): Value {
        const value = parameters.take(name, shape);
        const path = name.slice(0, name.lastIndexOf("."));
        if (name.endsWith(".weight"))
          return adaptedWeight(
            value,
            adapters.flatMap((layers) => layers.take(path, shape) ?? []),
          );
        if (!name.endsWith(".bias")) return value;
        return adaptedBias(
          value,
          adapters.flatMap((layers) => layers.takeBias(path, shape[0]!) ?? []),
        );
      },
    };
  };
