"""Writes low-rank adapters in every spelling over the models of ../families, and what diffusers does with them. README.md says how to run it."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
import transformers.integrations.peft
from common import GOLDEN, difference, must_matter, new_folder, noise, versions, write_case, write_json
from ldm import unet_name
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import convert_state_dict_to_diffusers
from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
PROMPT = "a red fox in the snow, watercolor painting"
TIMESTEP = 621

PATCHED = f"transformers asks for peft >= {transformers.integrations.peft.MIN_PEFT_VERSION}, which is not published; asked for 0.21.2 instead"
transformers.integrations.peft.MIN_PEFT_VERSION = "0.21.2"


@dataclass
class Entry:
    """One module's change: W + strength · (alpha / rank) · up · down, by the definition of its format."""

    part: str
    module: str
    down: torch.Tensor
    up: torch.Tensor
    alpha: float | None = None
    mid: torch.Tensor | None = None
    magnitude: torch.Tensor | None = None
    scale: float | None = None  # where it is not alpha / rank

    @property
    def rank(self):
        return self.down.shape[0]


# Bases


def open_base(base):
    kind = StableDiffusionXLPipeline if base == "sdxl" else StableDiffusionPipeline
    pipe = kind.from_pretrained(GOLDEN / "families" / base, torch_dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


BASES = {name: open_base(name) for name in ("sd1", "sdxl")}
FAMILY = {name: load_file(GOLDEN / "families" / name / "golden.safetensors") for name in BASES}


def module_of(pipe, part, module):
    """By diffusers' name; transformers 5 has no `text_model.` in CLIPTextModel, and has it in CLIPTextModelWithProjection."""
    root = getattr(pipe, part)
    if part == "text_encoder_2" and module != "text_projection":
        module = "text_model." + module
    return root.get_submodule(module)


def weight_of(pipe, part, module):
    found = module_of(pipe, part, module)
    return getattr(found, "base_layer", found).weight


def entry(base, name, part, module, rank=3, alpha=None, cp=False):
    weight = weight_of(BASES[base], part, module)
    key = f"{name}/{part}/{module}"
    out, into, *kernel = weight.shape
    mid = None
    if cp:
        mid = noise(key + "/mid", rank, rank, *kernel, scale=(rank * np.prod(kernel)) ** -0.5)
        down, up = noise(key + "/down", rank, into, 1, 1, scale=into**-0.5), noise(key + "/up", out, rank, 1, 1, scale=0.8)
    elif kernel:
        down = noise(key + "/down", rank, into, *kernel, scale=(into * np.prod(kernel)) ** -0.5)
        up = noise(key + "/up", out, rank, 1, 1, scale=0.8)
    else:
        down, up = noise(key + "/down", rank, into, scale=into**-0.5), noise(key + "/up", out, rank, scale=0.8)
    return Entry(part, module, down, up, alpha, mid)


T = "transformer_blocks.0"
SD1_ATTENTION = [
    f"down_blocks.0.attentions.0.{T}.attn1.to_q", f"down_blocks.0.attentions.0.{T}.attn2.to_k", f"mid_block.attentions.0.{T}.attn2.to_v",
    f"mid_block.attentions.0.{T}.attn1.to_out.0", f"up_blocks.1.attentions.1.{T}.attn2.to_q", f"up_blocks.1.attentions.0.{T}.attn2.to_out.0",
]
SD1_FEED = [f"mid_block.attentions.0.{T}.ff.net.0.proj", f"up_blocks.1.attentions.0.{T}.ff.net.2"]
SD1_PROJECTIONS = ["down_blocks.0.attentions.0.proj_in", "up_blocks.1.attentions.1.proj_out"]
SD1_CONVOLUTIONS = [
    "conv_in", "down_blocks.0.resnets.0.conv1", "down_blocks.0.downsamplers.0.conv", "down_blocks.1.resnets.0.conv_shortcut",
    "down_blocks.1.resnets.0.time_emb_proj", "mid_block.resnets.1.conv2", "up_blocks.0.upsamplers.0.conv", "up_blocks.1.resnets.1.conv1", "conv_out",
]
TEXT_ATTENTION = ["encoder.layers.0.self_attn.q_proj", "encoder.layers.0.self_attn.v_proj", "encoder.layers.1.self_attn.out_proj", "encoder.layers.0.self_attn.k_proj"]
TEXT_FEED = ["encoder.layers.0.mlp.fc1", "encoder.layers.1.mlp.fc2"]
XL_LINEAR = [
    f"down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q", f"down_blocks.1.attentions.0.{T}.attn2.to_k", "down_blocks.1.attentions.0.proj_in",
    f"mid_block.attentions.0.transformer_blocks.1.attn2.to_v", f"mid_block.attentions.0.{T}.ff.net.0.proj", f"up_blocks.0.attentions.1.{T}.attn1.to_out.0",
    f"up_blocks.0.attentions.0.transformer_blocks.1.ff.net.2", "up_blocks.0.attentions.1.proj_out",
]
XL_RESNETS = [
    "conv_in", "down_blocks.0.resnets.0.conv1", "down_blocks.0.downsamplers.0.conv", "down_blocks.1.resnets.0.conv_shortcut", "mid_block.resnets.0.conv2",
    "mid_block.resnets.1.time_emb_proj", "up_blocks.0.upsamplers.0.conv", "up_blocks.1.resnets.1.conv2", "up_blocks.1.resnets.0.conv_shortcut",
    "time_embedding.linear_1", "time_embedding.linear_2", "add_embedding.linear_1", "add_embedding.linear_2", "conv_out",
]
XL_TEXT = [
    ("text_encoder", "encoder.layers.0.self_attn.q_proj"), ("text_encoder", "encoder.layers.0.mlp.fc2"), ("text_encoder", "encoder.layers.0.self_attn.out_proj"),
    ("text_encoder_2", "encoder.layers.0.self_attn.out_proj"), ("text_encoder_2", "encoder.layers.0.mlp.fc1"), ("text_encoder_2", "encoder.layers.1.self_attn.v_proj"),
]


def sd1(name, unet=(), text=(), rank=3, alpha=None, **how):
    """`alpha`: a number, or one for each index."""
    places = [("unet", module) for module in unet] + [("text_encoder", module) for module in text]
    return listed("sd1", name, places, rank, alpha, **how)


def listed(base, name, places, rank=3, alpha=None, **how):
    at = lambda value, i: value(i) if callable(value) else value
    return [entry(base, name, part, module, at(rank, i), at(alpha, i), **how) for i, (part, module) in enumerate(places)]


# Truth: float64, without peft


def merged(base, adapters):
    """`adapters`: (entries, strength) in turn → the weights that they touch, in float64."""
    weights = {}
    for entries, strength in adapters:
        for item in entries:
            place = (item.part, item.module)
            weight = weights.get(place)
            if weight is None:
                weight = weight_of(BASES[base], *place).numpy().astype(np.float64)
            weights[place] = changed(weight, item, strength)
    return weights


def changed(weight, item, strength):
    double = lambda tensor: tensor.float().numpy().astype(np.float64)
    up, down = double(item.up), double(item.down)
    out, rank = up.shape[0], item.rank
    if item.mid is not None:
        delta = np.einsum("oa,abkl,bi->oikl", up.reshape(out, rank), double(item.mid), down.reshape(rank, -1))
    else:
        delta = (up.reshape(out, rank) @ down.reshape(rank, -1)).reshape(weight.shape)
    scale = item.scale if item.scale is not None else (rank if item.alpha is None else item.alpha) / rank
    whole = weight + strength * scale * delta
    if item.magnitude is None:
        return whole
    magnitude = double(item.magnitude)
    by_input = magnitude.shape[0] == 1 and out != 1
    axes = (0, *range(2, weight.ndim)) if by_input else tuple(range(1, weight.ndim))
    norm = np.sqrt((whole**2).sum(axis=axes, keepdims=True))
    return magnitude.reshape(norm.shape) * whole / norm


# Spellings


def kohya(entries, unet="lora_unet_", text="lora_te_", text_1="lora_te1_", text_2="lora_te2_", text_model="text_model_", ldm=None, xl=False, alphas=True):
    """`ldm`: the UNet's config, for names by block number."""
    file = {}
    for item in entries:
        if item.part == "unet":
            name = unet + (unet_name(item.module, ldm) if ldm else item.module).replace(".", "_")
        else:
            prefix = {"text_encoder": text_1 if xl else text, "text_encoder_2": text_2}[item.part]
            name = prefix + ("" if item.module == "text_projection" else text_model) + item.module.replace(".", "_")
        file[f"{name}.lora_down.weight"], file[f"{name}.lora_up.weight"] = item.down, item.up
        if item.mid is not None:
            file[f"{name}.lora_mid.weight"] = item.mid
        if alphas and item.alpha is not None:
            file[f"{name}.alpha"] = torch.tensor(float(item.alpha))
        if item.magnitude is not None:
            file[f"{name}.dora_scale"] = item.magnitude
    return file


def dotted(entries, down=".lora_A.weight", up=".lora_B.weight", unet="unet.", text="text_encoder.", text_2="text_encoder_2.", text_model="text_model."):
    file = {}
    for item in entries:
        prefix = {"unet": unet, "text_encoder": text + text_model, "text_encoder_2": text_2 + text_model}[item.part]
        if item.module == "text_projection":
            prefix = text_2
        file[prefix + item.module + down], file[prefix + item.module + up] = item.down, item.up
        if item.magnitude is not None:
            file[prefix + item.module + ".lora_magnitude_vector"] = item.magnitude
    return file


def old_processors(entries, unet="unet.", text="text_encoder.text_model."):
    """diffusers 0.11 to 0.20: attention processors, to_out_lora for to_out.0, and CLIP's projections under the UNet's names."""
    file = {}
    for item in entries:
        module, _, leaf = item.module.rpartition(".")
        if item.part == "unet":
            if leaf == "0":
                module, _, leaf = module.rpartition(".")
            name = f"{unet}{module}.processor.{leaf}_lora"
        else:
            name = f"{text}{module}.to_{leaf.removesuffix('_proj')}_lora"
        file[f"{name}.down.weight"], file[f"{name}.up.weight"] = item.down, item.up
    return file


def store(folder, tensors, name="adapter.safetensors", metadata=None):
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, folder / name, metadata=metadata)


