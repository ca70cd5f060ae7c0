import { stat } from "node:fs/promises";
import { AppError } from "#lib/errors.ts";
import type { GraphMemory } from "#lib/onnx/memory.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { requireDiskFolder } from "#lib/weights/disk-folder.ts";
import { openAttributeEvaluator } from "./attribute-evaluator.ts";
import { readClip } from "./clip/clip-files.ts";
import { openClipEvaluator } from "./clip/clip-evaluator.ts";
import { clipMemories } from "./clip/clip-memory.ts";
import { latentShape } from "./evaluator-network.ts";
import type { Evaluator } from "./evaluator.ts";

/** An evaluator with its headers and configs read and nothing opened. */
export interface EvaluatorFiles extends Pick<Evaluator, "kind" | "looksAt"> {
  /** Of one picture, where it reads nothing else; null where any picture does. */
  readonly latents: readonly number[] | null;
  /** What its networks take of memory, for so many pictures at once. */
  memories(rows: number): readonly GraphMemory[];
  open(runtime: Runtime): Promise<Evaluator>;
}

/** An evaluator of whichever kind: an `evaluator/1` file reads attributes, the folder of a CLIPModel compares picture and prompt. */
export async function readEvaluator(path: string): Promise<EvaluatorFiles> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `${path} does not exist; check the path.`, { path }, cause);
  });
  if (!facts.isDirectory())
    return {
      kind: "attributes",
      looksAt: "latents",
      latents: latentShape,
      memories: () => [], // a third of a million parameters
      open: (runtime) => openAttributeEvaluator(path, runtime),
    };
  const files = await readClip(await requireDiskFolder(path));
  return {
    kind: "clip",
    looksAt: "pictures",
    latents: null,
    memories: (rows) => clipMemories(files, rows),
    open: (runtime) => openClipEvaluator(files, runtime),
  };
}
