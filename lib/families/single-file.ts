import { findUNetFamily, runningFamilies } from "./all.ts";
import type { ConfigJson, FamilyConfigs, Shapes, TextEncoderPart, UNetFamily, Variant } from "./family.ts";
import { type FoundFamily, foundNotToRun } from "./found-family.ts";
import { recogniseDenoiser } from "./recognise-denoiser.ts";
import { hasStructureOf, recogniseUNet } from "./recognise-unet.ts";
import { isSurplus, within } from "./names-within.ts";
import { unetShape } from "./unet-shape.ts";

/**
 * A checkpoint as the first code of Stable Diffusion (LDM) wrote it, and what followed: all networks in one file.
 *
 *   model.diffusion_model.                    the denoiser
 *   first_stage_model. | vae.                 the autoencoder
 *   cond_stage_model.transformer.             SD 1.x: CLIP
 *   cond_stage_model.model.                   SD 2.x: OpenCLIP
 *   conditioner.embedders.0.transformer.      SDXL: CLIP
 *   conditioner.embedders.1.model.            SDXL: OpenCLIP
 *   model_ema.                                a moving average of the denoiser, its names without dots
 */
export interface SingleFile {
  /** Of its denoiser; null where that is not known. */
  readonly found: FoundFamily | null;
  /** Null for any family that is not made of such parts. */
  readonly family: UNetFamily | null;
  /** Where the parts begin, as far as they are there. */
  readonly unet: { readonly prefix: string };
  readonly textEncoders: readonly SingleFileTextEncoder[];
  readonly vae: { readonly prefix: string } | null;
  /** What its family needs and the file does not have, in words: “its VAE”. */
  readonly missing: readonly string[];
  /** Whether the published configs of its family describe its UNet; they do not where blocks were left out. */
  readonly fitsConfigs: boolean;
  /** Width of the guidance that its UNet takes as an input; null where it takes none. */
  readonly guidanceWidth: number | null;
}

export interface SingleFileTextEncoder {
  readonly part: TextEncoderPart;
  readonly prefix: string;
  readonly names: "CLIP" | "OpenCLIP";
}

export const UNET_PREFIX = "model.diffusion_model.";
const VAE_PREFIXES = ["first_stage_model.", "vae."];

/** Everything that such files are known to hold, also of families that are only named. */
export const singleFileParts: readonly { readonly name: string; readonly prefix: string }[] = [
  { name: "denoiser", prefix: UNET_PREFIX },
  ...VAE_PREFIXES.map((prefix) => ({ name: "vae", prefix })),
  { name: "text encoder", prefix: "cond_stage_model." },
  { name: "text encoder", prefix: "conditioner.embedders.0." },
  { name: "text encoder 2", prefix: "conditioner.embedders.1." },
  { name: "text encoder", prefix: "text_encoders.clip_l." },
  { name: "text encoder 2", prefix: "text_encoders.clip_g." },
  { name: "text encoder 3", prefix: "text_encoders.t5xxl." },
  { name: "picture encoder", prefix: "embedder." },
  { name: "noise augmentor", prefix: "noise_augmentor." },
  { name: "moving average", prefix: "model_ema." },
];

/**
 * Null for a file that has no denoiser under the name that LDM gave it.
 *
 * @param describedElsewhere  whether a config says what its networks are, so that any UNet is one of the family whose
 *                            text encoders the file has, whatever its shape
 */
export function recogniseSingleFile(tensors: Shapes, describedElsewhere = false): SingleFile | null {
  const denoiser = within(tensors, UNET_PREFIX);
  if (denoiser.size === 0) return null;
  const recognised = recogniseDenoiser(denoiser)?.family ?? looksLikeUNet(denoiser);
  const found = recognised && tensors.has("edm_mean") ? playground(recognised) : recognised;
  const recognisedFamily = findUNetFamily(found?.id ?? null);
  const names = [...tensors.keys()];
  const begins = (prefix: string): boolean => names.some((name) => name.startsWith(prefix) && !isSurplus(name));
  const byTextEncoders = (): UNetFamily | null =>
    runningFamilies.find((one) =>
      one.textEncoders.every(({ singleFile }) => singleFile.some(({ prefix }) => begins(prefix))),
    ) ?? null;
  const family = recognisedFamily ?? (describedElsewhere ? byTextEncoders() : null);
  const textEncoders = (family?.textEncoders ?? []).flatMap((part): SingleFileTextEncoder[] => {
    const place = part.singleFile.find(({ prefix }) => begins(prefix));
    return place ? [{ part, ...place }] : [];
  });
  const vae = VAE_PREFIXES.find(begins);
  const shape = unetShape(denoiser);
  return {
    found,
    family,
    unet: { prefix: UNET_PREFIX },
    textEncoders,
    vae: vae ? { prefix: vae } : null,
    missing: family ? missingIn(family, textEncoders, vae) : [],
    fitsConfigs: family !== null && hasStructureOf(family, shape),
    guidanceWidth: guidanceWidthOf(denoiser),
  };
}

function guidanceWidthOf(denoiser: Shapes): number | null {
  for (const [name, { shape }] of denoiser)
    if (name.startsWith("time_embed") && name.endsWith("cond_proj.weight")) return shape[1] ?? null;
  return null;
}

function missingIn(family: UNetFamily, found: readonly SingleFileTextEncoder[], vae: string | undefined): string[] {
  const isThere = (part: TextEncoderPart): boolean => found.some((encoder) => encoder.part === part);
  return [
    ...family.textEncoders.filter((part) => !isThere(part)).map(({ name }) => `its text encoder ${name}`),
    ...(vae === undefined ? ["its VAE"] : []),
  ];
}

/** Whoever builds one with tensors missing says which. */
function looksLikeUNet(denoiser: Shapes): FoundFamily | null {
  return denoiser.has("input_blocks.0.0.weight") ? recogniseUNet(unetShape(denoiser)) : null;
}

const playground = ({ name, id }: FoundFamily): FoundFamily =>
  foundNotToRun(`${name} (Playground 2.5)`, id, "its noise follows another rule (EDM) than the one that runs here");

/** The variant that a prediction is of; the first where nothing tells. */
export const variantOf = ({ variants }: UNetFamily, predictionType: string | null): Variant =>
  variants.find((variant) => variant.predictionType === predictionType) ?? variants[0];

/**
 * The published configs of a family for a file that brings none, with what its markers say put in: a v-prediction that
 * the family's own does not make, and a noise schedule with zero signal at its end, whose first step must stand there
 * (Lin et al. 2023, arXiv 2305.08891, section 3.3).
 */
export function configsFor(
  variant: Variant,
  marked: {
    readonly predictionType: string | null;
    readonly zeroTerminalSnr: boolean;
    readonly guidanceWidth?: number | null;
  },
): FamilyConfigs | null {
  const { configs, predictionType } = variant;
  if (configs === null) return null;
  const scheduler: ConfigJson = {
    ...configs.scheduler,
    prediction_type: marked.predictionType ?? predictionType,
    ...(marked.zeroTerminalSnr ? { rescale_betas_zero_snr: true, timestep_spacing: "trailing" } : {}),
  };
  const guidance = marked.guidanceWidth ? { time_cond_proj_dim: marked.guidanceWidth } : {};
  return { ...configs, unet: { ...configs.unet, ...guidance }, scheduler };
}
