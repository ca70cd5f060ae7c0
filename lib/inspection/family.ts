import { recogniseAutoencoder } from "#lib/families/autoencoder.ts";
import { familiesOfTextEncoder, unetFamilies } from "#lib/families/all.ts";
import { type FoundFamily, foundToRun } from "#lib/families/found-family.ts";
import { within } from "#lib/families/names-within.ts";
import { recogniseDenoiser } from "#lib/families/recognise-denoiser.ts";
import { recogniseUNet } from "#lib/families/recognise-unet.ts";
import { ofWidth, recogniseTextEncoder, recogniseVisionEncoder } from "#lib/families/text-encoder.ts";
import { unetShape } from "#lib/families/unet-shape.ts";
import type { Tensors } from "./facts.ts";
import { recognise, type Recognised } from "./kind.ts";

export type Family = Pick<FoundFamily, "name" | "runs">;

/** The family of one network; null for tensors that are no network we know. */
export const familyOf = (tensors: Tensors): FoundFamily | null => familyOfRecognised(recognise(tensors));

export function familyOfRecognised({ kind, bare }: Recognised): FoundFamily | null {
  switch (kind) {
    case "unet":
    case "diffusion transformer":
      return recogniseDenoiser(bare)?.family ?? null;
    case "controlnet":
      return controlNetFamily(bare);
    case "text encoder":
      return foundToRun(recogniseTextEncoder(bare)!.name, null);
    case "vision encoder":
      return foundToRun(recogniseVisionEncoder(bare)!, null);
    case "vae":
      return foundToRun(recogniseAutoencoder(bare)!.name, null);
    default:
      return null;
  }
}

/**
 * A ControlNet is half of the denoiser that it steers, with layers of its own; what has too little of one is not
 * named.
 */
function controlNetFamily(tensors: Tensors): FoundFamily | null {
  const inner = within(tensors, "control_model.");
  const half = inner.size > 0 ? inner : tensors;
  const whole = recogniseDenoiser(half);
  if (whole) return whole.family;
  const shape = unetShape(half);
  return shape.channels?.some((channels) => channels > 0) ? recogniseUNet(shape) : null;
}

/** What learned words or an adapter may be for: judged by widths alone, which several families may share. */
export interface Fitting {
  /** “SD 1.x or SDXL”, or the width where no family has it. */
  readonly name: string;
  readonly families: readonly string[];
}

/** Of learned words: the width of a text encoder, or of two. */
export function embeddingFits(tensors: Tensors): Fitting {
  const widths = [...new Set([...tensors.values()].flatMap(({ shape }) => shape.at(-1) ?? []))];
  const [first = [], ...others] = widths.map((width) => familiesOfTextEncoder(width).map(({ name }) => name));
  const families = first.filter((name) => others.every((names) => names.includes(name)));
  return { name: families.join(" or ") || `vectors ${ofWidth(widths[0])}`, families };
}

/** Of an IP-Adapter: the width of the text states beside which its own are read. Null where it does not tell. */
export function adapterFits(tensors: Tensors): Fitting | null {
  const width = [...tensors.values()].find(({ name }) => name.endsWith("to_k_ip.weight"))?.shape[1];
  if (width === undefined) return null;
  const families = unetFamilies.filter(({ unet }) => unet.textWidth === width).map(({ name }) => name);
  return { name: families.join(" or ") || `text states ${ofWidth(width)}`, families };
}
