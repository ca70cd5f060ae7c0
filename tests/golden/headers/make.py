"""Writes the names and shapes of networks as the reference libraries save them. How to run it: README.md."""

import inspect
import json
import warnings
from pathlib import Path

import diffusers
import torch
import transformers

HERE = Path(__file__).parent
warnings.filterwarnings("ignore")
for library in (diffusers.utils.logging, transformers.utils.logging):
    library.set_verbosity_error()

# One layer of each kind has all the names that tell a network; the widths stay those of the published models.
FEW = {
    name: 1
    for name in (
        "num_layers",
        "num_single_layers",
        "num_dit_layers",
        "num_mmdit_layers",
        "num_single_dit_layers",
        "num_refiner_layers",
        "n_layers",
        "n_refiner_layers",
        "num_visual_blocks",
        "num_text_blocks",
    )
}

DENOISERS = {
    "flux1-dev": ("FluxTransformer2DModel", {"guidance_embeds": True}),
    "flux1-schnell": ("FluxTransformer2DModel", {}),
    "flux1-fill": ("FluxTransformer2DModel", {"guidance_embeds": True, "in_channels": 384, "out_channels": 64}),
    "flux2": ("Flux2Transformer2DModel", {}),
    "chroma": ("ChromaTransformer2DModel", {}),
    "bria": ("BriaTransformer2DModel", {}),
    "ovis-image": ("OvisImageTransformer2DModel", {}),
    "longcat-image": ("LongCatImageTransformer2DModel", {}),
    "sd3-medium": ("SD3Transformer2DModel", {"num_attention_heads": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 192}),
    "sd35-medium": ("SD3Transformer2DModel", {"num_attention_heads": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 384}),
    "sd35-large": ("SD3Transformer2DModel", {"num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432, "pos_embed_max_size": 192}),
    "auraflow": ("AuraFlowTransformer2DModel", {}),
    "qwen-image": ("QwenImageTransformer2DModel", {}),
    "z-image": ("ZImageTransformer2DModel", {}),
    "lumina2": ("Lumina2Transformer2DModel", {}),
    "pixart-alpha": ("PixArtTransformer2DModel", {"sample_size": 128, "caption_channels": 4096, "use_additional_conditions": True, "cross_attention_dim": 1152}),
    "pixart-sigma": ("PixArtTransformer2DModel", {"sample_size": 128, "caption_channels": 4096, "use_additional_conditions": False, "cross_attention_dim": 1152}),
    "sana": ("SanaTransformer2DModel", {}),
    "hunyuan-dit": ("HunyuanDiT2DModel", {"num_layers": 2, "in_channels": 4, "patch_size": 2, "sample_size": 128, "activation_fn": "gelu-approximate"}),
    "hidream": ("HiDreamImageTransformer2DModel", {"caption_channels": [4096, 4096], "in_channels": 16, "out_channels": 16, "patch_size": 2, "text_emb_dim": 2048, "axes_dims_rope": (32, 16, 16), "max_resolution": (128, 128), "num_layers": 1, "num_single_layers": 1, "llama_layers": [0, 1]}),
    "hunyuan-image": ("HunyuanImageTransformer2DModel", {}),
    "hunyuan-video": ("HunyuanVideoTransformer3DModel", {}),
    "cogview4": ("CogView4Transformer2DModel", {}),
    "cogvideox": ("CogVideoXTransformer3DModel", {}),
    "mochi": ("MochiTransformer3DModel", {}),
    "wan": ("WanTransformer3DModel", {}),
    "ltx": ("LTXVideoTransformer3DModel", {}),
    "cosmos": ("CosmosTransformer3DModel", {}),
    "kandinsky5": ("Kandinsky5Transformer3DModel", {}),
    "stable-audio": ("StableAudioDiTModel", {}),
    "svd": ("UNetSpatioTemporalConditionModel", {"layers_per_block": 1}),
    "modelscope": ("UNet3DConditionModel", {"cross_attention_dim": 1024, "attention_head_dim": 64, "layers_per_block": 1}),
    "animatediff-unet": ("UNetMotionModel", {"cross_attention_dim": 768}),
    "kandinsky3": ("Kandinsky3UNet", {"layers_per_block": 1}),
    "cascade-c": (
        "StableCascadeUNet",
        {
            "in_channels": 16,
            "out_channels": 16,
            "patch_size": 1,
            "block_out_channels": [2048, 2048],
            "num_attention_heads": [32, 32],
            "down_num_layers_per_block": [1, 1],
            "up_num_layers_per_block": [1, 1],
            "down_blocks_repeat_mappers": [1, 1],
            "up_blocks_repeat_mappers": [1, 1],
            "block_types_per_layer": [["SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"]] * 2,
            "clip_text_in_channels": 1280,
            "clip_text_pooled_in_channels": 1280,
            "clip_image_in_channels": 768,
            "switch_level": [False],
            "self_attn": True,
        },
    ),
    "kandinsky22": (
        "UNet2DConditionModel",
        {
            "block_out_channels": (384, 768),
            "down_block_types": ("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            "up_block_types": ("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
            "addition_embed_type": "image",
            "encoder_hid_dim": 1280,
            "encoder_hid_dim_type": "image_proj",
            "cross_attention_dim": 768,
            "attention_head_dim": 64,
            "resnet_time_scale_shift": "scale_shift",
        },
    ),
    "deepfloyd-if": (
        "UNet2DConditionModel",
        {
            "in_channels": 3,
            "out_channels": 6,
            "block_out_channels": (320, 640),
            "down_block_types": ("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            "up_block_types": ("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
            "addition_embed_type": "text",
            "addition_embed_type_num_heads": 64,
            "encoder_hid_dim": 4096,
            "cross_attention_dim": 1280,
            "attention_head_dim": 64,
            "resnet_time_scale_shift": "scale_shift",
        },
    ),
    "upscaler-x4": (
        "UNet2DConditionModel",
        {
            "in_channels": 7,
            "block_out_channels": (256, 512, 512, 1024),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "cross_attention_dim": 1024,
            "num_class_embeds": 1000,
            "use_linear_projection": True,
            "layers_per_block": 1,
        },
    ),
    "kandinsky-prior": ("PriorTransformer", {}),
    "unconditional": ("UNet2DModel", {"block_out_channels": (128, 256), "down_block_types": ("DownBlock2D", "AttnDownBlock2D"), "up_block_types": ("AttnUpBlock2D", "UpBlock2D")}),
}

SDXL = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
SD2 = {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True}

# Of these all layers are written, for their structure is what tells them.
UNETS = {
    "sd1": {"cross_attention_dim": 768},
    "sd1-lcm": {"cross_attention_dim": 768, "time_cond_proj_dim": 256},
    "sd2": SD2,
    "sd2-unclip": {**SD2, "class_embed_type": "projection", "projection_class_embeddings_input_dim": 2048},
    "sdxl": SDXL,
    "ssd-1b": {**SDXL, "transformer_layers_per_block": (1, 2, 4), "mid_block_type": "UNetMidBlock2D"},
}
CONTROLNETS = {
    "controlnet-sd1": {"cross_attention_dim": 768},
    "controlnet-sdxl": {k: v for k, v in SDXL.items() if k != "up_block_types"},
}
OTHERS = {
    "t2i-adapter": ("T2IAdapter", {}),
    "t2i-adapter-light": ("T2IAdapter", {"adapter_type": "light_adapter"}),
    "motion-module": ("MotionAdapter", {}),
    "vae": (
        "AutoencoderKL",
        {
            "block_out_channels": (128, 256, 512, 512),
            "down_block_types": ("DownEncoderBlock2D",) * 4,
            "up_block_types": ("UpDecoderBlock2D",) * 4,
            "layers_per_block": 2,
        },
    ),
    "vae-flux": (
        "AutoencoderKL",
        {
            "block_out_channels": (128, 256, 512, 512),
            "down_block_types": ("DownEncoderBlock2D",) * 4,
            "up_block_types": ("UpDecoderBlock2D",) * 4,
            "layers_per_block": 2,
            "latent_channels": 16,
            "use_quant_conv": False,
            "use_post_quant_conv": False,
        },
    ),
    "taesd": ("AutoencoderTiny", {}),
    "vq": ("VQModel", {"block_out_channels": (128, 256, 512), "down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3, "num_vq_embeddings": 8192}),
    "vae-wan": ("AutoencoderKLWan", {}),
    "vae-svd": ("AutoencoderKLTemporalDecoder", {}),
    "flux-controlnet": ("FluxControlNetModel", {"num_layers": 1, "num_single_layers": 1, "guidance_embeds": True}),
}


def save(case, model):
    names = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    (HERE / f"{case}.json").write_text(json.dumps(names, separators=(",", ":")) + "\n")


def make(case, kind, given):
    with torch.device("meta"):
        cls = getattr(diffusers, kind)
        taken = inspect.signature(cls.__init__).parameters
        few = {name: value for name, value in FEW.items() if name in taken and name not in given}
        save(case, cls(**{**few, **given}))


def main():
    for case, (kind, given) in {**DENOISERS, **OTHERS}.items():
        try:
            make(case, kind, given)
        except Exception as problem:  # a case that cannot be made is said, and the others are written
            print(f"{case}: {type(problem).__name__}: {problem}")
    with torch.device("meta"):
        for case, given in UNETS.items():
            unet = diffusers.UNet2DConditionModel(block_out_channels=given.get("block_out_channels", (320, 640, 1280, 1280)), **{k: v for k, v in given.items() if k != "block_out_channels"})
            save(case, unet)
        for case, given in CONTROLNETS.items():
            save(case, diffusers.ControlNetModel(**given))
        for case, config in {
            "clip-l": transformers.CLIPTextConfig(vocab_size=49408, hidden_size=768, intermediate_size=3072, num_attention_heads=12, num_hidden_layers=12),
            "clip-h": transformers.CLIPTextConfig(vocab_size=49408, hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=23),
        }.items():
            save(case, transformers.CLIPTextModel(config))
        big = transformers.CLIPTextConfig(vocab_size=49408, hidden_size=1280, intermediate_size=5120, num_attention_heads=20, num_hidden_layers=32, projection_dim=1280)
        save("clip-big-g", transformers.CLIPTextModelWithProjection(big))
        save("clip-vision-h", transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(hidden_size=1280, intermediate_size=5120, num_attention_heads=16, num_hidden_layers=2, patch_size=14, projection_dim=1024)))
        save("t5-xxl", transformers.T5EncoderModel(transformers.T5Config(vocab_size=32128, d_model=4096, d_kv=64, d_ff=10240, num_layers=2, num_heads=64, feed_forward_proj="gated-gelu")))
        from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

        save("safety-checker", StableDiffusionSafetyChecker(transformers.CLIPConfig(vision_config={"num_hidden_layers": 1})))
    versions = {"torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__}
    (HERE / "versions.json").write_text(json.dumps(versions) + "\n")


main()
