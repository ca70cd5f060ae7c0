/**
 * How many residual layers each level of a UNet has, finest first. Every published UNet of Stable Diffusion has two.
 */
export const usualLayersPerBlock: readonly number[] = [2, 2, 2, 2];

/** Whether a module has the name of LDM's UNet, whose blocks are numbered through, as in most adapters of SDXL. */
export const isLdmModule = (module: string): boolean => /^((input|output)_blocks|middle_block)_\d/.test(module);

/**
 * How LDM's UNet names our module `path`, in the form that modules are compared in; empty where it has none. Resnets
 * and what ends a level count as blocks: `down_blocks.1.attentions.0` is `input_blocks_4_1` where a level has two
 * resnets.
 */
export function ldmModules(path: string, layersPerBlock: readonly number[]): string[] {
  const outer = outside[path];
  if (outer !== undefined) return [outer];
  const [, block, kind, layer, inner = ""] = withinBlock.exec(path) ?? [];
  if (block === undefined || kind === undefined || layer === undefined) return [];
  const rest = inner === "" ? "" : `_${(kind === "resnets" ? (resnet[inner] ?? inner) : inner).replaceAll(".", "_")}`;
  const index = Number(layer);
  if (block === "mid_block") return [`middle_block_${kind === "attentions" ? 1 : 2 * index}${rest}`];
  const level = Number(block.split(".")[1]);
  const down = block.startsWith("down");
  const layers = down ? layersPerBlock : layersPerBlock.toReversed();
  const before = layers.slice(0, level).reduce((sum, count) => sum + count + 1, 0);
  if (kind === "downsamplers") return [`input_blocks_${before + layers[level]! + 1}_0_op`];
  if (kind === "upsamplers") return [1, 2].map((place) => `output_blocks_${before + layers[level]!}_${place}_conv`);
  const number = before + index + (down ? 1 : 0);
  return [`${down ? "input" : "output"}_blocks_${number}_${kind === "resnets" ? 0 : 1}${rest}`];
}

const withinBlock =
  /^(mid_block|(?:down|up)_blocks\.\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)(?:\.(.+))?$/;

const outside: Readonly<Record<string, string>> = {
  conv_in: "input_blocks_0_0",
  conv_out: "out_2",
  "time_embedding.linear_1": "time_embed_0",
  "time_embedding.linear_2": "time_embed_2",
  "add_embedding.linear_1": "label_emb_0_0",
  "add_embedding.linear_2": "label_emb_0_2",
};

const resnet: Readonly<Record<string, string>> = {
  conv1: "in_layers_2",
  time_emb_proj: "emb_layers_1",
  conv2: "out_layers_3",
  conv_shortcut: "skip_connection",
};
