import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { type ByteSource, openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader, type SafetensorsHeader } from "#lib/weights/safetensors.ts";
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
  return reading(path, async (source, { tensors }, parsed) => {
    if (parsed?.recipe !== recipe)
      throw new AppError(
        "conflict",
        `${path} is not a checkpoint of this run; put its own back, or remove it to begin the training anew.`,
      );
    const values = async (name: string): Promise<Float32Array> => (await readTensor(source, tensors.get(name)!)).data;
    return {
      state: {
        weights: await values("weights"),
        firstMoments: await values("firstMoments"),
        secondMoments: await values("secondMoments"),
        average: await values("average"),
        steps: parsed.steps,
      },
      history: await historyIn(source, tensors, parsed),
    };
  });
}

/** What a checkpoint has seen, whichever run it is of. Null where none was written yet, or it is none. */
export const readHistory = (path: string): Promise<History | null> =>
  reading(path, async (source, { tensors }, parsed) => parsed && historyIn(source, tensors, parsed));

type Metadata = z.infer<typeof metadataSchema>;

async function reading<T>(
  path: string,
  read: (source: ByteSource, header: SafetensorsHeader, metadata: Metadata | null) => Promise<T>,
): Promise<T | null> {
  const source = await openFile(path).catch((failure: unknown) => {
    if (failure instanceof AppError && failure.code === "file_not_found") return null;
    throw failure;
  });
  if (!source) return null;
  try {
    const header = await readHeader(source);
    return await read(source, header, metadataSchema.safeParse(Object.fromEntries(header.metadata)).data ?? null);
  } finally {
    await source.close();
  }
}

async function historyIn(
  source: ByteSource,
  tensors: SafetensorsHeader["tensors"],
  { heldOut, seconds }: Metadata,
): Promise<History> {
  const list = async (name: string): Promise<number[]> => [...(await readTensor(source, tensors.get(name)!)).data];
  return { losses: await list("losses"), gradientNorms: await list("gradientNorms"), heldOut, seconds };
}
