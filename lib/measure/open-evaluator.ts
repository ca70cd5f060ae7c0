import { stat } from "node:fs/promises";
import { AppError } from "#lib/errors.ts";
import type { GraphMemory } from "#lib/onnx/memory.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { requireDiskFolder } from "#lib/weights/disk-folder.ts";
import { openAttributeEvaluator } from "./attribute-evaluator.ts";
import { readClip } from "./clip/clip.ts";
import { openClipEvaluator } from "./clip/clip-evaluator.ts";
import { clipMemories } from "./clip/clip-memory.ts";
import type { Evaluator } from "./evaluator.ts";

/** An evaluator with its headers and configs read and nothing opened. */
export interface EvaluatorFiles extends Pick<Evaluator, "looksAt"> {
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
      looksAt: "latents",
      memories: () => [], // a third of a million parameters
      open: (runtime) => openAttributeEvaluator(path, runtime),
    };
  const files = await readClip(await requireDiskFolder(path));
  return {
    looksAt: "pictures",
    memories: (rows) => clipMemories(files, rows),
    open: (runtime) => openClipEvaluator(files, runtime),
  };
}
