import type { TensorEntry } from "#lib/weights/safetensors.ts";
import type { Tensors } from "./facts.ts";

/**
 * How low-rank files of all kinds name their tensors: more than what runs, so that the rest can be named too. A name is a
 * module, as the file spells it, and a suffix.
 */
export interface LowRankPart {
  readonly module: string;
  /** W changes by up·down: down is [rank, in, …], up is [out, rank, …]. */
  readonly part: "down" | "up" | "other";
  readonly entry: TensorEntry;
}

export const isLowRankTensor = (name: string): boolean => suffix.test(name);

export const lowRankParts = (tensors: Tensors): LowRankPart[] =>
  [...tensors.values()].flatMap((entry): LowRankPart[] => {
    const end = suffix.exec(entry.name)?.[0];
    if (end === undefined) return [];
    const part = downs.test(end) ? "down" : ups.test(end) ? "up" : "other";
    return [{ module: entry.name.slice(0, -end.length), part, entry }];
  });

/** Who writes names of this kind; several where a file mixes them, null where it has no halves. */
export const spellingOf = (tensors: Tensors): string | null =>
  spellings
    .filter(({ has }) => tensors.keys().some((name) => has.test(name)))
    .map(({ name }) => name)
    .join(", ") || null;

/** Whether its layers are those of LDM's UNet, whose blocks are numbered through, as in most fine-tunes of SDXL. */
export const hasLdmNames = (tensors: Tensors): boolean =>
  tensors.keys().some((name) => /^lora_unet_(input_blocks|middle_block|output_blocks)_/.test(name));

/** Which network a module or tensor is in. */
export const networkOf = (name: string): string => networks.find(({ begins }) => begins.test(name))?.name ?? "other";

const suffixes = [
  /\.lora_(down|up|mid)\.weight|\.alpha/, // kohya
  /\.lora_[AB](\.default)?\.weight|\.lora_magnitude_vector(\.weight)?/, // PEFT
  /(_lora|\.lora|\.lora_linear_layer)\.(down|up)\.weight/, // diffusers before PEFT
  /\.dora_scale|\.hada_[wt][12](_[ab])?|\.lokr_[wt][12](_[ab])?|\.oft_(blocks|diag)/, // LyCORIS
];
const suffix = new RegExp(`(${suffixes.map(({ source }) => source).join("|")})$`);
const downs = /lora_down|lora_A|\.down\.|hada_w1_b/;
const ups = /lora_up|lora_B|\.up\.|hada_w1_a/;

const spellings: readonly { readonly name: string; readonly has: RegExp }[] = [
  { name: "kohya", has: /\.lora_down\.weight$/ },
  { name: "PEFT", has: /\.lora_A(\.default)?\.weight$/ },
  { name: "old diffusers", has: /[._]lora(_linear_layer)?\.down\.weight$/ },
  { name: "DoRA", has: /\.(dora_scale|lora_magnitude_vector(\.weight)?)$/ },
  { name: "LoHa", has: /\.hada_w1_a$/ },
  { name: "LoKr", has: /\.lokr_w1(_a)?$/ },
  { name: "OFT", has: /\.oft_(blocks|diag)$/ },
];

const networks: readonly { readonly name: string; readonly begins: RegExp }[] = [
  { name: "text encoder 3", begins: /^(lora_te3_|text_encoder_3\.)/ },
  { name: "text encoder 2", begins: /^(lora_te2_|text_encoder_2\.)/ },
  { name: "text encoder", begins: /^(lora_te1?_|text_encoder\.)/ },
  {
    name: "transformer",
    begins: /^(lora_transformer_|transformer\.|(lora_unet_|diffusion_model\.)(double|single|joint|transformer)_)/,
  },
  { name: "unet", begins: /^(lora_unet_|unet\.)/ },
];
