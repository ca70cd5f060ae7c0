import { unetFamilies } from "./all.ts";
import type { UNetFamily } from "./family.ts";
import { type FoundFamily, foundNotToRun, foundToRun } from "./found-family.ts";
import type { UNetShape } from "./unet-shape.ts";

/**
 * The family of a UNet: “SD 1.x”, “SD 2.x inpainting” and so on where all that is known agrees; any other is described
 * by its numbers, and runs where its blocks are those of a family that does.
 */
export function recogniseUNet(shape: UNetShape): FoundFamily {
  const family = unetFamilies.find((known) => hasStructureOf(known, shape)) ?? null;
  const found = family ?? unetFamilies.find((known) => agreesButForSize(known, shape)) ?? null;
  const special = specialOf(shape, family);
  const name = [
    family ? family.name : found ? `${found.name} ${smallerName(shape)}` : numbersOf(shape),
    ...(special ? [special.name] : []),
  ].join(found ? " " : ", ");
  const shown = shape.takesGuidance ? `${name}, guidance-distilled` : name;
  const whyNot = (found ? found.whyNot : whyNumbersDoNot(shape)) ?? special?.whyNot ?? null;
  return whyNot === null ? foundToRun(shown, found?.id ?? null) : foundNotToRun(shown, found?.id ?? null, whyNot);
}

const same = (found: readonly number[] | undefined, known: readonly number[]): boolean =>
  found === undefined || found.join() === known.join();

/** Of what the shape does not tell, nothing speaks against a family. */
function agreesButForSize({ unet }: UNetFamily, { channels, textWidths, addedWidth }: UNetShape): boolean {
  const added = addedWidth === undefined || addedWidth === unet.addedWidth || (unet.addedWidth === null && addedWidth);
  return textWidths.join() === String(unet.textWidth) && same(channels, unet.channels) && Boolean(added);
}

/** Whether all that is known of a UNet agrees with a family, but for what it reads beside the latents. */
export const hasStructureOf = (family: UNetFamily, shape: UNetShape): boolean =>
  agreesButForSize(family, shape) &&
  same(shape.depths, family.unet.depths) &&
  (shape.layersPerBlock === undefined || shape.layersPerBlock === family.unet.layersPerBlock);

/** Distilled from a family by leaving blocks out: its own config is not theirs. */
function smallerName({ layersPerBlock, depths }: UNetShape): string {
  const depth = depths?.join("/") ?? "";
  const known = smaller.find((model) => model.layersPerBlock === layersPerBlock && model.depths === depth);
  return `of other blocks (${known?.name ?? `${layersPerBlock} a level, depth ${depth}`})`;
}

const smaller: readonly { readonly name: string; readonly layersPerBlock: number; readonly depths: string }[] = [
  { name: "SSD-1B", layersPerBlock: 2, depths: "0/2/4" },
  { name: "Segmind Vega", layersPerBlock: 2, depths: "0/1/2" },
  { name: "KOALA 700M", layersPerBlock: 1, depths: "0/2/5" },
  { name: "KOALA 1B", layersPerBlock: 1, depths: "0/2/6" },
  { name: "BK-SDM", layersPerBlock: 1, depths: "1/1/1/0" },
];

interface Special {
  readonly name: string;
  readonly whyNot: string;
}

/** What a UNet reads beside 4 latent channels, a prompt and the time. */
function specialOf({ inChannels, addedWidth, hasMotion }: UNetShape, family: UNetFamily | null): Special | null {
  if (hasMotion) return { name: "with motion modules", whyNot: "it makes videos, and pictures are what is drawn here" };
  if (family && family.unet.addedWidth === null && addedWidth)
    return { name: "unCLIP", whyNot: "its UNet reads the embedding of a picture beside the prompt" };
  if (inChannels === undefined || inChannels === 4) return null;
  return inputs[inChannels] ?? { name: `of ${inChannels} input channels`, whyNot: "its UNet reads more than latents" };
}

const inputs: Readonly<Record<number, Special>> = {
  9: { name: "inpainting", whyNot: "its UNet reads a mask and the masked picture beside the latents" },
  8: { name: "instruct-pix2pix", whyNot: "its UNet reads a picture to edit beside the latents" },
  5: { name: "depth", whyNot: "its UNet reads a depth map beside the latents" },
};

/** Of a UNet that no family has. */
function whyNumbersDoNot({ textWidths, readsClass }: UNetShape): string | null {
  if (textWidths.length === 0) return "its UNet does not read a prompt";
  if (textWidths.length > 1) return "its UNet reads text states of several widths";
  return readsClass ? "its UNet reads the embedding of a class beside the prompt" : null;
}

function numbersOf({ channels, textWidths, addedWidth }: UNetShape): string {
  return [
    channels?.length ? `UNet2DConditionModel ${channels.join("/")}` : "UNet2DConditionModel",
    textWidths.length === 0 ? "no cross-attention seen" : `text width ${textWidths.join(" and ")}`,
    ...(addedWidth ? [`added conditions of width ${addedWidth}`] : []),
  ].join(", ");
}
