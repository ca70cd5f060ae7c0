import type { Tensors } from "./facts.ts";
import type { Family } from "./family.ts";

/** What the shapes of a UNet tell; undefined where a file, such as a low-rank one, cannot tell. */
export interface UNetShape {
  /** Channels of each level, finest first. */
  readonly channels: readonly number[] | undefined;
  /** Widths of the text states that cross-attention reads. */
  readonly textWidths: readonly number[];
  readonly inChannels: number | undefined;
  /** Width of the added conditions, the mark of SDXL; null where there are none. */
  readonly addedWidth: number | null | undefined;
  /** Whether the guidance is an input of the network, as in latent consistency models (Luo et al. 2023, arXiv 2310.04378). */
  readonly takesGuidance: boolean;
}

/** The shape of a UNet in diffusers' names or in those of LDM. */
export function unetShape(tensors: Tensors): UNetShape {
  const dim = (name: string, axis: number): number | undefined => tensors.get(name)?.shape[axis];
  const textWidths = [...tensors].flatMap(([name, { shape }]) =>
    name.endsWith(".attn2.to_k.weight") && shape.length === 2 ? [shape[1]!] : [],
  );
  return {
    channels: tensors.has("input_blocks.0.0.weight")
      ? ldmChannels(tensors)
      : levelSizes(tensors, (level) => `down_blocks.${level}.resnets.0.conv1.weight`),
    textWidths: [...new Set(textWidths)].toSorted((a, b) => a - b),
    inChannels: dim("conv_in.weight", 1) ?? dim("input_blocks.0.0.weight", 1),
    addedWidth: dim("add_embedding.linear_1.weight", 1) ?? dim("label_emb.0.0.weight", 1) ?? null,
    takesGuidance: tensors.has("time_embedding.cond_proj.weight"),
  };
}

/** "SD 1.x", "SD 2.x inpainting" and so on where all that is known agrees; any other UNet is described by its numbers. */
export function unetFamily({ channels, textWidths, inChannels, addedWidth, takesGuidance }: UNetShape): Family {
  const known = families.find(
    (family) =>
      textWidths.join() === String(family.textWidth) &&
      (channels === undefined || channels.join() === family.channels.join()) &&
      (addedWidth === undefined || addedWidth === family.addedWidth),
  );
  const task =
    inChannels === undefined || inChannels === 4 ? null : (tasks[inChannels] ?? `of ${inChannels} input channels`);
  const numbers = [
    channels?.length ? `UNet2DConditionModel ${channels.join("/")}` : "UNet2DConditionModel",
    textWidths.length === 0 ? "no cross-attention seen" : `text width ${textWidths.join(" and ")}`,
    ...(addedWidth ? [`added conditions of width ${addedWidth}`] : []),
    ...(task ? [task] : []),
  ];
  const name = known ? [known.name, ...(task ? [task] : [])].join(" ") : numbers.join(", ");
  return {
    name: takesGuidance ? `${name}, guidance-distilled` : name,
    runs: textWidths.length === 1 && !addedWidth && !known?.name.startsWith("SDXL") && task === null && !takesGuidance,
  };
}

/** The first dimension of a tensor of each level, as long as there is one. */
export function levelSizes(tensors: Tensors, name: (level: number) => string): number[] {
  const sizes: number[] = [];
  for (let size = tensors.get(name(0))?.shape[0]; size !== undefined; size = tensors.get(name(sizes.length))?.shape[0])
    sizes.push(size);
  return sizes;
}

interface Known {
  readonly name: string;
  readonly channels: readonly number[];
  readonly textWidth: number;
  readonly addedWidth: number | null;
}

export const families: readonly Known[] = [
  { name: "SD 1.x", channels: [320, 640, 1280, 1280], textWidth: 768, addedWidth: null },
  { name: "SD 2.x", channels: [320, 640, 1280, 1280], textWidth: 1024, addedWidth: null },
  { name: "SDXL", channels: [320, 640, 1280], textWidth: 2048, addedWidth: 2816 },
  { name: "SDXL refiner", channels: [384, 768, 1536, 1536], textWidth: 1280, addedWidth: 2560 },
];

/** What a UNet reads beside 4 latent channels: a mask and the masked picture, a picture to edit, depth. */
const tasks: Readonly<Record<number, string>> = { 9: "inpainting", 8: "instruct-pix2pix", 5: "depth" };

/** LDM numbers its blocks through all levels; one that only halves the size ends a level. */
function ldmChannels(tensors: Tensors): number[] {
  const channels = [0];
  for (let i = 1; ; i++) {
    const width = tensors.get(`input_blocks.${i}.0.in_layers.2.weight`)?.shape[0];
    if (width !== undefined) channels[channels.length - 1] = width;
    else if (tensors.has(`input_blocks.${i}.0.op.weight`)) channels.push(0);
    else return channels;
  }
}
