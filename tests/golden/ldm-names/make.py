"""Writes <network>.tsv: which tensor of a single-file checkpoint is which of diffusers'. How to run it: README.md.

The foreign side are the authors' own modules (Stability-AI/generative-models, open_clip, transformers), never allocated; ours
are the modules of diffusers and transformers. Between them stand the converters behind diffusers' from_single_file. Every
foreign tensor is filled with numbers that tell which it is and which row, so what a converter made of it can be read off.
"""

import sys
import types
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as single_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

HERE = Path(__file__).parent
SOURCE = Path(sys.argv[1])  # a clone of generative-models
ROWS = 2**17  # more than any tensor has

# The package's __init__ imports trainers; only its modules are wanted.
for name in ("sgm", "sgm.modules", "sgm.modules.diffusionmodules"):
    package = types.ModuleType(name)
    package.__path__ = [str(SOURCE / name.replace(".", "/"))]
    sys.modules[name] = package
from sgm.modules.diffusionmodules.model import Decoder, Encoder  # noqa: E402
from sgm.modules.diffusionmodules.openaimodel import UNetModel  # noqa: E402

SD = dict(in_channels=4, out_channels=4, model_channels=320, num_res_blocks=2)
LDM_UNETS = {
    "sd1-unet": dict(**SD, attention_resolutions=[4, 2, 1], channel_mult=[1, 2, 4, 4], num_heads=8, transformer_depth=1, context_dim=768),
    "sd2-unet": dict(
        **SD, attention_resolutions=[4, 2, 1], channel_mult=[1, 2, 4, 4], num_head_channels=64, transformer_depth=1, context_dim=1024,
        use_linear_in_transformer=True,
    ),
    "sdxl-unet": dict(
        **SD, attention_resolutions=[4, 2], channel_mult=[1, 2, 4], num_head_channels=64, transformer_depth=[1, 2, 10], context_dim=2048,
        use_linear_in_transformer=True, num_classes="sequential", adm_in_channels=2816,
    ),
    # One level of three attends, three layers each.
    "odd-unet": dict(
        in_channels=4, out_channels=4, model_channels=32, num_res_blocks=3, attention_resolutions=[2], channel_mult=[1, 2, 3], num_heads=2,
        transformer_depth=1, context_dim=24,
    ),
}
CROSS, PLAIN = "CrossAttn{}Block2D", "{}Block2D"


def blocks(down, *attends):
    return [(CROSS if attend else PLAIN).format("Down" if down else "Up") for attend in attends]


UNETS = {
    "sd1-unet": dict(
        block_out_channels=[320, 640, 1280, 1280], down_block_types=blocks(True, 1, 1, 1, 0), up_block_types=blocks(False, 0, 1, 1, 1),
        cross_attention_dim=768, attention_head_dim=8, layers_per_block=2,
    ),
    "sd2-unet": dict(
        block_out_channels=[320, 640, 1280, 1280], down_block_types=blocks(True, 1, 1, 1, 0), up_block_types=blocks(False, 0, 1, 1, 1),
        cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True, layers_per_block=2,
    ),
    "sdxl-unet": dict(
        block_out_channels=[320, 640, 1280], down_block_types=blocks(True, 0, 1, 1), up_block_types=blocks(False, 1, 1, 0),
        cross_attention_dim=2048, attention_head_dim=[5, 10, 20], use_linear_projection=True, layers_per_block=2,
        transformer_layers_per_block=[1, 2, 10], addition_embed_type="text_time", addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    ),
    "odd-unet": dict(
        block_out_channels=[32, 64, 96], down_block_types=blocks(True, 0, 1, 0), up_block_types=blocks(False, 0, 1, 0),
        cross_attention_dim=24, attention_head_dim=2, layers_per_block=3,
    ),
}


def marked(state):
    """The tensors of a state dict, each number telling its tensor and its row; only the first axis takes memory."""
    tensors = {}
    for index, (name, tensor) in enumerate(state.items()):
        shape = tuple(tensor.shape)
        first = shape[0] if shape else 1
        column = index * ROWS + torch.arange(first, dtype=torch.int64)
        tensors[name] = column.reshape(-1, *[1] * (len(shape) - 1)).expand(shape) if shape else column[0]
    return tensors


def shown(shape):
    return "x".join(map(str, shape))


