import type { Shapes } from "./family.ts";

/** What the names and shapes of a UNet tell; undefined where a file, such as a low-rank one, cannot tell. */
export interface UNetShape {
  /** Channels of each level, finest first. */
  readonly channels: readonly number[] | undefined;
  readonly layersPerBlock: number | undefined;
  /** Transformer blocks behind each residual block of each level, on the way down. */
  readonly depths: readonly number[] | undefined;
  /** Widths of the text states that cross-attention reads, ascending. */
  readonly textWidths: readonly number[];
  readonly inChannels: number | undefined;
  /** Width of what is added to the time embedding: pooled text and time ids in SDXL, a picture's embedding in unCLIP. */
  readonly addedWidth: number | null | undefined;
  /** Whether the guidance is an input of the network, as in latent consistency models (Luo et al. 2023, arXiv 2310.04378). */
  readonly takesGuidance: boolean;
  /** Whether layers over time lie between its own, as in AnimateDiff (Guo et al. 2023, arXiv 2307.04725). */
  readonly hasMotion: boolean;
}

/** Nothing but the width of the text states, for files that hold layers and no network. */
export const shapeOfLayers = (textWidth: number, channels?: readonly number[]): UNetShape => ({
  channels,
  layersPerBlock: undefined,
  depths: undefined,
  textWidths: [textWidth],
  inChannels: undefined,
  addedWidth: undefined,
  takesGuidance: false,
  hasMotion: false,
});

/** The shape of a UNet, or of the half of one that a ControlNet is, in diffusers' names or in those of LDM. */
export function unetShape(tensors: Shapes): UNetShape {
  const dim = (name: string, axis: number): number | undefined => tensors.get(name)?.shape[axis];
  const levels = tensors.has("input_blocks.0.0.weight") ? ldmLevels(tensors) : diffusersLevels(tensors);
  const names = [...tensors.keys()];
  const textWidths = names.flatMap((name) =>
    name.endsWith(".attn2.to_k.weight") && !name.includes(MOTION) ? (matrixColumns(tensors, name) ?? []) : [],
  );
  return {
    channels: levels.map(({ channels }) => channels),
    layersPerBlock: levels[0]?.layers,
    depths: levels.map(({ depth }) => depth),
    textWidths: [...new Set(textWidths)].toSorted((a, b) => a - b),
    inChannels: dim("conv_in.weight", 1) ?? dim("input_blocks.0.0.weight", 1),
    addedWidth:
      ["add_embedding.linear_1.weight", "class_embedding.linear_1.weight", "label_emb.0.0.weight"]
        .map((name) => matrixColumns(tensors, name))
        .find((width) => width !== undefined) ?? null,
    takesGuidance: names.some((name) => name.endsWith("cond_proj.weight") && name.startsWith("time_embed")),
    hasMotion: names.some((name) => name.includes(MOTION)),
  };
}

const MOTION = ".motion_modules.";

interface Level {
  readonly channels: number;
  readonly layers: number;
  readonly depth: number;
}

function diffusersLevels(tensors: Shapes): Level[] {
  const levels: Level[] = [];
  const resnet = (level: number, layer: number): number | undefined =>
    tensors.get(`down_blocks.${level}.resnets.${layer}.conv1.weight`)?.shape[0];
  for (let channels = resnet(0, 0); channels !== undefined; channels = resnet(levels.length, 0)) {
    const level = levels.length;
    let layers = 1;
    while (resnet(level, layers) !== undefined) layers++;
    levels.push({ channels, layers, depth: depthAt(tensors, `down_blocks.${level}.attentions.0`) });
  }
  return levels;
}

/** LDM numbers its blocks through all levels; one that only halves the size ends a level. */
function ldmLevels(tensors: Shapes): Level[] {
  const levels: Level[] = [{ channels: 0, layers: 0, depth: 0 }];
  for (let i = 1; ; i++) {
    const channels = tensors.get(`input_blocks.${i}.0.in_layers.2.weight`)?.shape[0];
    if (channels !== undefined) {
      const { layers } = levels.pop()!;
      levels.push({ channels, layers: layers + 1, depth: depthAt(tensors, `input_blocks.${i}.1`) });
    } else if (tensors.has(`input_blocks.${i}.0.op.weight`)) levels.push({ channels: 0, layers: 0, depth: 0 });
    else return levels;
  }
}

function depthAt(tensors: Shapes, path: string): number {
  let depth = 0;
  while (tensors.has(`${path}.transformer_blocks.${depth}.attn2.to_k.weight`)) depth++;
  return depth;
}

/**
 * Columns of a matrix [rows, columns], also where bitsandbytes has packed it to four bits in [numbers / 2, 1]: then the rows are
 * those of the vector that is as long, the bias or the norm before it.
 */
function matrixColumns(tensors: Shapes, name: string): number | undefined {
  const shape = tensors.get(name)?.shape;
  if (shape?.length !== 2) return undefined;
  if (!tensors.has(`${name}.absmax`)) return shape[1];
  const beside = [name.replace(/\.weight$/, ".bias"), name.replace(/attn2\.to_k\.weight$/, "norm2.weight")];
  const rows = beside.map((vector) => tensors.get(vector)?.shape[0]).find((length) => length !== undefined);
  const columns = rows && (2 * shape[0]!) / rows;
  return columns && Number.isInteger(columns) ? columns : undefined;
}
