"""Writes the same kind of model in the layouts that folders come in, and what diffusers reads from them. How to run it: README.md."""

import importlib.util
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from common import GOLDEN, VOCABULARY, difference, fill, make_text, make_unet, must_matter, new_folder, noise, versions, write_case, write_json, write_tokenizer
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPImageProcessor, CLIPTextModel, CLIPTokenizer

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("families", GOLDEN / "families" / "make.py")
families = importlib.util.module_from_spec(spec)
spec.loader.exec_module(families)
SMALL = {"block_out_channels": (4, 8), "norm_num_groups": 2}
IDS = [VOCABULARY["<|startoftext|>"], *range(300, 312), *[VOCABULARY["<|endoftext|>"]] * 64]


def unet_tensors(name, unet):
    latents, text = noise(f"{name}/latents", 1, 4, 8, 8), noise(f"{name}/text", 1, 7, 16)
    prediction = unet(latents, 621, text).sample
    must_matter("text", unet(latents, 621, text.flip(-1)).sample, prediction)
    return {
        "unet.latents": (latents, "[1, 4, h, w]"), "unet.text": (text, "encoder_hidden_states: [1, 7, 16]"),
        "unet.prediction": (prediction, "UNet2DConditionModel(unet.latents, 621, unet.text).sample"),
    }


def text_tensors(encoder):
    return {"text.states": (encoder(torch.tensor([IDS])).last_hidden_state, "CLIPTextModel(settings.ids).last_hidden_state: [1, 77, 16]")}


def make_sharded():
    for name, variant in (("sharded", None), ("sharded-fp16", "fp16")):
        folder = new_folder(HERE / name)
        unet, text = make_unet(f"layouts/{name}", **SMALL), make_text(f"layouts/{name}/text")
        text.half().save_pretrained(folder / "text_encoder", max_shard_size="12KB", **({"variant": variant} if variant else {}))
        unet.half().save_pretrained(folder / "unet", max_shard_size="12KB", variant=variant)
        shards = sorted(path.name for path in folder.rglob("*.safetensors"))
        indexes = sorted(path.name for path in folder.rglob("*.json") if "index" in path.name)
        assert len(shards) > 3 and len(indexes) == 2, (shards, indexes)
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32, variant=variant)
        text = CLIPTextModel.from_pretrained(folder / "text_encoder", torch_dtype=torch.float32, variant=variant)
        what = "shards and an index for the UNet and the text encoder" + (f", as the variant {variant}" if variant else "")
        write_case(folder, what, {**unet_tensors(name, unet), **text_tensors(text)}, {"timestep": 621, "ids": IDS, "files": shards + indexes})


