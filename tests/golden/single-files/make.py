"""Writes LDM single files by inverting the names of ../families, and what diffusers draws from them. How to run it: README.md."""

import importlib.util
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from common import GOLDEN, difference, must_matter, new_folder, noise, write_case
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from ldm import unet_name, vae_name
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("families", GOLDEN / "families" / "make.py")
families = importlib.util.module_from_spec(spec)
spec.loader.exec_module(families)


def tensors_of(folder, part):
    (file,) = (GOLDEN / "families" / folder / part).glob("*.safetensors")
    return load_file(file)


def plain_text(name):
    return name.removeprefix("text_model.")


def unet_tensors(folder, config):
    return {f"model.diffusion_model.{unet_name(name, config)}": values for name, values in tensors_of(folder, "unet").items()}


def vae_tensors(folder, levels):
    """Linear layers of the attention become 1 × 1 convolutions."""
    result = {}
    for name, values in tensors_of(folder, "vae").items():
        if ".attentions." in name and values.dim() == 2:
            values = values[:, :, None, None]
        result[f"first_stage_model.{vae_name(name, levels)}"] = values
    return result


def clip_tensors(folder, prefix, part="text_encoder"):
    result = {f"{prefix}transformer.text_model.{plain_text(name)}": values for name, values in tensors_of(folder, part).items()}
    result[f"{prefix}transformer.text_model.embeddings.position_ids"] = torch.arange(77).reshape(1, 77)
    return result


OPEN_CLIP = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj", "self_attn.out_proj": "attn.out_proj",
}


def open_clip_tensors(tensors, prefix, more_layers=0):
    """OpenCLIP's names: fused in_proj, a projection that is applied from the left, and the last layer that Stable Diffusion 2 leaves out."""
    result, fused = {}, {}
    tensors = {plain_text(name): values for name, values in tensors.items()}
    for name, values in tensors.items():
        layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if not layer:
            continue
        index, module, kind = layer.groups()
        if module in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"):
            fused.setdefault((index, kind), {})[module[10]] = values
        else:
            result[f"{prefix}transformer.resblocks.{index}.{OPEN_CLIP[module]}.{kind}"] = values
    for (index, kind), parts in fused.items():
        result[f"{prefix}transformer.resblocks.{index}.attn.in_proj_{kind}"] = torch.cat([parts["q"], parts["k"], parts["v"]])
    result[f"{prefix}token_embedding.weight"] = tensors["embeddings.token_embedding.weight"]
    result[f"{prefix}positional_embedding"] = tensors["embeddings.position_embedding.weight"]
    for kind in ("weight", "bias"):
        result[f"{prefix}ln_final.{kind}"] = tensors[f"final_layer_norm.{kind}"]
    if "text_projection.weight" in tensors:
        result[f"{prefix}text_projection"] = tensors["text_projection.weight"].T
    else:
        width = tensors["final_layer_norm.weight"].shape[0]
        result[f"{prefix}text_projection"] = noise("unused projection", width, width).half()
    result[f"{prefix}logit_scale"] = torch.tensor(4.6052)
    layers = 1 + max(int(index) for index, _ in fused)
    for extra in range(more_layers):
        for name, values in list(result.items()):
            if f"resblocks.{layers - 1}." in name:
                result[name.replace(f"resblocks.{layers - 1}.", f"resblocks.{layers + extra}.")] = noise(f"extra {name}", *values.shape).half()
    return result


