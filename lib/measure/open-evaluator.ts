import type { Runtime } from "#lib/onnx/session.ts";
import { openAttributeEvaluator } from "./attribute-evaluator.ts";
import type { Evaluator } from "./evaluator.ts";

/** An evaluator of whichever kind: an `evaluator/1` file reads attributes. */
export const openEvaluator = (path: string, runtime: Runtime): Promise<Evaluator> =>
  openAttributeEvaluator(path, runtime);
