import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import type { TrainingState } from "../step/training-step.ts";
import { heldOutSchema, type History, secondsSchema } from "./history.ts";

/** All that a training goes on with, and what was seen of it so far: one file, so that they are of one moment. */
export interface Checkpoint {
  readonly state: TrainingState;
  readonly history: History;
}

const vectors = ["weights", "firstMoments", "secondMoments", "average"] as const;

const metadataSchema = z.object({
  format: z.literal("guidepost-checkpoint/1"),
  recipe: z.string(),
  steps: z.coerce.number().int().min(0),
  heldOut: jsonString(z.array(heldOutSchema)),
  seconds: jsonString(secondsSchema),
});

/** Replaces the one before only when it is whole on the disk. @param recipe  hash of what it belongs to */
export async function writeCheckpoint(path: string, recipe: string, { state, history }: Checkpoint): Promise<void> {
  const list = (values: readonly number[]): FloatTensor => tensor(Float32Array.from(values), [values.length]);
  const tensors = new Map<string, FloatTensor>([
    ...vectors.map((name) => [name, tensor(state[name], [state[name].length])] as const),
    ["losses", list(history.losses)],
    ["gradientNorms", list(history.gradientNorms)],
  ]);
  const metadata = new Map([
    ["format", "guidepost-checkpoint/1"],
    ["recipe", recipe],
    ["steps", String(state.steps)],
    ["heldOut", JSON.stringify(history.heldOut)],
    ["seconds", JSON.stringify(history.seconds)],
  ]);
  await writeWhole(path, writeSafetensors(tensors, metadata));
}

/** Null where none was written yet. @throws conflict where it is of another recipe */
export async function readCheckpoint(path: string, recipe: string): Promise<Checkpoint | null> {
  const source = await openFile(path).catch((failure: unknown) => {
    if (failure instanceof AppError && failure.code === "file_not_found") return null;
    throw failure;
  });
  if (!source) return null;
  try {
    const { metadata, tensors } = await readHeader(source);
    const parsed = metadataSchema.safeParse(Object.fromEntries(metadata));
    if (!parsed.success || parsed.data.recipe !== recipe)
      throw new AppError(
        "conflict",
        `${path} is not a checkpoint of this run; put its own back, or remove it to begin the training anew.`,
      );
    const values = async (name: string): Promise<Float32Array> => (await readTensor(source, tensors.get(name)!)).data;
    const { steps, heldOut, seconds } = parsed.data;
    return {
      state: {
        weights: await values("weights"),
        firstMoments: await values("firstMoments"),
        secondMoments: await values("secondMoments"),
        average: await values("average"),
        steps,
      },
      history: {
        losses: [...(await values("losses"))],
        gradientNorms: [...(await values("gradientNorms"))],
        heldOut,
        seconds,
      },
    };
  } finally {
    await source.close();
  }
}
