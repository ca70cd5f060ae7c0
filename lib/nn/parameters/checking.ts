import { AppError } from "#lib/errors.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";
import type { ParametersOf } from "./parameters.ts";

/** A config may ask for any number of tensors that are not there. */
const MAX_PROBLEMS = 20;

/**
 * Notes in `problems` what is wrong with a tensor and goes on as if it were right, so that one look finds more than the first
 * fault. No weight is read. @throws what cannot be gone on from, and the last of too many faults
 */
export const checkingParameters =
  (weights: WeightMap, problems: string[]): ParametersOf =>
  (graph) => ({
    take(name, shape) {
      try {
        weights.take(name, shape);
      } catch (failure) {
        const goOn =
          failure instanceof AppError && failure.code === "weights_mismatch" && problems.length < MAX_PROBLEMS - 1;
        if (!goOn) throw failure;
        problems.push(failure.message);
        const actual = weights.find(name);
        if (actual) weights.take(name, actual.shape); // so that it does not count as left over too
      }
      return graph.unknown(shape);
    },
  });
