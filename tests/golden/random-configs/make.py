"""Draws random configs of small UNets, VAEs and text encoders, and records what parameters the reference libraries give them.

    python make.py        torch 2.15.0, diffusers 0.42.1, transformers 5.24.0; no weights are made (device "meta")

vectors.json.gz: {versions, unets | vaes | clips: [{config, parameters, names}]}, where `names` is the sha256 of the lines
"name shape" in the order of their names.
"""

import gzip
import hashlib
import json
import random
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

HERE = Path(__file__).parent
COUNT = 120
rng = random.Random(9)


def described(module, strip=""):
    shapes = {name.removeprefix(strip): list(p.shape) for name, p in module.named_parameters()}
    lines = "\n".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in sorted(shapes.items()))
    return {
        "parameters": sum(p.numel() for p in module.parameters()),
        "names": hashlib.sha256(lines.encode()).hexdigest(),
    }


def unet_config():
    levels = rng.randint(1, 4)
    groups = rng.choice([1, 2, 4])
    channels = [groups * rng.randint(1, 4) * 2 for _ in range(levels)]
    kinds = [rng.choice(["DownBlock2D", "CrossAttnDownBlock2D"]) for _ in range(levels)]
    ups = [rng.choice(["UpBlock2D", "CrossAttnUpBlock2D"]) for _ in range(levels)]
    text = 2 * rng.randint(2, 8)
    each = lambda draw: [draw() for _ in range(levels)] if rng.random() < 0.5 else draw()
    config = {
        "sample_size": 8,
        "in_channels": rng.choice([4, 4, 8, 9]),
        "out_channels": rng.choice([4, 4, 8]),
        "block_out_channels": channels,
        "down_block_types": kinds,
        "up_block_types": ups,
        "mid_block_type": rng.choice(["UNetMidBlock2DCrossAttn", "UNetMidBlock2DCrossAttn", "UNetMidBlock2D", None]),
        "layers_per_block": each(lambda: rng.randint(1, 3)),
        "norm_num_groups": groups,
        "cross_attention_dim": text,
        "attention_head_dim": each(lambda: rng.choice([1, 2])),
        "transformer_layers_per_block": each(lambda: rng.randint(1, 3)),
        "only_cross_attention": rng.choice([False, False, True, [rng.random() < 0.5 for _ in range(levels)]]),
        "use_linear_projection": rng.random() < 0.5,
        "resnet_time_scale_shift": rng.choice(["default", "scale_shift"]),
        "time_cond_proj_dim": rng.choice([None, None, 6]),
        "time_embedding_dim": rng.choice([None, None, 24]),
        "encoder_hid_dim": rng.choice([None, None, None, 10]),
        "conv_in_kernel": rng.choice([1, 3, 3, 5]),
        "conv_out_kernel": rng.choice([1, 3, 3]),
        "act_fn": rng.choice(["silu", "gelu", "mish"]),
    }
    if rng.random() < 0.4:
        width = rng.choice([4, 8])
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": width,
            "projection_class_embeddings_input_dim": 6 * width + rng.randint(1, 9),
        }
    return config


def vae_config():
    levels = rng.randint(1, 4)
    groups = rng.choice([1, 2, 4])
    return {
        "block_out_channels": [groups * rng.randint(1, 4) for _ in range(levels)],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": rng.randint(1, 3),
        "latent_channels": rng.choice([4, 8, 16]),
        "norm_num_groups": groups,
        "mid_block_add_attention": rng.random() < 0.7,
        "use_quant_conv": rng.random() < 0.7,
        "use_post_quant_conv": rng.random() < 0.7,
    }


def clip_config():
    heads = rng.randint(1, 4)
    return {
        "hidden_size": heads * rng.randint(2, 6),
        "intermediate_size": rng.randint(4, 40),
        "num_hidden_layers": rng.randint(1, 5),
        "num_attention_heads": heads,
        "vocab_size": rng.randint(10, 300),
        "max_position_embeddings": rng.randint(4, 80),
        "projection_dim": rng.randint(3, 30),
        "hidden_act": rng.choice(["quick_gelu", "gelu"]),
    }


def drawn(make, build):
    made = []
    while len(made) < COUNT:
        config = make()
        try:
            with torch.device("meta"):
                made.append({"config": config, **build(config)})
        except (ValueError, NotImplementedError):
            continue  # what the library refuses is not asked of others
    return made


def clip(config):
    projects = rng.random() < 0.5
    module = (CLIPTextModelWithProjection if projects else CLIPTextModel)(CLIPTextConfig(**config))
    config["architectures"] = ["CLIPTextModelWithProjection" if projects else "CLIPTextModel"]
    return described(module, "text_model.")


vectors = {
    "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__},
    "unets": drawn(unet_config, lambda config: described(UNet2DConditionModel(**config))),
    "vaes": drawn(vae_config, lambda config: described(AutoencoderKL(**config))),
    "clips": drawn(clip_config, clip),
}
for part, name in (("unets", "UNet2DConditionModel"), ("vaes", "AutoencoderKL")):
    for case in vectors[part]:
        case["config"]["_class_name"] = name
(HERE / "vectors.json.gz").write_bytes(gzip.compress(json.dumps(vectors, separators=(",", ":")).encode(), mtime=0))