def store_by_diffusers(folder, base, entries, raw=False, name="pytorch_lora_weights.safetensors", configs=None, dora=False):
    """As training scripts do: peft holds the adapter, `save_lora_weights` writes it. `raw`: without convert_state_dict_to_diffusers."""
    pipe = open_base(base)
    layers, configs = {}, configs or {}
    for part in dict.fromkeys(item.part for item in entries):
        own = [item for item in entries if item.part == part]
        config = LoraConfig(
            target_modules=[item.module for item in own], use_dora=dora,
            **{"r": own[0].rank, "lora_alpha": own[0].rank, "init_lora_weights": False, **configs.get(part, {})},
        )
        model = getattr(pipe, part)
        model.add_adapter(config)
        for item in own:
            layer = module_of(pipe, part, item.module)
            layer.lora_A["default"].weight.copy_(item.down)
            layer.lora_B["default"].weight.copy_(item.up)
            if dora:
                layer.lora_magnitude_vector["default"].weight.copy_(item.magnitude.reshape(layer.lora_magnitude_vector["default"].weight.shape))
        state = get_peft_model_state_dict(model)
        layers[f"{part}_lora_layers"] = state if raw else convert_state_dict_to_diffusers(state)
        if part in configs:
            kept = model.peft_config["default"].to_dict()
            layers[f"{part}_lora_adapter_metadata"] = {key: plain(value) for key, value in kept.items() if key in METADATA}
    type(pipe).save_lora_weights(folder, weight_name=name, **layers)


