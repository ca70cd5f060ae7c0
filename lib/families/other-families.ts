import type { OtherFamily } from "./family.ts";

const transformer = "its denoiser is a transformer, and UNets are what runs here";
const video = "it makes videos, and pictures are what is drawn here";
const sound = "it makes sound, and pictures are what is drawn here";
const solid = "it makes solids, and pictures are what is drawn here";
const cascade = "it is a cascade of several denoisers, and one is what runs here";
const language = "its text encoder is a language model, and CLIP's are what runs here";

type Entry = Pick<OtherFamily, "id" | "name" | "whyNot"> & Partial<OtherFamily>;

const withDefaults = ({ id, name, whyNot, ...given }: Entry): OtherFamily => ({
  id,
  name,
  denoiser: "transformer",
  whyNot,
  marks: [],
  members: [],
  pipelines: [],
  claims: [],
  ...given,
});

const entries: readonly Entry[] = [
  // Flux and what is made of its blocks
  {
    id: "flux2",
    name: "Flux.2",
    whyNot: transformer,
    marks: [
      ["double_stream_modulation_img.lin.weight"],
      ["single_stream_modulation.lin.weight"],
      ["double_stream_modulation_img.linear.weight"],
    ],
    pipelines: ["Flux2"],
    claims: ["flux2"],
  },
  {
    id: "chroma",
    name: "Chroma",
    whyNot: transformer,
    marks: [
      ["distilled_guidance_layer.in_proj.weight"],
      ["distilled_guidance_layer.in_proj.bias"],
      ["distilled_guidance_layer.norms.0.scale"],
    ],
    pipelines: ["Chroma"],
    claims: ["chroma"],
  },
  {
    id: "hunyuan-video",
    name: "HunyuanVideo",
    whyNot: transformer,
    marks: [
      ["txt_in.individual_token_refiner.blocks.0.norm1.weight"],
      ["txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias"],
      ["context_embedder.token_refiner.refiner_blocks.0.norm1.weight"],
    ],
    members: [
      { name: "HunyuanImage", marks: [["img_in.proj.weight", [null, null, null, null]]] },
      { name: "HunyuanImage", marks: [["x_embedder.proj.weight", [null, null, null, null]]] },
    ],
    pipelines: ["HunyuanVideo", "HunyuanSkyreels", "HunyuanImage"],
    claims: ["hunyuanvideo", "hunyuanimage", "hyvid"],
  },
  {
    id: "flux1",
    name: "Flux.1",
    whyNot: transformer,
    marks: [
      ["double_blocks.0.img_attn.norm.key_norm.scale", ["txt_in.weight", [null, 4096]], "vector_in.in_layer.weight"],
      [
        "single_transformer_blocks.0.proj_mlp.weight",
        ["context_embedder.weight", [null, 4096]],
        "time_text_embed.text_embedder.linear_1.weight",
      ],
      // quantised to four bits its matrices are packed, and its norms are not
      ["double_blocks.0.img_attn.norm.key_norm.scale", "txt_in.weight.absmax"],
      ["double_blocks.0.img_attn.norm.key_norm.scale", "guidance_in.in_layer.weight.absmax"],
    ],
    members: [
      { name: "Flux.1 Fill", marks: [["img_in.weight", [null, 384]]] },
      { name: "Flux.1 Fill", marks: [["x_embedder.weight", [null, 384]]] },
      { name: "Flux.1 Canny or Depth", marks: [["img_in.weight", [null, 128]]] },
      { name: "Flux.1 Canny or Depth", marks: [["x_embedder.weight", [null, 128]]] },
      { name: "Flux.1 dev", marks: ["guidance_in.in_layer.weight"] },
      { name: "Flux.1 dev", marks: ["time_text_embed.guidance_embedder.linear_1.weight"] },
      { name: "Flux.1 schnell", marks: [] },
    ],
    pipelines: ["Flux"],
    claims: ["flux"],
  },
  {
    id: "flux-like",
    name: "a transformer of Flux's blocks",
    whyNot: transformer,
    marks: [
      ["double_blocks.0.img_attn.norm.key_norm.scale"],
      ["double_blocks.0.img_attn.norm.key_norm.weight"],
      ["single_transformer_blocks.0.proj_mlp.weight", "context_embedder.weight"],
    ],
    pipelines: ["Bria", "OvisImage", "LongCatImage", "VisualCloze"],
  },
  // other transformers that draw pictures
  {
    id: "auraflow",
    name: "AuraFlow",
    whyNot: transformer,
    marks: [["double_layers.0.attn.w1q.weight"], ["joint_transformer_blocks.0.attn.add_k_proj.weight"]],
    pipelines: ["AuraFlow"],
    claims: ["aura"],
  },
  {
    id: "qwen-image",
    name: "Qwen-Image",
    whyNot: transformer,
    marks: [["transformer_blocks.0.img_mod.1.weight"]],
    pipelines: ["QwenImage"],
    claims: ["qwenimage"],
  },
  {
    id: "sd3",
    name: "SD 3",
    whyNot: transformer,
    marks: [
      ["joint_blocks.0.context_block.adaLN_modulation.1.bias"],
      ["joint_blocks.0.context_block.attn.qkv.weight"],
      ["pos_embed.pos_embed", "context_embedder.weight"],
    ],
    members: [
      { name: "SD 3.5 large", marks: ["joint_blocks.37.x_block.mlp.fc1.weight"] },
      { name: "SD 3.5 large", marks: ["transformer_blocks.37.ff.net.0.proj.weight"] },
      { name: "SD 3 medium", marks: [["pos_embed", [1, 192 ** 2, null]]] },
      { name: "SD 3 medium", marks: [["pos_embed.pos_embed", [1, 192 ** 2, null]]] },
      { name: "SD 3.5 medium", marks: [["pos_embed", [1, 384 ** 2, null]]] },
      { name: "SD 3.5 medium", marks: [["pos_embed.pos_embed", [1, 384 ** 2, null]]] },
    ],
    pipelines: ["StableDiffusion3"],
    claims: ["stablediffusionv3", "stablediffusion3", "sd3"],
  },
  {
    id: "sana",
    name: "Sana",
    whyNot: transformer,
    marks: [
      ["attention_y_norm.weight"],
      ["caption_norm.weight", "transformer_blocks.0.ff.conv_inverted.weight"],
      ["blocks.0.cross_attn.q_linear.weight", "blocks.0.mlp.inverted_conv.conv.weight"],
    ],
    pipelines: ["Sana"],
    claims: ["sana"],
  },
  {
    id: "pixart",
    name: "PixArt",
    whyNot: transformer,
    marks: [
      ["t_block.1.weight", "y_embedder.y_proj.fc1.weight"],
      ["adaln_single.emb.timestep_embedder.linear_1.bias", "pos_embed.proj.bias"],
    ],
    members: [
      { name: "PixArt-α", marks: ["ar_embedder.mlp.0.weight"] },
      { name: "PixArt-α", marks: ["adaln_single.emb.resolution_embedder.linear_1.weight"] },
    ],
    pipelines: ["PixArt"],
    claims: ["pixart"],
  },
  {
    id: "hunyuan-dit",
    name: "HunyuanDiT",
    whyNot: transformer,
    marks: [["mlp_t5.0.weight"], ["time_extra_emb.pooler.positional_embedding"]],
    pipelines: ["HunyuanDiT"],
    claims: ["hunyuandit"],
  },
  {
    id: "hidream",
    name: "HiDream",
    whyNot: transformer,
    marks: [
      ["caption_projection.0.linear.weight"],
      ["double_stream_blocks.0.block.adaLN_modulation.1.bias"],
      ["t_embedder1.mlp.0.weight", "x_embedder.proj1.weight"],
    ],
    pipelines: ["HiDream"],
    claims: ["hidream"],
  },
  {
    id: "z-image",
    name: "Z-Image",
    whyNot: transformer,
    marks: [
      [["cap_embedder.1.weight", [3840, null]], "noise_refiner.0.attention.k_norm.weight"],
      ["all_x_embedder.2-1.weight"],
      ["layers.0.adaLN_modulation.0.weight", "cap_embedder.1.weight"],
    ],
    pipelines: ["ZImage"],
    claims: ["zimage"],
  },
  {
    id: "omnigen2",
    name: "OmniGen2",
    whyNot: transformer,
    marks: [["ref_image_patch_embedder.weight"], ["image_index_embedding"]],
    pipelines: ["OmniGen"],
    claims: ["omnigen"],
  },
  {
    id: "lumina",
    name: "Lumina-Image",
    whyNot: transformer,
    marks: [
      ["cap_embedder.1.weight", "noise_refiner.0.attention.k_norm.weight"],
      ["cap_embedder.0.weight"],
      ["time_caption_embed.caption_embedder.1.weight"],
    ],
    pipelines: ["Lumina"],
    claims: ["lumina"],
  },
  {
    id: "cogview",
    name: "CogView",
    whyNot: transformer,
    marks: [["patch_embed.text_proj.weight", "time_condition_embed.timestep_embedder.linear_1.weight"]],
    pipelines: ["CogView"],
  },
  // videos
  {
    id: "cogvideo",
    name: "CogVideoX",
    whyNot: video,
    marks: [["patch_embed.text_proj.weight"], ["blocks.0.norm1.linear.weight", "patch_embed.proj.weight"]],
    pipelines: ["CogVideoX", "ConsisID"],
  },
  {
    id: "mochi",
    name: "Mochi",
    whyNot: video,
    marks: [["t5_yproj.weight"], ["blocks.0.attn.qkv_x.weight"], ["time_embed.pooler.to_q.weight"]],
    pipelines: ["Mochi"],
  },
  {
    id: "wan",
    name: "Wan",
    whyNot: video,
    marks: [["head.modulation"], ["condition_embedder.text_embedder.linear_1.weight", "blocks.0.attn2.norm_k.weight"]],
    pipelines: ["Wan", "SkyReelsV2", "ChronoEdit", "LucyEdit"],
    claims: ["wan"],
  },
  {
    id: "ltx",
    name: "LTX-Video",
    whyNot: video,
    marks: [
      ["patchify_proj.weight"],
      ["proj_in.weight", "scale_shift_table", "time_embed.emb.timestep_embedder.linear_1.weight"],
    ],
    pipelines: ["LTX"],
    claims: ["ltx"],
  },
  {
    id: "cosmos",
    name: "Cosmos",
    whyNot: transformer,
    marks: [
      ["blocks.block0.blocks.0.block.attn.to_q.0.weight"],
      [
        "patch_embed.proj.weight",
        "time_embed.t_embedder.linear_1.weight",
        "transformer_blocks.0.norm1.linear_1.weight",
      ],
      ["x_embedder.proj.1.weight", "blocks.0.self_attn.q_proj.weight"],
    ],
    members: [{ name: "Anima", marks: ["llm_adapter.blocks.0.cross_attn.q_proj.weight"] }],
    pipelines: ["Cosmos"],
    claims: ["anima", "cosmos"],
  },
  {
    id: "kandinsky5",
    name: "Kandinsky 5",
    whyNot: transformer,
    marks: [["visual_transformer_blocks.0.cross_attention.key_norm.weight"]],
    pipelines: ["Kandinsky5"],
  },
  {
    id: "svd",
    name: "Stable Video Diffusion",
    denoiser: "unet",
    whyNot: video,
    marks: [
      ["input_blocks.1.0.time_stack.in_layers.0.weight"],
      ["input_blocks.1.1.time_stack.0.attn1.to_q.weight"],
      ["down_blocks.0.resnets.0.spatial_res_block.conv1.weight"],
    ],
    pipelines: ["StableVideoDiffusion"],
    claims: ["stablevideodiffusion", "svd"],
  },
  {
    id: "modelscope",
    name: "a UNet for videos",
    denoiser: "unet",
    whyNot: video,
    marks: [
      ["down_blocks.0.temp_convs.0.conv1.0.weight"],
      ["input_blocks.1.0.temopral_conv.conv1.0.weight"], // its authors spell it so
      ["down_blocks.0.temporal_attentions.0.norm.weight"],
    ],
    pipelines: ["TextToVideo", "VideoToVideoSD", "I2VGenXL", "PIA"],
  },
  {
    id: "animatediff",
    name: "AnimateDiff",
    denoiser: "unet",
    whyNot: video,
    marks: [],
    pipelines: ["AnimateDiff"],
    claims: ["animatediff"],
  },
  // UNets of other kinds
  {
    id: "cascade-prior",
    name: "Stable Cascade, stage C",
    denoiser: "unet",
    whyNot: cascade,
    marks: [["clip_txt_mapper.weight"]],
    pipelines: ["StableCascadePrior", "StableCascade"],
    claims: ["stablecascade"],
  },
  {
    id: "cascade-decoder",
    name: "Stable Cascade, stage B",
    denoiser: "unet",
    whyNot: cascade,
    marks: [["down_blocks.1.0.channelwise.0.weight"], ["effnet_mapper.0.weight", "clip_txt_pooled_mapper.weight"]],
    pipelines: ["StableCascadeDecoder"],
  },
  {
    id: "wuerstchen",
    name: "Würstchen",
    denoiser: "unet",
    whyNot: cascade,
    marks: [["cond_mapper.0.weight", "projection.weight"], ["effnet_mappers.0.weight"]],
    pipelines: ["Wuerstchen"],
  },
  {
    id: "deepfloyd-if",
    name: "DeepFloyd IF",
    denoiser: "unet",
    whyNot: "it works on pixels, and latents are what is denoised here",
    marks: [["add_embedding.pool.positional_embedding"]],
    pipelines: ["IF"],
  },
  {
    id: "kandinsky2",
    name: "Kandinsky 2",
    denoiser: "unet",
    whyNot: cascade,
    marks: [["add_embedding.image_proj.weight"]],
    pipelines: ["Kandinsky", "UnCLIP"],
  },
  {
    id: "unclip-prior",
    name: "a prior of unCLIP (Kandinsky 2 or Karlo)",
    whyNot: cascade,
    marks: [["prd_embedding", "clip_mean"]],
  },
  {
    id: "kandinsky3",
    name: "Kandinsky 3",
    denoiser: "unet",
    whyNot: language,
    marks: [["encoder_hid_proj.projection_linear.weight"]],
    pipelines: ["Kandinsky3"],
  },
  {
    id: "kolors",
    name: "Kolors",
    denoiser: "unet",
    whyNot: language,
    marks: [["encoder_hid_proj.weight", ["add_embedding.linear_1.weight", [null, 5632]]]],
    pipelines: ["Kolors"],
    claims: ["kolors"],
  },
  {
    id: "upscaler-x4",
    name: "SD x4 upscaler",
    denoiser: "unet",
    whyNot: "it enlarges a picture that is given, and draws none of its own",
    marks: [
      ["label_emb.weight", "input_blocks.0.0.weight"],
      ["class_embedding.weight", "conv_in.weight"],
    ],
    pipelines: ["StableDiffusionUpscale", "StableDiffusionLatentUpscale"],
  },
  // sound and solids
  {
    id: "stable-audio",
    name: "Stable Audio",
    whyNot: sound,
    marks: [
      ["transformer.rotary_pos_emb.inv_freq"],
      ["preprocess_conv.weight", "postprocess_conv.weight", "global_proj.0.weight"],
    ],
    pipelines: ["StableAudio", "AudioLDM", "MusicLDM", "LongCatAudio", "AudioDiffusion", "DanceDiffusion"],
  },
  {
    id: "ace-step",
    name: "ACE-Step",
    whyNot: sound,
    marks: [["genre_embedder.weight"]],
    pipelines: ["AceStep"],
  },
  {
    id: "hunyuan-3d",
    name: "Hunyuan3D",
    whyNot: solid,
    marks: [
      ["latent_in.weight", "cond_in.weight"],
      ["t_embedder.mlp.2.weight", "blocks.0.attn1.k_norm.weight", "x_embedder.weight"],
    ],
    pipelines: ["ShapE"],
  },
];

