import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import type { Model } from "#lib/diffusion/model.ts";
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
  const why = whyNotDistilled(files.model);
  if (why !== null)
    throw new AppError("unsupported_model", `${files.model.name} ${why}; distil the base that it was made from.`);
  return { files, parts: unetParts(files, ownSize(files.model)), runtime };
}

/** What is said of a model of which no guide is made; null of every other. */
export function whyNotDistilled({ unet, schedule }: Model): string | null {
  if (unet.config.guidanceEmbeddingWidth !== null) return "hears its guidance itself and draws without CFG";
  return schedule.predictionType === "sample" ? "predicts pictures, for which there are no guides" : null;
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