def make_variant():
    """A whole pipeline in bfloat16 under variant names, with the parts that draw nothing."""
    folder = new_folder(HERE / "variant-bf16")
    pipe = families.sd1_pipeline(folder, torch.bfloat16)
    pipe.unet = make_unet("layouts/bf16", torch.bfloat16, **SMALL)
    vision = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": 8, "patch_size": 4, "projection_dim": 8}
    text = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 16, "projection_dim": 8}
    checker = StableDiffusionSafetyChecker(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    whole = StableDiffusionPipeline(
        **{**pipe.components, "safety_checker": fill(checker, "layouts/checker", torch.bfloat16).bfloat16(), "feature_extractor": CLIPImageProcessor(size=8, crop_size=8)}, requires_safety_checker=True,
    )
    families.write_pipeline(whole, folder, torch.bfloat16, scheduler=families.SD15_SCHEDULER, variant="bf16")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.safetensors"))
    assert all(".bf16." in name for name in names), names
    pipe = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32, variant="bf16", safety_checker=None, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    settings = {"prompt": families.PROMPT, "negative_prompt": families.NEGATIVE, "num_inference_steps": 4, "guidance_scale": 6.0, "height": 16, "width": 16}
    start = noise("variant/start", 1, 4, 8, 8)
    steps, picture = families.draw(pipe, {**settings, "latents": start})
    tensors = {
        "start": (start, "`latents` given to the pipeline"), "ddim.steps": (steps, "latents after each step"), "ddim.picture": (picture, "in [0, 1]"),
        "text.prompt": (pipe.encode_prompt(families.PROMPT, "cpu", 1, False)[0], "states for the UNet"),
    }
    write_case(folder, "a pipeline of .bf16. files with safety_checker and feature_extractor, which was drawn without them", tensors, {**settings, "variant": "bf16", "files": names})


def make_storage():
    for name, storage in (("fp8-e4m3", torch.float8_e4m3fn), ("fp8-e5m2", torch.float8_e5m2)):
        folder = new_folder(HERE / name)
        unet = make_unet(f"layouts/{name}", **SMALL)
        unet.half().save_pretrained(folder / "unet")
        path = folder / "unet" / "diffusion_pytorch_model.safetensors"
        save_file({key: values.to(storage) for key, values in load_file(path).items()}, path, metadata={"format": "pt"})
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        kept = load_file(path)
        assert all(torch.equal(values, kept[key].float()) for key, values in unet.state_dict().items())
        write_case(folder, f"a UNet stored in {storage}, widened to float32".replace("torch.", ""), unet_tensors(name, unet), {"timestep": 621})


def make_surplus():
    folder = new_folder(HERE / "surplus")
    text = make_text("layouts/surplus/text", num_hidden_layers=3)
    text.half().save_pretrained(folder / "text_encoder")
    path = folder / "text_encoder" / "model.safetensors"
    tensors = {f"text_model.{key}": values for key, values in load_file(path).items()}
    tensors.update({
        "text_model.embeddings.position_ids": torch.arange(77).reshape(1, 77), "text_projection.weight": noise("surplus/projection", 16, 16).half(),
        "visual_projection.weight": noise("surplus/visual", 16, 8).half(), "logit_scale": torch.tensor(4.6),
        "vision_model.embeddings.class_embedding": noise("surplus/class", 8).half(), "vision_model.post_layernorm.weight": noise("surplus/norm", 8).half(),
    })
    save_file(tensors, path, metadata={"format": "pt"})
    whole = CLIPTextModel.from_pretrained(folder / "text_encoder", torch_dtype=torch.float32)(torch.tensor([IDS])).last_hidden_state
    config = json.loads((folder / "text_encoder" / "config.json").read_text())
    write_json(folder / "text_encoder" / "config.json", {**config, "num_hidden_layers": 2})
    cut = CLIPTextModel.from_pretrained(folder / "text_encoder", torch_dtype=torch.float32)
    found = text_tensors(cut)
    moved = {"third layer": must_matter("third layer", whole, found["text.states"][0])}
    what = "a text encoder with a layer more than its config says (a clip skip), a projection, a vision tower's tensors and position_ids"
    write_case(folder, what, found, {"ids": IDS}, sensitivity=moved)


def make_vae():
    """Names and shapes that VAE files had before diffusers 0.12: query, key, value, proj_attn, and convolutions for the attention."""
    folder = new_folder(HERE / "vae-old-attention")
    source = GOLDEN / "families" / "sd1" / "vae"
    own = AutoencoderKL.from_pretrained(source, torch_dtype=torch.float32)
    (folder / "vae").mkdir()
    (folder / "vae" / "config.json").write_bytes((source / "config.json").read_bytes())
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {}
    for key, values in load_file(source / "diffusion_pytorch_model.safetensors").items():
        for new, old in names.items():
            key = key.replace(f".attentions.0.{new}.", f".attentions.0.{old}.")
        tensors[key] = values
    save_file(tensors, folder / "vae" / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    latents = noise("vae-old/latents", 1, 4, 8, 8)
    decoded = vae.decode(latents).sample
    assert difference(decoded, own.decode(latents).sample) == 0
    found = {"vae.latents": (latents, "input of the decoder"), "vae.decoded": (decoded, "AutoencoderKL.decode(vae.latents)")}
    write_case(folder, "a VAE whose attention is named query, key, value and proj_attn, as files before diffusers 0.12 have it", found, {})


def make_tokenizer():
    """As transformers 5 writes it: tokenizer.json and no vocab.json."""
    folder = new_folder(HERE / "tokenizer-json")
    written = write_tokenizer(folder / "published")
    written.save_pretrained(folder / "tokenizer")
    for path in (folder / "published").iterdir():
        path.unlink()
    (folder / "published").rmdir()
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    texts = ["", "a red fox in the snow, watercolor painting", "Café Ünïcode 漢字 🦊", "don't we'll 2024 (red:1.3) <moss>", "fox " * 90]
    ids = [{"text": text, "ids": tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids} for text in texts]
    files = sorted(path.name for path in (folder / "tokenizer").iterdir())
    assert "tokenizer.json" in files and "vocab.json" not in files, files
    write_json(folder / "case.json", {"what": "a tokenizer as transformers 5 writes it", "versions": versions(), "settings": {"files": files}, "texts": ids})


if __name__ == "__main__":
    make_sharded()
    make_variant()
    make_storage()
    make_surplus()
    make_vae()
    make_tokenizer()