METADATA = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "target_modules", "use_dora", "use_rslora", "lora_bias", "bias", "peft_type")


def plain(value):
    return sorted(value) if isinstance(value, set) else value


def store_by_peft(folder, base, entries, **config):
    """get_peft_model(unet).save_pretrained: adapter_config.json and adapter_model.safetensors."""
    pipe = open_base(base)
    model = get_peft_model(pipe.unet, LoraConfig(target_modules=[item.module for item in entries], init_lora_weights=False, **config))
    for item in entries:
        layer = pipe.unet.get_submodule(item.module)
        layer.lora_A["default"].weight.copy_(item.down)
        layer.lora_B["default"].weight.copy_(item.up)
        if item.magnitude is not None:
            layer.lora_magnitude_vector["default"].weight.copy_(item.magnitude.reshape(layer.lora_magnitude_vector["default"].weight.shape))
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)


# Outputs


def outputs(base, pipe):
    family = FAMILY[base]
    found = pipe.encode_prompt(PROMPT, "cpu", 1, False) if base == "sd1" else pipe.encode_prompt(PROMPT, do_classifier_free_guidance=False)
    result = {"text.prompt": found[0]}
    added = None
    if base == "sdxl":
        result["pooled.prompt"] = found[2]
        added = {"text_embeds": family["pooled.prompt"], "time_ids": family["unet.time_ids"]}
    result["unet.prediction"] = pipe.unet(family["unet.latents"], TIMESTEP, family["text.prompt"], added_cond_kwargs=added).sample
    return result


def through_truth(base, weights):
    pipe = open_base(base)
    for (part, module), weight in weights.items():
        weight_of(pipe, part, module).copy_(torch.from_numpy(weight))
    return outputs(base, pipe)


def through_diffusers(base, files, places, into_unet=False):
    """`files`: (path, strength) → outputs with the adapters beside the weights, and the weights after fuse_lora."""
    pipe = open_base(base)
    names = [f"adapter_{i}" for i in range(len(files))]
    for name, (path, _) in zip(names, files):
        if into_unet:
            pipe.unet.load_lora_adapter(path.parent, weight_name=path.name, adapter_name=name, prefix=None)
        else:
            pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name, low_cpu_mem_usage=False)
    if any(strength != 1 for _, strength in files):
        pipe.set_adapters(names, [strength for _, strength in files])
    result = outputs(base, pipe)
    loaded = [part for part in ("unet", "text_encoder", "text_encoder_2") if getattr(getattr(pipe, part, None), "peft_config", None)]
    if not loaded:
        raise ValueError("load_lora_weights passes over the whole file without an error")
    pipe.fuse_lora(components=loaded, adapter_names=names)
    return result, {place: weight_of(pipe, *place).double().numpy() for place in places}


def through_peft(base, folder, strength, places):
    pipe = open_base(base)
    model = PeftModel.from_pretrained(pipe.unet, folder)
    if strength != 1:
        raise NotImplementedError
    result = outputs(base, pipe)
    model.merge_adapter()
    return result, {place: weight_of(pipe, *place).double().numpy() for place in places}


