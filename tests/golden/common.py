"""What the makers of the golden cases share: tiny models with noisy weights, a real CLIP tokenizer, files.

Each `<topic>/make.py` writes `<topic>/<case>/`: the files of a model as the reference library writes them, `golden.safetensors`
with inputs and expected outputs, and `case.json` that says what they are.
"""

import hashlib
import json
import logging
import math
import platform
import re
import shutil
import warnings
from pathlib import Path

import accelerate
import diffusers
import numpy
import peft
import safetensors
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

GOLDEN = Path(__file__).parent
START, END = "<|startoftext|>", "<|endoftext|>"
MAX_POSITIONS = 77

torch.set_num_threads(1)
torch.set_grad_enabled(False)
warnings.filterwarnings("ignore")
for library in (diffusers.utils.logging, transformers.utils.logging):
    library.set_verbosity_error()
    library.disable_progress_bar()
logging.disable(logging.WARNING)


def versions():
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
        "safetensors": safetensors.__version__,
        "accelerate": accelerate.__version__,
        "numpy": numpy.__version__,
    }


# Noise


def generator(name):
    """A source of noise that is the same each time the makers run."""
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"))


def noise(name, *shape, scale=1.0):
    return torch.randn(shape, generator=generator(name)) * scale


def fill(model, name, storage=torch.float16):
    """Noise in every weight, zero-initialised layers included, scaled so that activations stay near 1.

    Values are rounded to what `storage` holds; the model computes with them in float32.
    """
    for key, weight in model.named_parameters():
        values = noise(f"{name}/{key}", *weight.shape)
        if weight.dim() >= 2 and "embedding.weight" in key and "embeddings." in key:
            values *= 0.4 if "position" in key else 0.8
        elif weight.dim() >= 2:
            sharp = 1.6 if any(part in key for part in ("to_q.", "to_k.", "q_proj.", "k_proj.")) else 1.0
            values *= sharp / math.sqrt(weight[0].numel())
        elif "norm" in key and key.endswith("weight"):
            values = 1 + 0.2 * values
        else:
            values *= 0.2
        weight.copy_(values.to(storage))
    return model.float().eval()


# A tokenizer


WORDS = (
    "a the of in and red fox snow castle photo cat night forest painting watercolor blurry low quality portrait "
    "old house sea light"
).split()


def byte_letters():
    """GPT-2's letter for each byte, in the order of CLIP's vocabulary."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) for byte in shown] + [chr(256 + i) for i in range(len(hidden))]


def vocabulary():
    """Ids by piece, and merges: letters, letters that end a word, pairs of some words, the two marks."""
    letters = byte_letters()
    merges = []
    for word in WORDS:
        pieces = [*word[:-1], word[-1] + "</w>"]
        for merge in merges:
            pieces = merged(pieces, merge)
        while len(pieces) > 1:
            merges.append((pieces[0], pieces[1]))
            pieces = merged(pieces, merges[-1])
    pieces = [*letters, *(letter + "</w>" for letter in letters), *("".join(merge) for merge in merges), START, END]
    assert len(set(pieces)) == len(pieces) < 600, len(pieces)
    return {piece: index for index, piece in enumerate(pieces)}, merges


def merged(pieces, merge):
    result = []
    for piece in pieces:
        if result and (result[-1], piece) == merge:
            result[-1] += piece
        else:
            result.append(piece)
    return result


VOCABULARY, MERGES = vocabulary()


def spelt_out(content):
    return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}


def write_tokenizer(folder, pad_token=END):
    """The four files that published folders hold (transformers 5 itself would write one `tokenizer.json`)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "vocab.json", VOCABULARY, indent=None)
    lines = ["#version: 0.2", *(" ".join(merge) for merge in MERGES)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = {
        "add_prefix_space": False,
        "bos_token": {"__type": "AddedToken", **spelt_out(START)},
        "do_lower_case": True,
        "eos_token": {"__type": "AddedToken", **spelt_out(END)},
        "errors": "replace",
        "model_max_length": MAX_POSITIONS,
        "pad_token": pad_token,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": {"__type": "AddedToken", **spelt_out(END)},
    }
    write_json(folder / "tokenizer_config.json", config)
    special = {"bos_token": spelt_out(START), "eos_token": spelt_out(END), "pad_token": pad_token}
    write_json(folder / "special_tokens_map.json", {**special, "unk_token": spelt_out(END)})
    return CLIPTokenizer.from_pretrained(folder)


# Models


def text_config(**changes):
    return CLIPTextConfig(
        **{
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "vocab_size": len(VOCABULARY),
            "max_position_embeddings": MAX_POSITIONS,
            "bos_token_id": VOCABULARY[START],
            "eos_token_id": VOCABULARY[END],
            "pad_token_id": 1,
            "projection_dim": 16,
            **changes,
        }
    )


def make_unet(name, storage=torch.float16, **changes):
    config = {
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 2,
        "cross_attention_dim": 16,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        **changes,
    }
    return fill(UNet2DConditionModel(**config), name, storage)


def make_vae(name, storage=torch.float16, **changes):
    config = {
        "sample_size": 16,
        "block_out_channels": (4, 8),
        "layers_per_block": 1,
        "norm_num_groups": 2,
        "latent_channels": 4,
        "scaling_factor": 0.18215,
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        **changes,
    }
    return fill(AutoencoderKL(**config), name, storage)


def make_text(name, projected=False, storage=torch.float16, **changes):
    model = CLIPTextModelWithProjection if projected else CLIPTextModel
    return fill(model(text_config(**changes)), name, storage)


# Files


def write_json(path, value, indent=2):
    """Lists of numbers on one line."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    text = re.sub(r"\[[-+\d.,e\s]*\]", lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text)
    path.write_text(text + "\n", encoding="utf-8")


def new_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_case(folder, what, tensors, settings, tolerance=1e-4, model=".", **more):
    """`tensors`: name → (tensor, what it is)."""
    kept, described = {}, {}
    for name, (values, description) in tensors.items():
        values = torch.as_tensor(values).detach()
        assert values.isfinite().all(), f"{folder}: {name} is not finite"
        kept[name] = values.to(torch.float32).contiguous().clone()
        described[name] = {"shape": list(kept[name].shape), "what": description}
    save_file(kept, folder / "golden.safetensors")
    case = {"what": what, "versions": versions(), "model": model, "settings": settings, "tolerance": tolerance}
    write_json(folder / "case.json", {**case, **more, "tensors": described})
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder.relative_to(GOLDEN)}: {size / 1000:.0f} kB")


def difference(ours, theirs):
    """‖ours − theirs‖ / ‖theirs‖."""
    ours, theirs = torch.as_tensor(ours).double(), torch.as_tensor(theirs).double()
    return float((ours - theirs).norm() / theirs.norm())


def must_matter(what, changed, expected):
    """A case that does not depend on what it is about proves nothing."""
    apart = difference(changed, expected)
    assert apart > 1e-2, f"{what}: without it the output moves by only {apart:.1e}"
    return float(f"{apart:.3g}")
