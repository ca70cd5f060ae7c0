"""Writes UNets of every config that is made of the same blocks, and what diffusers predicts with them. How to run it: README.md."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from common import fill, make_unet, must_matter, new_folder, noise, write_case, write_json, versions
from diffusers import UNet2DConditionModel

HERE = Path(__file__).parent
TIMESTEPS = [801, 221]
BOTH = {
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
}
LAST = {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D")}
SMALL = {"block_out_channels": (4, 8), "norm_num_groups": 2, "attention_head_dim": 2, "cross_attention_dim": 8}


def inputs(name, unet, height, width, batch):
    config = unet.config
    dim = config.encoder_hid_dim or config.cross_attention_dim
    dim = next(d for d in dim if d) if isinstance(dim, (list, tuple)) else dim
    given = {
        "latents": (noise(f"{name}/latents/{height}x{width}", batch, config.in_channels, height, width), "[B, C, h, w]"),
        "timestep": (torch.tensor(TIMESTEPS[:batch], dtype=torch.float32), "[B]"),
        "text": (noise(f"{name}/text", batch, 7, dim), "encoder_hidden_states: [B, 7, D]"),
    }
    if config.time_cond_proj_dim:
        given["timestep_cond"] = (noise(f"{name}/timestep_cond", batch, config.time_cond_proj_dim), "timestep_cond: [B, K]")
    if config.addition_embed_type == "text_time":
        pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        given["pooled"] = (noise(f"{name}/pooled", batch, pooled), "added_cond_kwargs['text_embeds']: [B, P]")
        ids = torch.tensor([[24, 40, 2, 4, 16, 16], [16, 16, 0, 0, 20, 24]], dtype=torch.float32)[:batch]
        given["time_ids"] = (ids, "added_cond_kwargs['time_ids']: [B, 6]")
    return given


def predict(unet, given):
    take = lambda name: given[name][0] if name in given else None
    added = {"text_embeds": take("pooled"), "time_ids": take("time_ids")} if "pooled" in given else None
    return unet(
        take("latents"), take("timestep"), take("text"), timestep_cond=take("timestep_cond"), added_cond_kwargs=added
    ).sample


def make(name, what, contrast=None, sizes=((8, 8),), batch=2, checked=("text",), **changes):
    """`contrast`: settings under which the same weights would be read where the feature is missed."""
    folder = new_folder(HERE / name)
    unet = make_unet(f"unets/{name}", **{**SMALL, **changes})
    unet.half().save_pretrained(folder)
    unet = UNet2DConditionModel.from_pretrained(folder, torch_dtype=torch.float32)
    tensors, moved = {}, {}
    for height, width in sizes:
        tail = f".{height}x{width}" if len(sizes) > 1 else ""
        given = inputs(name, unet, height, width, batch)
        prediction = predict(unet, given)
        shared = ("latents",) if len(sizes) > 1 else tuple(given)
        tensors.update({f"{key}{tail}" if key in shared else key: value for key, value in given.items()})
        tensors[f"prediction{tail}"] = (prediction, "UNet2DConditionModel(...).sample: [B, C, h, w]")
        for key in ("text", "timestep_cond", "pooled", "time_ids"):
            if key in given and key in (*checked, "timestep_cond", "pooled", "time_ids"):
                values, described = given[key]
                moved[key] = must_matter(key, predict(unet, {**given, key: (values.flip(-1), described)}), prediction)
    if contrast:
        other = UNet2DConditionModel(**{**{k: v for k, v in unet.config.items() if not k.startswith("_")}, **contrast})
        other.load_state_dict(unet.state_dict())
        moved[", ".join(f"{k} {v}" for k, v in contrast.items())] = must_matter(name, predict(other.eval(), given), prediction)
    write_case(folder, what, tensors, {"config": {k: v for k, v in changes.items()}}, sensitivity=moved)


def refused(name, what, **changes):
    folder = new_folder(HERE / name)
    try:
        make_unet(name, **{**SMALL, **changes})
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
    config = {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.42.1"}
    plain = make_unet(name, **SMALL)
    plain.save_config(folder)
    write_json(folder / "config.json", {**{k: v for k, v in plain.config.items() if k != "_use_default_values"}, **config, **changes})
    write_json(folder / "case.json", {"what": what, "versions": versions(), "settings": {"config": changes}, "error": text})


def main():
    make("heads-as-number", "attention_head_dim as an int: the number of heads (a name that diffusers kept from a mistake)", attention_head_dim=4, contrast={"attention_head_dim": 1})
    make("heads-by-level", "attention_head_dim as a list: the number of heads of each level", attention_head_dim=[1, 4], contrast={"attention_head_dim": [2, 2]}, **BOTH)
    make(
        "heads-that-do-not-divide", "3 heads over 4 and 8 channels: the transformers are 3 and 6 wide inside", attention_head_dim=3, **BOTH,
    )
    refused("heads-named", "num_attention_heads is refused by diffusers, whatever it says", num_attention_heads=4)
    make(
        "attention-without-text", "AttnDownBlock2D and AttnUpBlock2D: attention to itself alone, attention_head_dim is the width of a head",
        attention_head_dim=2, contrast={"attention_head_dim": 4}, down_block_types=("AttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "AttnUpBlock2D"),
    )
    make("only-cross-attention", "only_cross_attention as a bool: the first attention reads the text too, in the middle as well", only_cross_attention=True, **BOTH)
    make("only-cross-attention-by-level", "only_cross_attention as a list, with the middle's own", only_cross_attention=[True, False], mid_block_only_cross_attention=True, **BOTH)
    make("only-cross-attention-but-middle", "only_cross_attention true, mid_block_only_cross_attention false", only_cross_attention=True, mid_block_only_cross_attention=False)
    make("scale-shift", "resnet_time_scale_shift scale_shift: time scales and shifts the second norm", resnet_time_scale_shift="scale_shift")
    make("linear-projection", "use_linear_projection over two levels", use_linear_projection=True, upcast_attention=True, **BOTH)
    make("time-cond", "time_cond_proj_dim: a guidance embedding joins the time before its first layer (LCM)", time_cond_proj_dim=6)
    make("text-time", "addition_embed_type text_time alone, convolutions around the transformers", addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=6 * 4 + 5)
    make("depth-2", "transformer_layers_per_block as an int", transformer_layers_per_block=2)
    make("depth-by-level", "transformer_layers_per_block as a list", transformer_layers_per_block=[1, 2], **BOTH)
    make(
        "depth-nested", "transformer_layers_per_block by layer, with reverse_transformer_layers_per_block, and UNetMidBlock2D (SSD-1B)",
        layers_per_block=2, transformer_layers_per_block=[1, [2, 1]], reverse_transformer_layers_per_block=[[1, 2, 1], 1],
        mid_block_type="UNetMidBlock2D", use_linear_projection=True, **BOTH,
    )
    make("layers-by-level", "layers_per_block as a list", layers_per_block=[1, 2], **BOTH)
    make("middle-without-attention", "mid_block_type UNetMidBlock2D: one resnet and nothing else", mid_block_type="UNetMidBlock2D")
    make("middle-null", "mid_block_type null: no middle", mid_block_type=None)
    make("kernels", "conv_in_kernel 1 and conv_out_kernel 1", conv_in_kernel=1, conv_out_kernel=1)
    make("kernels-5", "conv_in_kernel 5", conv_in_kernel=5)
    make("text-dim-by-level", "cross_attention_dim as a list", cross_attention_dim=[8, 8], **BOTH)
    make("text-projection", "encoder_hid_dim with encoder_hid_dim_type text_proj: a linear layer before the text states", encoder_hid_dim=12, encoder_hid_dim_type="text_proj")
    make("groups-1", "norm_num_groups 1 and norm_eps 1e-2", norm_num_groups=1, norm_eps=1e-2, contrast={"norm_eps": 1e-5})
    make("gelu", "act_fn gelu", act_fn="gelu", contrast={"act_fn": "silu"})
    make("mish", "act_fn mish", act_fn="mish", contrast={"act_fn": "silu"})
    make("relu", "act_fn relu", act_fn="relu", contrast={"act_fn": "silu"})
    make("time-sines-first", "flip_sin_to_cos false and freq_shift 1", flip_sin_to_cos=False, freq_shift=1, contrast={"flip_sin_to_cos": True})
    make("time-wide", "time_embedding_dim 20 in place of 4 × the first width", time_embedding_dim=20)
    make("time-post-act", "timestep_post_act and time_embedding_act_fn", timestep_post_act="silu", time_embedding_act_fn="gelu", contrast={"timestep_post_act": None})
    make("centered", "center_input_sample: the latents become 2x − 1", center_input_sample=True, contrast={"center_input_sample": False})
    make("downsample-padding-0", "downsample_padding 0: pads below and to the right", downsample_padding=0, contrast={"downsample_padding": 1})
    make("mid-scale", "mid_block_scale_factor 2: residuals of the middle's resnets are divided by it", mid_block_scale_factor=2.0, contrast={"mid_block_scale_factor": 1})
    make("input-9", "in_channels 9, as inpainting has it", in_channels=9)
    make("output-8", "out_channels 8", out_channels=8)
    make("odd-sizes", "sizes that do not halve evenly, over three levels", block_out_channels=(4, 8, 8), layers_per_block=1, attention_head_dim=2, batch=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        sizes=((5, 7), (9, 6), (7, 3), (8, 12), (1, 1), (2, 5), (13, 10)))
    make("odd-sizes-xl", "the same with text_time and no attention in the first level", block_out_channels=(4, 8, 8), layers_per_block=2, attention_head_dim=[1, 2, 4], batch=2,
        transformer_layers_per_block=[1, 1, 2], use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=6 * 4 + 5,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        sizes=((6, 9), (11, 5)))
    make("odd-sizes-no-padding", "odd sizes with downsample_padding 0", downsample_padding=0, batch=1, sizes=((5, 7), (6, 4)))
    make("everything", "many settings at once", attention_head_dim=[1, 2], only_cross_attention=[False, True], resnet_time_scale_shift="scale_shift", use_linear_projection=True,
        upcast_attention=True, time_cond_proj_dim=5, transformer_layers_per_block=[2, 1], layers_per_block=[2, 1], mid_block_only_cross_attention=False, conv_in_kernel=1,
        act_fn="gelu", flip_sin_to_cos=False, freq_shift=1, addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=6 * 4 + 5,
        sizes=((7, 5),), **BOTH)


if __name__ == "__main__":
    main()