def schedule_buffers():
    """What LDM's DDPM registers as buffers, so that old checkpoints hold it."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    cumulative = torch.cumprod(1 - betas, 0)
    return {
        "betas": betas.float(), "alphas_cumprod": cumulative.float(), "sqrt_alphas_cumprod": cumulative.sqrt().float(),
        "model_ema.decay": torch.tensor(0.9999), "model_ema.num_updates": torch.tensor(470000, dtype=torch.int32),
        "model_ema.diffusion_modelinput_blocks00weight": noise("ema", 8, 4, 3, 3), "model_ema.diffusion_modelinput_blocks00bias": noise("ema bias", 8),
        "cond_stage_model.transformer.vision_model.embeddings.class_embedding": noise("vision", 16),
    }


def store(folder, tensors, storage=None, metadata=None):
    kept = {}
    for name, values in tensors.items():
        if storage and values.is_floating_point() and values.numel():
            values = values.to(storage)
        kept[name] = values.contiguous().clone()
    save_file(kept, folder / "model.safetensors", metadata=metadata)


def open_file(folder, config, kind):
    pipe = kind.from_single_file(
        str(folder / "model.safetensors"), config=str(GOLDEN / "families" / config), torch_dtype=torch.float32, local_files_only=True,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def must_equal_family(pipe, config, kind):
    """The name mapping of ../ldm.py must be the inverse of diffusers'."""
    own = families.open_pipeline(kind, GOLDEN / "families" / config)
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        if getattr(own, part, None):
            theirs = getattr(pipe, part).state_dict()
            for name, values in getattr(own, part).state_dict().items():
                assert torch.equal(values, theirs[name]), f"{part}: {name}"


def sd1_tensors():
    config = families.open_pipeline(StableDiffusionPipeline, GOLDEN / "families" / "sd1").unet.config
    return {**unet_tensors("sd1", config), **vae_tensors("sd1", 2), **clip_tensors("sd1", "cond_stage_model.")}


def sdxl_tensors():
    config = families.open_pipeline(StableDiffusionXLPipeline, GOLDEN / "families" / "sdxl").unet.config
    open_clip = open_clip_tensors(tensors_of("sdxl", "text_encoder_2"), "conditioner.embedders.1.model.")
    clip = {name: values for name, values in clip_tensors("sdxl", "conditioner.embedders.0.").items()}
    return {**unet_tensors("sdxl", config), **vae_tensors("sdxl", 2), **clip, **open_clip}


def make_sd1():
    folder = new_folder(HERE / "sd1")
    store(folder, {**sd1_tensors(), **schedule_buffers()})
    pipe = open_file(folder, "sd1", StableDiffusionPipeline)
    must_equal_family(pipe, "sd1", StableDiffusionPipeline)
    tensors, settings, facts = families.sd_tensors(pipe, "sd1")
    what = "Stable Diffusion 1 in one file with what old files hold beside it: schedule buffers, position_ids, an EMA copy, a vision tower's tensor"
    write_case(folder, what, tensors, settings, model="model.safetensors", config="../../families/sd1", **facts)


def make_sd2():
    folder = new_folder(HERE / "sd2")
    config = families.open_pipeline(StableDiffusionPipeline, GOLDEN / "families" / "sd2").unet.config
    prefix = "cond_stage_model.model."
    text = open_clip_tensors(tensors_of("sd2", "text_encoder"), prefix, more_layers=1)
    rest = {**unet_tensors("sd2", config), **vae_tensors("sd2", 2)}
    store(folder, {**rest, **text})
    try:
        pipe = open_file(folder, "sd2", StableDiffusionPipeline)
        note = "diffusers reads the file as it is, with one layer more than the config says"
    except Exception as error:
        note = f"diffusers ignores the surplus layer by its number 23 alone, and refuses this one ({type(error).__name__}); it read the file without it"
        store(folder, {**rest, **{name: values for name, values in text.items() if "resblocks.2." not in name}})
        pipe = open_file(folder, "sd2", StableDiffusionPipeline)
        store(folder, {**rest, **text})
    must_equal_family(pipe, "sd2", StableDiffusionPipeline)
    tensors, settings, facts = families.sd_tensors(pipe, "sd2")
    what = "Stable Diffusion 2 in one file: OpenCLIP with fused in_proj, its last layer (left out by the config), an unused projection, logit_scale"
    write_case(folder, what, tensors, settings, model="model.safetensors", config="../../families/sd2", note=note, **facts)


