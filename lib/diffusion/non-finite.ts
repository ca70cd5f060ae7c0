import { AppError } from "#lib/errors.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { nonFiniteTensor } from "#lib/weights/non-finite-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { type ModelFiles, usedFiles } from "./model-files.ts";

/**
 * Runs work on a model; where a prediction turns out not to be a number, looks through the weights for the tensor that is to
 * blame and says so. Looking costs a read of every file, so it is done only then.
 */
export async function namingNonFinite<T>(files: ModelFiles, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof AppError) || failure.code !== "not_finite") throw failure;
    const culprit = await findNonFinite(files);
    const cause = culprit
      ? `The tensor "${culprit.tensor}" of ${culprit.file} holds NaN or infinity; get the file again, or ask who made it.`
      : "No weight is NaN or infinite, so a value overflowed; lower the guidance or the strength of low-rank files.";
    throw new AppError("not_finite", `${failure.message} ${cause}`, { ...failure.detail, ...culprit }, failure);
  }
}

async function findNonFinite(files: ModelFiles): Promise<{ file: string; tensor: string } | null> {
  for (const { name, path } of usedFiles(files).filter((file) => file.path.endsWith(".safetensors"))) {
    const source = await openFile(path);
    try {
      const tensor = await nonFiniteTensor(source, await readHeader(source));
      if (tensor !== null) return { file: name, tensor };
    } finally {
      await source.close();
    }
  }
  return null;
}