/**
 * What is named and not run. The first whose marks fit holds, so what is made of another's blocks stands before it. Marks
 * are those of diffusers 0.42 (loaders/single_file_utils.py, `models/transformers`) and ComfyUI (comfy/model_detection.py).
 */
export const otherFamilies: readonly OtherFamily[] = entries.map(withDefaults);

/** A pipeline whose networks are those of a family that runs, with something more that does not. */
export interface OtherPipeline {
  readonly begins: string;
  readonly name: string;
  readonly whyNot: string;
}

/** Pipelines around UNets of SD 1.x, 2.x and XL that need a part or an input which is not here. The longest holds. */
export const otherPipelines: readonly OtherPipeline[] = [
  {
    begins: "StableUnCLIP",
    name: "SD 2.x unCLIP",
    whyNot: "its UNet reads the embedding of a picture beside the prompt",
  },
  {
    begins: "StableDiffusionImageVariation",
    name: "SD 1.x image variations",
    whyNot: "its UNet reads the embedding of a picture instead of a prompt",
  },
  {
    begins: "StableDiffusionDepth2Img",
    name: "SD 2.x depth",
    whyNot: "its UNet reads a depth map beside the latents",
  },
  {
    begins: "StableDiffusionInstructPix2Pix",
    name: "SD 1.x instruct-pix2pix",
    whyNot: "its UNet reads a picture to edit beside the latents",
  },
  {
    begins: "StableDiffusionXLInstructPix2Pix",
    name: "SDXL instruct-pix2pix",
    whyNot: "its UNet reads a picture to edit beside the latents",
  },
  { begins: "StableDiffusionGLIGEN", name: "GLIGEN", whyNot: "its UNet reads boxes beside the prompt" },
  { begins: "StableDiffusionAdapter", name: "SD 1.x with a T2I-Adapter", whyNot: "T2I-Adapters do not run here" },
  { begins: "StableDiffusionXLAdapter", name: "SDXL with a T2I-Adapter", whyNot: "T2I-Adapters do not run here" },
  { begins: "StableDiffusionLDM3D", name: "LDM3D", whyNot: "its VAE draws depth beside the picture" },
  { begins: "PaintByExample", name: "Paint by Example", whyNot: "its UNet reads a picture instead of a prompt" },
  { begins: "BlipDiffusion", name: "BLIP-Diffusion", whyNot: "its prompt is made of a picture" },
  { begins: "AltDiffusion", name: "AltDiffusion", whyNot: "its text encoder is XLM-RoBERTa, and CLIP's run here" },
  { begins: "Marigold", name: "Marigold", whyNot: "it measures a picture that is given, and draws none" },
  { begins: "Amused", name: "aMUSEd", whyNot: "it draws tokens, and latents are what is denoised here" },
  { begins: "VersatileDiffusion", name: "Versatile Diffusion", whyNot: "its UNet is one of another structure" },
  { begins: "UniDiffuser", name: "UniDiffuser", whyNot: transformer },
  { begins: "DiT", name: "DiT", whyNot: transformer },
  { begins: "PRX", name: "PRX", whyNot: transformer },
  { begins: "Allegro", name: "Allegro", whyNot: video },
  { begins: "EasyAnimate", name: "EasyAnimate", whyNot: video },
  { begins: "Latte", name: "Latte", whyNot: video },
  { begins: "DDPM", name: "an unconditional model", whyNot: "it draws without a prompt, on pixels" },
  { begins: "DDIM", name: "an unconditional model", whyNot: "it draws without a prompt, on pixels" },
  { begins: "Flax", name: "a model for Flax", whyNot: "its weights are Flax's; give the folder that has safetensors" },
  { begins: "Onnx", name: "a model in ONNX", whyNot: "a graph is code; give the folder that has safetensors files" },
  { begins: "OVStable", name: "a model for OpenVINO", whyNot: "a graph is code; give the folder with safetensors" },
];