def make_sdxl():
    folder = new_folder(HERE / "sdxl")
    store(folder, sdxl_tensors(), metadata={"modelspec.architecture": "stable-diffusion-xl-v1-base", "modelspec.sai_model_spec": "1.0.0"})
    pipe = open_file(folder, "sdxl", StableDiffusionXLPipeline)
    must_equal_family(pipe, "sdxl", StableDiffusionXLPipeline)
    tensors, settings, facts = families.sdxl_tensors(pipe, "sdxl", 16, 16)
    kept = ("text.prompt", "pooled.prompt", "unet.latents", "unet.time_ids", "unet.prediction", "vae.latents", "vae.decoded", "vae.image", "vae.mean", "start", "ddim.steps", "euler.steps", "euler.picture")
    what = "Stable Diffusion XL in one file: CLIP and OpenCLIP under conditioner.embedders, a projection of 24 × 20 that is stored transposed"
    write_case(folder, what, {name: tensors[name] for name in kept}, settings, model="model.safetensors", config="../../families/sdxl", **facts)


def marked(name, base, kind, tensors, markers, changes, what):
    folder = new_folder(HERE / name)
    store(folder, {**tensors, **{marker: torch.zeros(0) for marker in markers}})
    pipe = open_file(folder, base, kind)
    own = pipe.scheduler.config
    size = {"height": 16, "width": 16}
    settings = {"prompt": families.PROMPT, "negative_prompt": families.NEGATIVE, "num_inference_steps": 5, "guidance_scale": 4.0, **size}
    start = noise(f"{name}/start", 1, 4, 8, 8)
    kept = {"start": (start, "`latents` given to the pipeline: noise of unit variance, before init_noise_sigma")}
    trajectories = {}
    for label, scheduler, more in (
        ("ddim", DDIMScheduler, {}), ("ddim_trailing", DDIMScheduler, {"timestep_spacing": "trailing"}), ("euler_trailing", EulerDiscreteScheduler, {"timestep_spacing": "trailing"}),
    ):
        pipe.scheduler = scheduler.from_config(own, **more)
        without, _ = families.draw(pipe, {**settings, "latents": start})
        pipe.scheduler = scheduler.from_config(own, **changes, **more)
        steps, _ = families.draw(pipe, {**settings, "latents": start})
        must_matter(f"{name}: markers", without[-1], steps[-1])
        kept[f"{label}.steps"] = (steps, "latents after each step: [steps, 1, 4, h, w]")
        trajectories[label] = f"{scheduler.__name__}.from_config of the folder's scheduler with {({**changes, **more})}"
    settings["trajectories"] = trajectories
    note = "from_single_file knows no markers; the scheduler was set as A1111 1.10 and ComfyUI read them"
    (folder / "model.safetensors").unlink()  # the same weights lie in `base`: the test adds the markers to that file
    write_case(folder, what, kept, settings, model=f"../{base}/model.safetensors", config=f"../../families/{base}", markers=markers, note=note)


def make_fp8():
    folder = new_folder(HERE / "sd1-fp8")
    store(folder, sd1_tensors(), torch.float8_e4m3fn)
    pipe = open_file(folder, "sd1", StableDiffusionPipeline)
    tensors, settings, facts = families.sd_tensors(pipe, "sd1-fp8")
    plain = families.open_pipeline(StableDiffusionPipeline, GOLDEN / "families" / "sd1")
    apart = difference(plain.unet(tensors["unet.latents"][0], 621, tensors["text.prompt"][0]).sample, tensors["unet.prediction"][0])
    assert apart > 1e-3, apart
    kept = ("text.prompt", "unet.latents", "unet.prediction", "vae.latents", "vae.decoded", "start", "ddim.steps")
    what = "Stable Diffusion 1 in one file of float8_e4m3fn, widened to float32 before it computes"
    write_case(folder, what, {name: tensors[name] for name in kept}, settings, model="model.safetensors", config="../../families/sd1", **facts)


if __name__ == "__main__":
    make_sd1()
    make_sd2()
    make_sdxl()
    marked("sd1-v-marker", "sd1", StableDiffusionPipeline, sd1_tensors(), ["v_pred"], {"prediction_type": "v_prediction"}, "an empty tensor v_pred: v-prediction over the shape of Stable Diffusion 1")
    marked(
        "sdxl-v-ztsnr-markers", "sdxl", StableDiffusionXLPipeline, sdxl_tensors(), ["v_pred", "ztsnr"], {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
        "empty tensors v_pred and ztsnr, as NoobAI-XL's v-prediction files have them: v-prediction and a zero terminal SNR",
    )
    make_fp8()
