/**
 * How adapter files name their tensors. A name is a network, a module and a part, each in one of several spellings:
 *
 *   kohya      lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight       .lora_up.weight  .lora_mid.weight  .alpha
 *   PEFT       unet.down_blocks.0.resnets.0.conv1.lora_A.weight               .lora_B.weight   .lora_magnitude_vector
 *              base_model.model.down_blocks.0.resnets.0.conv1.lora_A.default.weight
 *   diffusers  unet.down_blocks.0.resnets.0.conv1.lora.down.weight            .lora.up.weight
 *              unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight
 *              text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight
 *   LyCORIS    lora_unet_mid_block_resnets_0_conv1.diff                       .diff_b          .dora_scale
 *              lora_unet_mid_block_resnets_0_norm1.w_norm                     .b_norm
 *
 * Files mix them, and spellings of networks with those of parts. A module is therefore compared in one form, with `_`
 * for every `.`, which no two modules of a network share.
 */
export interface AdapterName {
  readonly network: ForeignNetwork;
  /**
   * In the form that modules are compared in, such as `down_blocks_0_resnets_0_conv1` or `encoder_layers_0_mlp_fc1`.
   */
  readonly module: string;
  /** Network and module as the file spells them. */
  readonly shown: string;
  readonly part: AdapterPart;
  /** Who writes parts of this name; null for a name that several write. */
  readonly spelling: "kohya" | "PEFT" | "diffusers" | null;
  readonly algorithm: Algorithm;
}

/** The networks that an adapter can change here. */
export type AdaptedNetwork = "unet" | "textEncoder" | "textEncoder2";
export const adaptedNetworks = ["unet", "textEncoder", "textEncoder2"] as const satisfies readonly AdaptedNetwork[];

/** The text encoders of a model, in the order in which their states are joined. */
export const textEncoderNetworks = ["textEncoder", "textEncoder2"] as const satisfies readonly AdaptedNetwork[];

/** All that files name; none of the others is part of a model that runs here. */
export type ForeignNetwork = AdaptedNetwork | "textEncoder3" | "transformer" | "other";

export type AdapterPart =
  | "down"
  | "up"
  | "mid"
  | "alpha"
  /** Of DoRA: one number for each output, as PEFT keeps it. */
  | "magnitude"
  /** Of DoRA: one number for each output or input, as LyCORIS keeps it. */
  | "doraScale"
  | "difference"
  | "biasDifference"
  /** Belongs to an algorithm that does not run here. */
  | "foreign";

/** What a part is a part of. */
export type Algorithm =
  | "LoRA"
  | "DoRA"
  | "full difference"
  | "LoHa"
  | "LoKr"
  | "OFT"
  | "GLoRA"
  | "(IA)³"
  | "VeRA"
  | "LoRA with biases"
  | "LoRA of an embedding";

/** A tensor's name in an adapter file; null where it is none of them. */
export function adapterName(tensor: string): AdapterName | null {
  for (const { ends, of = null, part, spelling = null, algorithm = "LoRA" } of parts) {
    const end = ends.exec(tensor)?.[0];
    if (end === undefined || end.length === tensor.length || (of && !of.test(tensor))) continue;
    const shown = tensor.slice(0, -end.length);
    return { ...moduleOf(shown), shown, part, spelling, algorithm };
  }
  return null;
}

interface Part {
  readonly ends: RegExp;
  /** How the whole of a name must begin, where its end alone does not tell. */
  readonly of?: RegExp;
  readonly part: AdapterPart;
  readonly spelling?: AdapterName["spelling"];
  readonly algorithm?: Algorithm;
}

const foreign = (algorithm: Algorithm, ends: RegExp): Part => ({ ends, part: "foreign", algorithm });