def write(network, foreign, converted, module, prefix=""):
    """A line for each tensor of ours: foreign name, its shape, our name, our shape, first row, whether it is transposed. Then
    a line of a name and a shape for each foreign tensor that nothing is made of."""
    ours = {name.removeprefix("text_model."): tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    names = list(foreign)
    lines, used = [], set()
    for name, tensor in converted.items():
        if name.removeprefix("text_model.") not in ours:
            continue  # what a text encoder has too much is dropped when it is loaded
        first = tensor[(0,) * tensor.ndim].item()
        index, row = divmod(first, ROWS)
        transposed = tensor.ndim == 2 and tensor[0, -1].item() != first
        source = names[index]
        used.add(source)
        shape = ours.pop(name.removeprefix("text_model."))
        assert tuple(tensor.shape) == shape, name
        fields = [source.removeprefix(prefix), shown(foreign[source].shape), name.removeprefix("text_model."), shown(shape), row, int(transposed)]
        lines.append("\t".join(map(str, fields)) + "\n")
    assert not ours, ours
    lines += [f"{name.removeprefix(prefix)}\t{shown(foreign[name].shape)}\n" for name in names if name not in used]
    (HERE / f"{network}.tsv").write_text("".join(lines))
    print(network, len(lines), sum(tensor.numel() for tensor in module.parameters()))


def unet(name):
    with torch.device("meta"):
        ldm = UNetModel(spatial_transformer_attn_type="softmax", **LDM_UNETS[name])
        module = UNet2DConditionModel(**UNETS[name])
    foreign = marked({f"model.diffusion_model.{key}": value for key, value in ldm.state_dict().items()})
    write(name, foreign, single_file.convert_ldm_unet_checkpoint(foreign, module.config), module, "model.diffusion_model.")


class LdmAutoencoder(torch.nn.Module):
    """Encoder and decoder as sgm's AutoencodingEngine and LDM's AutoencoderKL put them together."""

    def __init__(self):
        super().__init__()
        config = dict(
            double_z=True, z_channels=4, resolution=256, in_channels=3, out_ch=3, ch=128, ch_mult=[1, 2, 4, 4], num_res_blocks=2,
            attn_resolutions=[], dropout=0.0, attn_type="vanilla",
        )
        self.encoder, self.decoder = Encoder(**config), Decoder(**config)
        self.quant_conv, self.post_quant_conv = torch.nn.Conv2d(8, 8, 1), torch.nn.Conv2d(4, 4, 1)


def vae():
    with torch.device("meta"):
        ldm = LdmAutoencoder()
        module = AutoencoderKL(
            down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, block_out_channels=[128, 256, 512, 512],
            layers_per_block=2, latent_channels=4,
        )
    foreign = marked({f"first_stage_model.{key}": value for key, value in ldm.state_dict().items()})
    write("vae", foreign, single_file.convert_ldm_vae_checkpoint(foreign, module.config), module, "first_stage_model.")


def clip():
    config = CLIPTextConfig(
        hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, vocab_size=49408, max_position_embeddings=77,
        projection_dim=768,
    )
    with torch.device("meta"):
        module = CLIPTextModel(config)
    prefix = "cond_stage_model.transformer."
    names = {f"{prefix}text_model.{key.removeprefix('text_model.')}": value for key, value in module.state_dict().items()}
    foreign = marked({**names, f"{prefix}text_model.embeddings.position_ids": torch.empty(1, 77)})
    write("clip-l", foreign, single_file.convert_ldm_clip_checkpoint(foreign), module, prefix)


def open_clip(network, architecture, prefix, build, layers, **sizes):
    import open_clip as library

    with torch.device("meta"):
        ldm = library.CLIP(**{key: value for key, value in library.get_model_config(architecture).items() if key != "custom_text"})
        del ldm.visual  # as FrozenOpenCLIPEmbedder does
        module = build(CLIPTextConfig(num_hidden_layers=layers, vocab_size=49408, max_position_embeddings=77, hidden_act="gelu", **sizes))
    foreign = marked({prefix + key: value for key, value in ldm.state_dict().items()})
    write(network, foreign, single_file.convert_open_clip_checkpoint(module, foreign, prefix=prefix), module, prefix)


for name in UNETS:
    unet(name)
vae()
clip()
open_clip(
    "open-clip-h", "ViT-H-14", "cond_stage_model.model.", CLIPTextModel, 23, hidden_size=1024, intermediate_size=4096, num_attention_heads=16,
    projection_dim=512,
)
open_clip(
    "open-clip-g", "ViT-bigG-14", "conditioner.embedders.1.model.", CLIPTextModelWithProjection, 32, hidden_size=1280, intermediate_size=5120,
    num_attention_heads=20, projection_dim=1280,
)