def write(name, what, base, adapters, files=None, by_peft=False, into_unet=False, tolerance=1e-4, **settings):
    """`adapters`: (entries, strength) in the order of `files`: (path, strength). Without files: adapter.safetensors of the case."""
    folder = HERE / name
    files = files or [(folder / "adapter.safetensors", adapters[0][1])]
    truth = merged(base, adapters)
    expected = through_truth(base, truth)
    facts = {"reference": "float64 merge by the format's definition, run by diffusers"}
    try:
        loaded, fused = through_peft(base, folder, 1, truth) if by_peft else through_diffusers(base, files, truth, into_unet)
        library = "peft" if by_peft else "diffusers (unet.load_lora_adapter, prefix None)" if into_unet else "diffusers"
        apart = {key: difference(loaded[key], expected[key]) for key in expected}
        base_weights = {place: weight_of(BASES[base], *place).double().numpy() for place in truth}
        delta = max(
            np.linalg.norm(fused[place] - truth[place]) / np.linalg.norm(truth[place] - base_weights[place]) for place in truth
        )
        facts[library] = {"outputs": {key: f"{value:.1e}" for key, value in apart.items()}, "largest difference of a change of weights": f"{delta:.1e}"}
        if max(apart.values()) < 1e-5 and delta < 1e-4:
            expected = loaded
            facts["reference"] = f"{library}; the float64 merge without peft agrees"
        else:
            facts["disagreement"] = f"{library} 0.42.1 reads this file otherwise than its format means it" if not by_peft else "peft differs"
    except Exception as error:
        facts["diffusers"] = {"refuses": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    plain_outputs = outputs(base, BASES[base])
    parts = {part for part, _ in truth}
    moved = {}
    for key in expected:
        touched = "unet" in parts if key == "unet.prediction" else bool(parts - {"unet"})
        if key == "pooled.prompt":
            touched = "text_encoder_2" in parts
        if touched:
            moved[key] = must_matter(f"{name}: {key}", plain_outputs[key], expected[key])
    described = {
        "text.prompt": "states for the UNet of `prompt` through the adapted text encoders",
        "pooled.prompt": "projected states of the second text encoder",
        "unet.prediction": "the adapted UNet on the family's own unet.latents and text.prompt (and pooled.prompt, unet.time_ids), the base's text states",
    }
    tensors = {key: (value, described[key]) for key, value in expected.items() if key in moved}
    small = sorted(truth, key=lambda place: truth[place].size)
    for part, module in chosen(small):
        tensors[f"weight.{part}.{module}"] = (torch.from_numpy(truth[part, module]), "weight after the merge, of the module so named by diffusers")
    relative = lambda path: str(path.relative_to(folder)) if path.is_relative_to(folder) else "../" + str(path.relative_to(HERE))
    shown = [{"file": relative(path), "strength": strength} for path, strength in files]
    if by_peft:
        shown = [{"file": ".", "strength": 1}]
    write_case(
        folder, what, tensors, {"prompt": PROMPT, "timestep": TIMESTEP, "adapters": shown, **settings}, tolerance, f"../../families/{base}",
        patched=PATCHED, **facts, sensitivity=moved,
    )
    if "disagreement" in facts or "refuses" in facts.get("diffusers", {}):
        print("   ", json.dumps({key: facts[key] for key in facts if key != "reference"})[:400])


def chosen(places):
    """A handful: one of each kind of module."""
    kinds = {}
    for part, module in places:
        kinds.setdefault((part, re.sub(r"\d+", "", module.split(".")[-1] + module.split(".")[-2] if "." in module else module)), (part, module))
    return list(kinds.values())[:7]


# Cases


def make_diffusers():
    unet = SD1_ATTENTION
    folder = new_folder(HERE / "diffusers")
    entries = sd1("diffusers", unet, TEXT_ATTENTION)
    store_by_diffusers(folder, "sd1", entries, name="adapter.safetensors")
    write("diffusers", "save_lora_weights as training scripts call it: to_k.lora.down and q_proj.lora_linear_layer.down", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "diffusers-mixed")
    entries = sd1("diffusers-mixed", unet + SD1_FEED + SD1_PROJECTIONS, TEXT_ATTENTION + TEXT_FEED)
    store_by_diffusers(folder, "sd1", entries, name="adapter.safetensors")
    write("diffusers-mixed", "the same with feed-forwards and projections, whose names stay lora_A and lora_B beside to_k.lora.down", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "diffusers-peft-names")
    entries = sd1("diffusers-peft-names", unet + SD1_FEED, TEXT_ATTENTION, rank=2)
    store_by_diffusers(folder, "sd1", entries, raw=True, name="adapter.safetensors")
    write("diffusers-peft-names", "save_lora_weights of peft's own names: unet.….lora_A.weight, and text names without text_model.", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "metadata-alpha")
    entries = sd1("metadata-alpha", unet[:4], TEXT_ATTENTION[:2], rank=4)
    for item in entries:
        item.alpha = 8 if item.part == "unet" else 1
    configs = {"unet": {"r": 4, "lora_alpha": 8}, "text_encoder": {"r": 4, "lora_alpha": 1}}
    store_by_diffusers(folder, "sd1", entries, name="adapter.safetensors", configs=configs)
    write("metadata-alpha", "alpha by network in the header's lora_adapter_metadata: 8 for the UNet, 1 for the text encoder, of rank 4", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "metadata-alpha-unet-only")
    entries = sd1("metadata-alpha-unet-only", unet[:4], TEXT_ATTENTION[:2], rank=4)
    for item in entries[:4]:
        item.alpha = 2
    configs = {"unet": {"r": 4, "lora_alpha": 2}, "text_encoder": {"r": 4, "lora_alpha": 4}}
    store_by_diffusers(folder, "sd1", entries, name="adapter.safetensors", configs=configs)
    write("metadata-alpha-unet-only", "alpha 2 for the UNet and 4 for the text encoder, of rank 4", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "metadata-rslora")
    entries = sd1("metadata-rslora", unet[:4], TEXT_ATTENTION[:2], rank=4)
    for item in entries:
        item.scale = 3 / 2 if item.part == "unet" else 6 / 4
    configs = {"unet": {"r": 4, "lora_alpha": 3, "use_rslora": True}, "text_encoder": {"r": 4, "lora_alpha": 6}}
    store_by_diffusers(folder, "sd1", entries, name="adapter.safetensors", configs=configs)
    write("metadata-rslora", "use_rslora for the UNet alone: alpha / √rank there, alpha / rank in the text encoder", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "metadata-patterns")
    ranks = [2, 4, 3, 3, 2, 5]
    entries = sd1("metadata-patterns", unet[:4], TEXT_ATTENTION[:2], rank=lambda i: ranks[i])
    alphas = [6, 1, 3, 3, 4, 10]
    for item, alpha in zip(entries, alphas):
        item.alpha = alpha
    configs = {
        "unet": {
            "r": 3, "lora_alpha": 3, "rank_pattern": {unet[0]: 2, "attn2.to_k": 4}, "alpha_pattern": {unet[0]: 6, "attn2.to_k": 1},
        },
        "text_encoder": {"r": 2, "lora_alpha": 4, "rank_pattern": {"layers.0.self_attn.v_proj": 5}, "alpha_pattern": {"layers.0.self_attn.v_proj": 10}},
    }
    store_by_diffusers(folder, "sd1", entries, name="adapter.safetensors", configs=configs)
    write("metadata-patterns", "rank_pattern and alpha_pattern by whole and by partial names, for both networks", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "dora-diffusers")
    entries = with_magnitudes("sd1", sd1("dora-diffusers", unet))
    store_by_diffusers(folder, "sd1", entries, name="adapter.safetensors", dora=True)
    write("dora-diffusers", "DoRA as diffusers writes it: lora_magnitude_vector", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "dora-diffusers-text")
    texts = with_magnitudes("sd1", sd1("dora-diffusers-text", unet[:2], TEXT_ATTENTION))
    store_by_diffusers(folder, "sd1", texts, name="adapter.safetensors", dora=True)
    write("dora-diffusers-text", "the same for the text encoder, whose magnitudes transformers 5.24.0 does not load", "sd1", [(texts, 1)])

    new_folder(HERE / "dora-strength")
    write("dora-strength", "the same at strength 0.6: peft scales the low-rank part before the norm, and keeps the magnitudes", "sd1", [(entries, 0.6)], [(HERE / "dora-diffusers" / "adapter.safetensors", 0.6)])


def with_magnitudes(base, entries, shape="out"):
    """Magnitudes of a third around the norms that the changed weights have."""
    for item in entries:
        weight = torch.from_numpy(changed(weight_of(BASES[base], item.part, item.module).numpy().astype(np.float64), item, 1))
        around = noise(f"magnitude/{item.part}/{item.module}/{shape}", weight.shape[1 if shape == "in" else 0])
        axes = [0, *range(2, weight.dim())] if shape == "in" else list(range(1, weight.dim()))
        norm = weight.pow(2).sum(dim=axes, keepdim=True).sqrt().float()
        item.magnitude = norm * (1 + 0.33 * around.reshape(norm.shape))
    return entries


def make_dotted():
    unet = SD1_ATTENTION
    for name, what, spelling, entries in (
        ("old-lora-down", "older diffusers: every name with .lora.down.weight, text with .lora_linear_layer.down.weight", "lora", sd1("old-lora-down", unet, TEXT_ATTENTION + TEXT_FEED)),
        ("old-lora-linear-layer", "older diffusers: feed-forwards and projections with .lora.down.weight, convolutions among them", "lora", sd1("old-lora-linear-layer", unet[:2] + SD1_FEED + SD1_PROJECTIONS)),
    ):
        folder = new_folder(HERE / name)
        on_unet = dotted([item for item in entries if item.part == "unet"], ".lora.down.weight", ".lora.up.weight")
        on_text = dotted([item for item in entries if item.part != "unet"], ".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight")
        store(folder, {**on_unet, **on_text})
        write(name, what, "sd1", [(entries, 1)])

    folder = new_folder(HERE / "old-processors")
    entries = sd1("old-processors", unet, TEXT_ATTENTION)
    store(folder, old_processors(entries))
    write("old-processors", "diffusers 0.11 to 0.20: attn1.processor.to_q_lora.down.weight, text with self_attn.to_q_lora", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "old-processors-no-prefix")
    entries = sd1("old-processors-no-prefix", unet)
    store(folder, old_processors(entries, unet=""))
    write("old-processors-no-prefix", "the first form of all: attention processors without `unet.`", "sd1", [(entries, 1)], into_unet=True)

    folder = new_folder(HERE / "no-prefix")
    entries = sd1("no-prefix", unet + SD1_FEED)
    store(folder, dotted(entries, unet=""))
    write("no-prefix", "lora_A and lora_B without a network's name: a UNet's by their names", "sd1", [(entries, 1)], into_unet=True)

    folder = new_folder(HERE / "peft-text-model")
    entries = sd1("peft-text-model", unet[:3], TEXT_ATTENTION + TEXT_FEED)
    store(folder, dotted(entries))
    write("peft-text-model", "peft's names with text_encoder.text_model., as written before transformers 5", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "peft-no-prefix-model")
    entries = sd1("peft-no-prefix-model", unet[:3] + SD1_FEED)
    store(folder, dotted(entries, unet="base_model.model."))
    write("peft-no-prefix-model", "base_model.model.… in a single file without a config: alpha is the rank", "sd1", [(entries, 1)])


def make_peft():
    places = SD1_ATTENTION + SD1_FEED + SD1_PROJECTIONS + SD1_CONVOLUTIONS[1:5]
    folder = new_folder(HERE / "peft-folder")
    entries = sd1("peft-folder", places, rank=3, alpha=5)
    store_by_peft(folder, "sd1", entries, r=3, lora_alpha=5)
    write("peft-folder", "get_peft_model(unet).save_pretrained: adapter_config.json with alpha 5 of rank 3, convolutions too", "sd1", [(entries, 1)], by_peft=True)

    folder = new_folder(HERE / "peft-folder-rslora")
    entries = sd1("peft-folder-rslora", SD1_ATTENTION, rank=4)
    for item in entries:
        item.scale = 5 / 2
    store_by_peft(folder, "sd1", entries, r=4, lora_alpha=5, use_rslora=True)
    write("peft-folder-rslora", "use_rslora: alpha 5 / √4", "sd1", [(entries, 1)], by_peft=True)

    folder = new_folder(HERE / "peft-folder-patterns")
    ranks, alphas = [2, 4, 3, 3, 3, 3], [6, 1, 3, 7, 3, 7]
    entries = sd1("peft-folder-patterns", SD1_ATTENTION, rank=lambda i: ranks[i], alpha=lambda i: alphas[i])
    store_by_peft(
        folder, "sd1", entries, r=3, lora_alpha=3, rank_pattern={SD1_ATTENTION[0]: 2, "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k": 4},
        alpha_pattern={"attn1.to_q": 6, "attn2.to_k": 1, r"to_out\.0": 7},
    )
    write("peft-folder-patterns", "rank_pattern and alpha_pattern, by whole name, by end and by a regular expression", "sd1", [(entries, 1)], by_peft=True)

    folder = new_folder(HERE / "peft-folder-dora")
    entries = with_magnitudes("sd1", sd1("peft-folder-dora", SD1_ATTENTION[:3] + SD1_PROJECTIONS + SD1_CONVOLUTIONS[1:3], rank=3, alpha=4))
    store_by_peft(folder, "sd1", entries, r=3, lora_alpha=4, use_dora=True)
    write("peft-folder-dora", "use_dora with convolutions", "sd1", [(entries, 1)], by_peft=True)


def make_kohya():
    places = SD1_ATTENTION + SD1_FEED
    text = TEXT_ATTENTION + TEXT_FEED
    folder = new_folder(HERE / "kohya")
    entries = sd1("kohya", places + SD1_PROJECTIONS, text, rank=4, alpha=2)
    store(folder, kohya(entries), metadata={"ss_network_dim": "4", "ss_network_alpha": "2.0", "ss_network_module": "networks.lora", "ss_base_model_version": "sd_v1"})
    write("kohya", "kohya's names with alpha 2 of rank 4 as a tensor", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "kohya-alphas")
    alphas, ranks = [1, 2, 8, 4, 3, 5, 6, 16, 1, 3, 2, 8, 5], [1, 2, 3, 4, 4, 4, 4, 4, 2, 4, 4, 3, 4]
    entries = sd1("kohya-alphas", places, text[:5], rank=lambda i: ranks[i], alpha=lambda i: alphas[i])
    store(folder, kohya(entries))
    write("kohya-alphas", "another alpha and rank for each module", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "kohya-no-alpha")
    entries = sd1("kohya-no-alpha", places, text[:4], rank=3)
    store(folder, kohya(entries))
    write("kohya-no-alpha", "no alpha at all: the scale is 1", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "kohya-no-text-model")
    entries = sd1("kohya-no-text-model", places[:3], text, rank=3, alpha=2)
    store(folder, kohya(entries, text_model=""))
    write("kohya-no-text-model", "lora_te_encoder_layers_…: text names without text_model_", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "kohya-text-only")
    entries = sd1("kohya-text-only", (), text, rank=3, alpha=2)
    store(folder, kohya(entries))
    write("kohya-text-only", "a text encoder's adapter alone (it fits SDXL's first text encoder of that width as well)", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "kohya-text-partial")
    entries = sd1("kohya-text-partial", places[:2], [TEXT_ATTENTION[0], *TEXT_FEED], rank=3, alpha=2)
    store(folder, kohya(entries))
    write("kohya-text-partial", "a text encoder whose out_proj is not adapted: diffusers misses its attention then", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "kohya-no-prefix")
    entries = sd1("kohya-no-prefix", places, rank=3, alpha=2)
    store(folder, kohya(entries, unet=""))
    write("kohya-no-prefix", "kohya's names without lora_unet_", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "kohya-shapes")
    entries = sd1("kohya-shapes", places + SD1_PROJECTIONS, text[:2], rank=3, alpha=2)
    file = kohya(entries)
    for key, value in file.items():
        if key.endswith(("down.weight", "up.weight")):
            file[key] = value.flatten(1) if value.dim() == 4 else value.reshape(*value.shape, 1, 1)
    store(folder, file)
    write("kohya-shapes", "matrices for 1 × 1 convolutions, and 1 × 1 convolutions for matrices", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "mixed-spellings")
    entries = sd1("mixed-spellings", places + SD1_PROJECTIONS, text[:4], rank=3)
    quarter = [entries[0:3], entries[3:5], entries[5:7], entries[7:]]
    quarter[0] = [Entry(item.part, item.module, item.down, item.up, 2.0) for item in quarter[0]]
    on_unet = [item for item in quarter[3] if item.part == "unet"]
    on_text = [item for item in quarter[3] if item.part != "unet"]
    store(folder, {
        **kohya(quarter[0]), **dotted(quarter[1], ".lora.down.weight", ".lora.up.weight"), **dotted(quarter[2]), **dotted(on_unet, unet="base_model.model."),
        **dotted(on_text[:2], ".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"), **dotted(on_text[2:]),
    })
    write("mixed-spellings", "kohya, diffusers, and peft in one file", "sd1", [([*quarter[0], *entries[3:]], 1)])

    folder = new_folder(HERE / "kohya-by-diffusers")
    entries = sd1("kohya-by-diffusers", places, rank=3, alpha=3)
    store(folder, convert_state_dict_to_kohya(dotted(entries)))
    write("kohya-by-diffusers", "what diffusers' convert_state_dict_to_kohya writes: alpha as an integer tensor", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "locon")
    entries = sd1("locon", SD1_CONVOLUTIONS + SD1_ATTENTION[:2], rank=3, alpha=2)
    store(folder, kohya(entries))
    write("locon", "LoCon: convolutions of 3 × 3 and 1 × 1, a stride, the time's projection", "sd1", [(entries, 1)])

    folder = new_folder(HERE / "locon-cp")
    three = [module for module in SD1_CONVOLUTIONS if "shortcut" not in module and "time" not in module]
    entries = sd1("locon-cp", three, rank=3, alpha=2, cp=True) + sd1("locon-cp", SD1_ATTENTION[:2], rank=3, alpha=2)
    store(folder, kohya(entries))
    write("locon-cp", "LoCon with lora_mid (a CP decomposition): 1 × 1 down, 3 × 3 between, 1 × 1 up", "sd1", [(entries, 1)])

    for axis in ("out", "in"):
        name = f"dora-kohya-{axis}"
        folder = new_folder(HERE / name)
        modules = [m for m in places[:2] + SD1_FEED if axis == "out" or BASES["sd1"].unet.get_submodule(m).weight.shape[0] != 1]
        entries = with_magnitudes("sd1", sd1(name, modules + SD1_CONVOLUTIONS[1:3], TEXT_FEED[:1], rank=3, alpha=2), axis)
        store(folder, kohya(entries))
        what = "[out, 1]: norms of rows" if axis == "out" else "[1, in]: norms of columns, as LyCORIS has it by default and A1111 reads it"
        write(name, f"DoRA in kohya's spelling: dora_scale of {what}", "sd1", [(entries, 1)])

    for kind, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16), ("fp8", torch.float8_e4m3fn), ("fp8-e5m2", torch.float8_e5m2)):
        folder = new_folder(HERE / f"kohya-{kind}")
        entries = sd1(f"kohya-{kind}", places, text[:3], rank=3, alpha=2)
        for item in entries:
            item.down, item.up = item.down.to(dtype).float(), item.up.to(dtype).float()
        file = {key: (value.to(dtype) if not key.endswith("alpha") or kind in ("bf16", "fp16") else value.bfloat16()) for key, value in kohya(entries).items()}
        store(folder, file)
        write(f"kohya-{kind}", f"stored in {dtype}".replace("torch.", ""), "sd1", [(entries, 1)])

    new_folder(HERE / "two-at-once")
    first = sd1("kohya", places + SD1_PROJECTIONS, text, rank=4, alpha=2)
    second = sd1("diffusers", SD1_ATTENTION, TEXT_ATTENTION)
    files = [(HERE / "kohya" / "adapter.safetensors", 0.6), (HERE / "diffusers" / "adapter.safetensors", -0.3)]
    write("two-at-once", "two adapters in two spellings, strengths 0.6 and −0.3", "sd1", [(first, 0.6), (second, -0.3)], files)


