import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { type ModelFiles, readModelFiles, signatureOf } from "#lib/diffusion/model-files.ts";
import { ownSize } from "#lib/diffusion/picture-size.ts";
import { unetParts } from "#lib/diffusion/pipeline.ts";
import type { UNetParts } from "#lib/diffusion/unet-networks.ts";
import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { widthsWithin } from "./guide-widths.ts";
import type { Recipe } from "./recipe.ts";

/** A base to distil, read and not opened. */
export interface Subject {
  readonly files: ModelFiles;
  readonly parts: UNetParts;
  readonly runtime: Runtime;
}

/** @throws unsupported_model, weights_mismatch and more, where nothing can be distilled of it */
export async function readSubject(model: string, config: string | null, runtime: Runtime): Promise<Subject> {
  const files = await readModelFiles({ model, config, lowRank: [], guide: null });
  const { unet, schedule, name } = files.model;
  const refuse = (why: string): never => {
    throw new AppError("unsupported_model", `${name} ${why}; distil the base that it was made from.`);
  };
  if (unet.config.guidanceEmbeddingWidth !== null) refuse("hears its guidance itself and draws without CFG");
  if (schedule.predictionType === "sample") refuse("predicts pictures, for which there are no guides");
  return { files, parts: unetParts(files, ownSize(files.model)), runtime };
}

/** The guide that a recipe makes of a base, without its weights. @throws bad_request where its share is too small for any */
export function guideFor(recipe: Recipe, { files }: Subject, sha256: string): GuideConfig {
  const base = signatureOf(files.model);
  const { parameters } = files.model.unet.weights;
  return {
    variant: recipe.variant,
    widths: widthsWithin(recipe.share, base, { parameters, name: files.model.name }),
    base: { ...base, sha256 },
    minGuidance: recipe.guidance.low,
    maxGuidance: recipe.guidance.high,
    referenceGuidance: recipe.guidance.reference,
    trainedOn: {},
  };
}