const parts: readonly Part[] = [
  { ends: /\.lora_down\.weight$/, part: "down", spelling: "kohya" },
  { ends: /\.lora_up\.weight$/, part: "up", spelling: "kohya" },
  { ends: /\.lora_mid\.weight$/, part: "mid", spelling: "kohya" },
  { ends: /\.alpha$/, part: "alpha" },
  { ends: /\.lora_A(\.[^.]+)?\.weight$/, part: "down", spelling: "PEFT" },
  { ends: /\.lora_B(\.[^.]+)?\.weight$/, part: "up", spelling: "PEFT" },
  { ends: /(_lora|\.lora|\.lora_linear_layer)\.down\.weight$/, part: "down", spelling: "diffusers" },
  { ends: /(_lora|\.lora|\.lora_linear_layer)\.up\.weight$/, part: "up", spelling: "diffusers" },
  { ends: /\.lora_magnitude_vector(\.[^.]+){0,2}$/, part: "magnitude", algorithm: "DoRA" },
  { ends: /\.dora_scale$/, part: "doraScale", algorithm: "DoRA" },
  { ends: /\.diff$/, part: "difference", algorithm: "full difference" },
  { ends: /\.diff_b$/, part: "biasDifference", algorithm: "full difference" },
  { ends: /\.w_norm$/, part: "difference", algorithm: "full difference" },
  { ends: /\.b_norm$/, part: "biasDifference", algorithm: "full difference" },
  foreign("LoHa", /\.hada_(t[12]|w[12]_[ab])$/),
  foreign("LoKr", /\.lokr_(t2|w[12](_[ab])?)$/),
  foreign("OFT", /\.(oft_(blocks|diag|R|r)|boft_[Rs]|rescale)(\.[^.]+){0,2}$/),
  foreign("GLoRA", /\.(a1|a2|b1|b2|bm)\.weight$/),
  foreign("(IA)³", /\.(on_input|ia3_l(\.[^.]+)?)$/),
  { ...foreign("(IA)³", /\.weight$/), of: /^(lora_unet|lora_te\d?)_[^.]+\.weight$/ },
  foreign("VeRA", /\.vera_lambda_[bd](\.[^.]+)?$/),
  foreign("LoRA with biases", /\.lora_[AB](\.[^.]+)?\.bias$/),
  foreign("LoRA of an embedding", /\.lora_embedding_[AB](\.[^.]+)?$/),
];

function moduleOf(shown: string): Pick<AdapterName, "network" | "module"> {
  const flat = shown.replaceAll(".", "_").replace(/^(base_model_model_|lycoris_)+/, "");
  const named = prefixes.find(({ begins }) => begins.test(flat));
  // get_peft_model_state_dict leaves PEFT's own prefix in, and save_lora_weights puts the network before it.
  const body = named ? flat.replace(named.begins, "").replace(/^(base_model_model_)+/, "") : flat;
  const network = named?.network ?? bare.find(({ begins }) => begins.test(body))?.network ?? "other";
  if (network === "unet")
    return transformerBlocks.test(body)
      ? { network: "transformer", module: body }
      : { network, module: body.replaceAll("_processor_", "_").replace(/(?<=_attn\d_)to_out$/, "to_out_0") };
  return { network, module: network === "textEncoder" || network === "textEncoder2" ? textModule(body) : body };
}

/** The first that fits holds. */
const prefixes: readonly { readonly begins: RegExp; readonly network: ForeignNetwork }[] = [
  { begins: /^(lora_te3_|text_encoder_3_)/, network: "textEncoder3" },
  { begins: /^(lora_te2_|text_encoder_2_)/, network: "textEncoder2" },
  { begins: /^(lora_te1?_|text_encoder(_1)?_)/, network: "textEncoder" },
  { begins: /^(lora_unet_|unet_|(model_)?diffusion_model_)/, network: "unet" },
  {
    begins: /^(lora_transformer_|transformer_(?=(single_)?transformer_blocks_|proj_|context_|norm_))/,
    network: "transformer",
  },
  { begins: /^lora_prior_(unet|te)_/, network: "other" },
];

/** Files of one network may leave its name out; the modules tell it. */
const bare: typeof prefixes = [
  {
    begins: /^((down|up)_blocks_\d|mid_block_|conv_(in|out)$|(time|add)_embedding_linear_\d$)/,
    network: "unet",
  },
  { begins: /^((input|output)_blocks_\d|middle_block_\d|time_embed_\d|label_emb_0_\d|out_2$)/, network: "unet" },
  { begins: /^(text_model_|encoder_layers_\d|text_projection$)/, network: "textEncoder" },
  { begins: /^((double|single|joint)_blocks_\d|(single_)?transformer_blocks_\d)/, network: "transformer" },
];

/** Flux, SD 3 and their like go by the UNet's name in kohya's files. */
const transformerBlocks = /^((double|single|joint)_blocks_\d|(single_)?transformer_blocks_\d)/;

/** diffusers once gave attention of every network the UNet's names. */
const oldAttention: Readonly<Record<string, string>> = {
  to_q: "q_proj",
  to_k: "k_proj",
  to_v: "v_proj",
  to_out: "out_proj",
};

const textModule = (body: string): string =>
  body.replace(/^text_model_/, "").replace(/(?<=_self_attn_)(to_[qkv]|to_out)$/, (old) => oldAttention[old]!);

/** Our module `path`, such as `down_blocks.0.resnets.0.conv1`, in the form that modules are compared in. */
export const moduleForm = (path: string): string => path.replaceAll(".", "_").replace(/^text_model_/, "");