def make_xl():
    config = BASES["sdxl"].unet.config
    places = [("unet", module) for module in XL_LINEAR]
    folder = new_folder(HERE / "xl-kohya-ldm")
    entries = listed("sdxl", "xl-kohya-ldm", places + XL_TEXT, rank=3, alpha=2)
    store(folder, kohya(entries, ldm=config, xl=True), metadata={"ss_base_model_version": "sdxl_base_v1-0", "ss_network_alpha": "2.0", "ss_network_dim": "3"})
    write("xl-kohya-ldm", "kohya's names for SDXL: lora_unet_input_blocks_…, lora_te1_, lora_te2_", "sdxl", [(entries, 1)])

    folder = new_folder(HERE / "xl-kohya-diffusers-names")
    entries = listed("sdxl", "xl-kohya-diffusers-names", places, rank=3, alpha=2)
    store(folder, kohya(entries, xl=True))
    write("xl-kohya-diffusers-names", "kohya's spelling over diffusers' block names", "sdxl", [(entries, 1)])

    folder = new_folder(HERE / "xl-locon-ldm")
    entries = listed("sdxl", "xl-locon-ldm", [("unet", module) for module in XL_RESNETS], rank=2, alpha=1)
    store(folder, kohya(entries, ldm=config, xl=True))
    write("xl-locon-ldm", "LoCon by LDM block numbers: in_layers_2, emb_layers_1, skip_connection, op, time_embed, label_emb, out_2", "sdxl", [(entries, 1)])

    folder = new_folder(HERE / "xl-diffusers")
    attention = [place for place in places if ".attn" in place[1]]
    text = XL_TEXT + [("text_encoder_2", "text_projection")]
    entries = listed("sdxl", "xl-diffusers", attention + text, rank=4)
    alphas = {"unet": 8, "text_encoder": 2, "text_encoder_2": 1}
    for item in entries:
        item.alpha = alphas[item.part]
    configs = {part: {"r": 4, "lora_alpha": alpha} for part, alpha in alphas.items()}
    store_by_diffusers(folder, "sdxl", entries, name="adapter.safetensors", configs=configs)
    write("xl-diffusers", "save_lora_weights for three networks, an alpha for each in the header: 8, 2 and 1 of rank 4", "sdxl", [(entries, 1)])

    folder = new_folder(HERE / "xl-text-names")
    entries = listed("sdxl", "xl-text-names", XL_TEXT, rank=3, alpha=2)
    store(folder, kohya(entries, xl=True, text_model=""))
    write("xl-text-names", "both text encoders alone, without text_model_", "sdxl", [(entries, 1)])

    new_folder(HERE / "xl-two-at-once")
    first = listed("sdxl", "xl-kohya-ldm", places + XL_TEXT, rank=3, alpha=2)
    files = [(HERE / "xl-kohya-ldm" / "adapter.safetensors", 0.6), (HERE / "xl-diffusers" / "adapter.safetensors", -0.3)]
    second = listed("sdxl", "xl-diffusers", attention + text, rank=4)
    for item in second:
        item.alpha = alphas[item.part]
    write("xl-two-at-once", "two adapters, by LDM numbers and by diffusers' names, strengths 0.6 and −0.3", "sdxl", [(first, 0.6), (second, -0.3)], files)


def make_refused():
    """Other formats, for a name and no more."""
    for name, what, tensors in (
        ("loha", "LoHa in LyCORIS' spelling", {"hada_w1_a": (8, 2), "hada_w1_b": (2, 8), "hada_w2_a": (8, 2), "hada_w2_b": (2, 8)}),
        ("lokr", "LoKr in LyCORIS' spelling", {"lokr_w1": (2, 2), "lokr_w2_a": (4, 2), "lokr_w2_b": (2, 4)}),
    ):
        folder = new_folder(HERE / name)
        layer = "lora_unet_" + SD1_ATTENTION[0].replace(".", "_")
        file = {f"{layer}.{part}": noise(f"{name}/{part}", *shape) for part, shape in tensors.items()}
        store(folder, {**file, f"{layer}.alpha": torch.tensor(1.0)})
        write_json(folder / "case.json", {"what": what, "versions": versions(), "model": "../../families/sd1", "refused": True})


if __name__ == "__main__":
    make_refused()
    make_diffusers()
    make_dotted()
    make_peft()
    make_kohya()
    make_xl()
