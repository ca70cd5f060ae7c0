/**
 * Where low-rank files keep the layer that changes one of our modules. Two spellings are in use:
 *
 *   kohya   lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight   .lora_up.weight   .alpha
 *   PEFT    unet.down_blocks.0.resnets.0.conv1.lora_A.weight           .lora_B.weight
 */
export type Part = "down" | "up" | "alpha";
export type AdaptedNetwork = "unet" | "textEncoder";

const suffixes: Readonly<Record<string, Part>> = {
  ".lora_down.weight": "down",
  ".lora_up.weight": "up",
  ".alpha": "alpha",
  ".lora_A.weight": "down",
  ".lora_B.weight": "up",
};

/** A foreign name as (module as the file spells it, part), or null where it is neither spelling. */
export function lowRankPart(foreign: string): { module: string; part: Part } | null {
  for (const [suffix, part] of Object.entries(suffixes)) {
    if (foreign.endsWith(suffix)) return { module: foreign.slice(0, -suffix.length), part };
  }
  return null;
}

/** How files may spell our module `path` of a network. */
export function lowRankSpellings(network: AdaptedNetwork, path: string): string[] {
  const flat = path.replaceAll(".", "_");
  return network === "unet"
    ? [`lora_unet_${flat}`, `unet.${path}`]
    : [`lora_te_text_model_${flat}`, `text_encoder.text_model.${path}`, `text_encoder.${path}`];
}

export const networkOf = (module: string): AdaptedNetwork | null => {
  if (/^(lora_unet_|unet\.)/.test(module)) return "unet";
  return /^(lora_te_|text_encoder\.)/.test(module) ? "textEncoder" : null;
};
