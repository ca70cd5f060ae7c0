"""Names of latent diffusion's original code for modules that diffusers names otherwise; the inverse of what `from_single_file` does."""

import re

RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3", "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
TOP = {
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2", "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
}


def unet_name(name, config):
    """A module or tensor of `UNet2DConditionModel` → its name under `model.diffusion_model.`"""
    for ours, theirs in TOP.items():
        if name == ours or name.startswith(ours + "."):
            return theirs + name[len(ours):]
    layers = config.layers_per_block + 1
    middle = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name)
    if middle:
        kind, index, rest = middle.groups()
        return f"middle_block.{1 if kind == 'attentions' else 2 * int(index)}.{inner(kind, rest)}"
    side, block, kind, index, rest = re.fullmatch(
        r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name
    ).groups()
    block, index = int(block), int(index)
    if side == "down":
        if kind == "downsamplers":
            return f"input_blocks.{(block + 1) * layers}.0.{rest.replace('conv', 'op', 1)}"
        return f"input_blocks.{block * layers + index + 1}.{0 if kind == 'resnets' else 1}.{inner(kind, rest)}"
    if kind == "upsamplers":
        place = 2 if "CrossAttn" in config.up_block_types[block] else 1
        return f"output_blocks.{(block + 1) * layers - 1}.{place}.{rest}"
    return f"output_blocks.{block * layers + index}.{0 if kind == 'resnets' else 1}.{inner(kind, rest)}"


def inner(kind, rest):
    if kind != "resnets":
        return rest
    part, _, tail = rest.partition(".")
    return RESNET[part] + ("." + tail if tail else "")


def vae_name(name, levels):
    """A tensor of `AutoencoderKL` → its name under `first_stage_model.`"""
    name = re.sub(r"^(en|de)coder\.conv_norm_out\.", r"\1coder.norm_out.", name)
    name = re.sub(r"^encoder\.down_blocks\.(\d+)\.resnets\.(\d+)\.", r"encoder.down.\1.block.\2.", name)
    name = re.sub(r"^encoder\.down_blocks\.(\d+)\.downsamplers\.0\.", r"encoder.down.\1.downsample.", name)
    up = re.match(r"^decoder\.up_blocks\.(\d+)\.(.+)", name)
    if up:
        level, rest = levels - 1 - int(up[1]), up[2]
        rest = re.sub(r"^resnets\.(\d+)\.", r"block.\1.", rest).replace("upsamplers.0.", "upsample.")
        name = f"decoder.up.{level}.{rest}"
    name = re.sub(r"\.mid_block\.resnets\.(\d)\.", lambda found: f".mid.block_{int(found[1]) + 1}.", name)
    name = name.replace(".mid_block.attentions.0.", ".mid.attn_1.").replace(".conv_shortcut.", ".nin_shortcut.")
    for ours, theirs in (("group_norm.", "norm."), ("to_q.", "q."), ("to_k.", "k."), ("to_v.", "v."), ("to_out.0.", "proj_out.")):
        name = name.replace(f".mid.attn_1.{ours}", f".mid.attn_1.{theirs}")
    return name
