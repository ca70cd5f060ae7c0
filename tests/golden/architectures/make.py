"""Outputs of small networks of every kind we build, computed by diffusers and transformers in float64.

    python make.py > vectors.json        # torch, diffusers, transformers

Weights and inputs are not stored: both sides compute them from `wave`.
"""

import json
import math
import sys

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel


def bmm(a, b):
    """Batched products by their definition: Debian's build of torch 1.13 adds 0 · uninitialised memory to them, and some of that is NaN."""
    return (a[..., :, :, None] * b[..., None, :, :]).sum(-2)


torch.bmm = bmm
torch.baddbmm = lambda _input, a, b, beta=1, alpha=1: alpha * bmm(a, b)  # diffusers calls it with beta 0


def wave(index, shape, scale=1.0, shift=0.0):
    """Element j of tensor `index`: shift + scale · u with u in [−1, 1), the fraction of 43758.5453 sin(12.9898 j + 78.233 index + 1)."""
    def u(j):
        x = 43758.5453 * math.sin(12.9898 * j + 78.233 * index + 1)
        return 2 * (x - math.floor(x)) - 1
    values = [shift + scale * u(j) for j in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).float().double().reshape(shape)  # what float32 holds, computed with in float64


def fill(model):
    """Weights in the order of their sorted names; matrices by 1 / √fan-in, norms around 1."""
    model.double()
    with torch.no_grad():
        for index, (name, weight) in enumerate(sorted(model.named_parameters())):
            if weight.dim() >= 2:
                weight.copy_(wave(index, tuple(weight.shape), 1 / math.sqrt(weight[0].numel())))
            else:
                weight.copy_(wave(index, tuple(weight.shape), 0.1, 1.0 if "norm" in name and name.endswith("weight") else 0.0))
    return model.eval()


def flat(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{value:.7g}") for value in tensor.flatten().tolist()]}


def plain(config):
    return json.loads(json.dumps({k: v for k, v in dict(config).items() if k != "_use_default_values"}, default=list))


UNETS = {
    "like SD 1.x": dict(
        block_out_channels=(8, 16, 16), layers_per_block=2, attention_head_dim=2, cross_attention_dim=12,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    ),
    "like SD 2.x": dict(
        block_out_channels=(8, 16), layers_per_block=1, attention_head_dim=(2, 4), cross_attention_dim=20, use_linear_projection=True,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    ),
    "deeper transformers, sines first": dict(
        block_out_channels=(8, 16), layers_per_block=1, attention_head_dim=2, cross_attention_dim=12, transformer_layers_per_block=(1, 2),
        use_linear_projection=True, flip_sin_to_cos=False, freq_shift=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    ),
}

with torch.no_grad():
    out = {"versions": f"torch {torch.__version__}, diffusers {diffusers.__version__}, transformers {transformers.__version__}", "unets": {}}
    for name, config in UNETS.items():
        unet = fill(UNet2DConditionModel(in_channels=4, out_channels=4, norm_num_groups=4, sample_size=8, **config))
        latents, text = wave(0, (2, 4, 8, 8), 1.5), wave(1, (2, 5, config["cross_attention_dim"]))
        prediction = unet(latents, torch.tensor([801, 221]), text).sample
        # Residuals as a guide or a ControlNet gives them, in the order of the skips.
        shapes, h = [], unet.conv_in(latents)
        hooks = [block.register_forward_hook(lambda _m, _i, o: shapes.extend(tuple(s.shape) for s in o[1])) for block in unet.down_blocks]
        unet(latents, torch.tensor([801, 221]), text)
        for hook in hooks:
            hook.remove()
        shapes = [tuple(h.shape)] + shapes
        residuals = [wave(10 + k, shape, 0.2) for k, shape in enumerate(shapes)]
        mid = wave(99, (2, config["block_out_channels"][-1], shapes[-1][2], shapes[-1][3]), 0.2)
        guided = unet(latents, torch.tensor([801, 221]), text, down_block_additional_residuals=residuals, mid_block_additional_residual=mid).sample
        out["unets"][name] = {"config": {"_class_name": "UNet2DConditionModel", **plain(unet.config)}, "prediction": flat(prediction), "guided": flat(guided)}

    vae = fill(AutoencoderKL(
        block_out_channels=(8, 16), layers_per_block=2, norm_num_groups=4, latent_channels=4, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2))
    out["vae"] = {"config": {"_class_name": "AutoencoderKL", **plain(vae.config)}, "mean": flat(vae.encode(wave(2, (1, 3, 16, 16))).latent_dist.mean), "picture": flat(vae.decode(wave(3, (1, 4, 8, 8))).sample)}

    clip = fill(CLIPTextModel(CLIPTextConfig(
        hidden_size=16, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4, vocab_size=50, max_position_embeddings=9, hidden_act="gelu")))
    tokens = torch.tensor([[48, 3, 7, 20, 49, 49, 49, 49, 49], [48, 49, 49, 49, 49, 49, 49, 49, 49]])
    out["clip"] = {"config": plain(clip.config.to_dict()), "tokens": tokens.flatten().tolist(), "states": flat(clip(tokens).last_hidden_state)}
    json.dump(out, sys.stdout, allow_nan=False)
