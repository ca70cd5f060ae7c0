import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { openRuntime } from "#workers/inference/runtime.ts";
import { styleNames } from "../verdicts/styles.ts";
import { momentsOf } from "./frechet.ts";
import { featuresOfFile, referencePath } from "./reference.ts";

/**
 * Reads rendered scenes as the starter's evaluator sees them: `node guidepost.js run bench/claims/make-reference.ts FOLDER`, where FOLDER has
 * `STYLE.safetensors` with `latents` [640, 4, 16, 16], scaled, for each style. The latents themselves are 8 MB and are not kept here.
 */
const folder = process.argv[2];
if (folder === undefined) throw new Error("Name the folder of the latents.");
const runtime = await openRuntime({ provider: "cpu", threads: 2 });
const moments = new Map<string, FloatTensor>();
for (const style of styleNames) {
  const { mean, covariance } = momentsOf(await featuresOfFile(join(folder, `${style}.safetensors`), runtime));
  moments.set(`${style}.mean`, tensor(Float32Array.from(mean), [mean.length]));
  moments.set(`${style}.covariance`, tensor(Float32Array.from(covariance.to1DArray()), [mean.length, mean.length]));
}
const what = "moments of what the starter's evaluator makes of 640 rendered scenes of each style";
await writeFile(referencePath, writeSafetensors(moments, new Map([["what", what]])));
