"""Writes a whole tiny pipeline of each family and what diffusers draws with it. How to run it: README.md."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from common import (
    difference, make_text, make_unet, make_vae, must_matter, new_folder, noise, write_case, write_json, write_tokenizer,
)
from safetensors.torch import load_file, save_file
from diffusers import (
    DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline,
)

HERE = Path(__file__).parent
PROMPT = "a red fox in the snow, watercolor painting"
NEGATIVE = "blurry, low quality photo"
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}


def sd1_pipeline(folder, storage=torch.float16):
    return StableDiffusionPipeline(
        vae=make_vae("sd1/vae", storage),
        text_encoder=make_text("sd1/text", storage=storage),
        tokenizer=write_tokenizer(folder / "tokenizer"),
        unet=make_unet("sd1/unet", storage),
        scheduler=PNDMScheduler(**BETAS, skip_prk_steps=True, steps_offset=1, set_alpha_to_one=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


# As Stable Diffusion 1.5 was published; clip_sample is a setting of other classes and reaches them through from_config.
SD15_SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}


def sd2_pipeline(folder, name, prediction_type, upcast_attention):
    """Text states are the last of a text encoder that was cut by a layer: OpenCLIP's last but one."""
    return StableDiffusionPipeline(
        vae=make_vae(f"{name}/vae"),
        text_encoder=make_text(f"{name}/text", hidden_act="gelu", hidden_size=24, intermediate_size=48, num_attention_heads=3),
        tokenizer=write_tokenizer(folder / "tokenizer", pad_token="!"),
        unet=make_unet(
            f"{name}/unet", block_out_channels=(8, 16), attention_head_dim=[2, 4], use_linear_projection=True, cross_attention_dim=24,
            upcast_attention=upcast_attention,
        ),
        scheduler=DDIMScheduler(
            **BETAS, steps_offset=1, set_alpha_to_one=False, clip_sample=False, prediction_type=prediction_type
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sdxl_pipeline(folder):
    text = {"hidden_size": 16, "projection_dim": 16, "eos_token_id": 2, "bos_token_id": 0}
    text_2 = {"hidden_size": 24, "projection_dim": 20, "intermediate_size": 48, "num_attention_heads": 3, "hidden_act": "gelu"}
    return StableDiffusionXLPipeline(
        vae=make_vae("sdxl/vae", scaling_factor=0.13025, force_upcast=True),
        text_encoder=make_text("sdxl/text", **text),
        text_encoder_2=make_text("sdxl/text_2", projected=True, eos_token_id=2, bos_token_id=0, **text_2),
        tokenizer=write_tokenizer(folder / "tokenizer"),
        tokenizer_2=write_tokenizer(folder / "tokenizer_2", pad_token="!"),
        unet=make_unet(
            "sdxl/unet", block_out_channels=(8, 16), attention_head_dim=[2, 4], transformer_layers_per_block=[1, 2],
            use_linear_projection=True, cross_attention_dim=40, addition_embed_type="text_time", addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=20 + 6 * 8, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        scheduler=EulerDiscreteScheduler(
            **BETAS, steps_offset=1, timestep_spacing="leading", interpolation_type="linear", use_karras_sigmas=False
        ),
        force_zeros_for_empty_prompt=True,
    )


# As Stable Diffusion XL was published.
SDXL_SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "_diffusers_version": "0.19.0.dev0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "interpolation_type": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
    "use_karras_sigmas": False,
}


def write_pipeline(pipe, folder, storage=torch.float16, scheduler=None, **how):
    """As `save_pretrained` writes it, but for the tokenizers, which stand there already as published folders have them."""
    tokenizers = {name: getattr(pipe, name) for name in ("tokenizer", "tokenizer_2") if getattr(pipe, name, None)}
    kept = {path: path.read_bytes() for name in tokenizers for path in (folder / name).iterdir()}
    pipe.to(storage)
    pipe.save_pretrained(folder, safe_serialization=True, **how)
    pipe.to(torch.float32)
    for name in tokenizers:
        for path in (folder / name).iterdir():
            path.unlink()
    for path, data in kept.items():
        path.write_bytes(data)
    if scheduler:
        write_json(folder / "scheduler" / "scheduler_config.json", scheduler)
    return open_pipeline(type(pipe), folder, **how)


def open_pipeline(kind, folder, **how):
    return quiet(kind.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True, **how))


def prefix_text_names(folder):
    """transformers 5 writes CLIPTextModel's tensors without `text_model.`; files made before have it, and position_ids."""
    path = folder / "model.safetensors"
    old = {f"text_model.{name}": values for name, values in load_file(path).items()}
    old["text_model.embeddings.position_ids"] = torch.arange(77).reshape(1, 77)
    save_file(old, path, metadata={"format": "pt"})


def quiet(pipe):
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(pipe, settings, output_type="pt"):
    """`pipe(...)` → latents after each step, the picture."""
    steps = []

    def keep(_pipe, _index, _timestep, state):
        steps.append(state["latents"].clone())
        return {}

    given = {key: value for key, value in settings.items() if value is not None}
    picture = pipe(**given, output_type=output_type, callback_on_step_end=keep).images
    return torch.stack(steps), picture


def vae_tensors(pipe, name, height=8, width=8):
    vae = pipe.vae
    latents, image = noise(f"{name}/z", 1, 4, height, width), noise(f"{name}/image", 1, 3, 2 * height, 2 * width, scale=0.5)
    posterior = vae.encode(image).latent_dist
    return {
        "vae.latents": (latents, "input of the decoder: [1, 4, h, w], already divided by scaling_factor"),
        "vae.decoded": (vae.decode(latents).sample, "AutoencoderKL.decode(vae.latents): [1, 3, H, W], neither scaled nor clamped"),
        "vae.image": (image, "input of the encoder: [1, 3, H, W]"),
        "vae.mean": (posterior.mean, "AutoencoderKL.encode(vae.image).latent_dist.mean, not multiplied by scaling_factor"),
        "vae.logvar": (posterior.logvar, "the same distribution's logvar, as clamped by diffusers"),
    }


def token_ids(tokenizer, text):
    return tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids


def trajectory_tensors(name, steps, picture):
    return {
        f"{name}.steps": (steps, "latents after each step: [steps, 1, 4, h, w]"),
        f"{name}.picture": (picture, "the picture in [0, 1]: [1, 3, H, W] (output_type 'pt')"),
    }


def sd_tensors(pipe, name, scheduler_settings=None):
    """What every Stable Diffusion 1 and 2 case holds."""
    text, empty = pipe.encode_prompt(PROMPT, "cpu", 1, True, negative_prompt="")
    latents, timestep = noise(f"{name}/latents", 1, 4, 8, 8), 621
    prediction = pipe.unet(latents, timestep, text).sample
    must_matter("text", pipe.unet(latents, timestep, empty).sample, prediction)
    start = noise(f"{name}/start", 1, 4, 8, 8)
    settings = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "num_inference_steps": 5, "guidance_scale": 6.0, "height": 16, "width": 16}
    own = pipe.scheduler
    pipe.scheduler = DDIMScheduler.from_config(own.config)
    steps, picture = draw(pipe, {**settings, "latents": start})
    plain, _ = draw(pipe, {**settings, "guidance_scale": 1.0, "latents": start})
    must_matter("guidance", plain[-1], steps[-1])
    double = as_double(pipe, settings, start)
    pipe.scheduler = own
    tensors = {
        "text.prompt": (text, "states for the UNet of `prompt`: [1, 77, D]"),
        "text.empty": (empty, "the same of the empty prompt"),
        "unet.latents": (latents, "input of the UNet: [1, 4, h, w]"),
        "unet.prediction": (prediction, "UNet2DConditionModel(unet.latents, settings.unet.timestep, text.prompt).sample"),
        **vae_tensors(pipe, name),
        "start": (start, "`latents` given to the pipeline: noise of unit variance, before init_noise_sigma"),
        **trajectory_tensors("ddim", steps, picture),
    }
    facts = {
        "tokens": {"prompt": token_ids(pipe.tokenizer, PROMPT), "negative": token_ids(pipe.tokenizer, NEGATIVE), "empty": token_ids(pipe.tokenizer, "")},
        "float64": {"ddim": f"{difference(steps[-1], double):.1e}", "what": "how far these float32 latents lie from a run in float64"},
    }
    return tensors, {**settings, "unet": {"timestep": timestep}}, facts


def as_double(pipe, settings, start, **more):
    pipe.to(torch.float64)
    steps, _ = draw(pipe, {**settings, "latents": start.double(), **more}, output_type="latent")
    pipe.to(torch.float32)
    return steps[-1]


def make_sd1():
    folder = new_folder(HERE / "sd1")
    pipe = write_pipeline(sd1_pipeline(folder), folder, scheduler=SD15_SCHEDULER)
    tensors, settings, facts = sd_tensors(pipe, "sd1")
    steps, picture = draw(pipe, {**{k: settings[k] for k in settings if k != "unet"}, "latents": tensors["start"][0]})
    tensors.update(trajectory_tensors("pndm", steps, picture))
    settings["trajectories"] = {"ddim": "DDIMScheduler.from_config of the folder's scheduler", "pndm": "the folder's own PNDMScheduler: one more pass than steps"}
    what = "Stable Diffusion 1 pipeline folder as save_pretrained writes it, weights in float16, scheduler as Stable Diffusion 1.5's"
    write_case(folder, what, tensors, settings, **facts)


def make_sd2(name, prediction_type, upcast_attention, what):
    folder = new_folder(HERE / name)
    pipe = write_pipeline(sd2_pipeline(folder, name, prediction_type, upcast_attention), folder)
    if name == "sd2-v":
        prefix_text_names(folder / "text_encoder")
        pipe = open_pipeline(StableDiffusionPipeline, folder)
    tensors, settings, facts = sd_tensors(pipe, name)
    settings["trajectories"] = {"ddim": "the folder's own DDIMScheduler"}
    write_case(folder, what, tensors, settings, **facts)


SIZES = {"original_size": (24, 40), "crops_coords_top_left": (2, 4)}


def sdxl_tensors(pipe, name, height, width):
    text, _, pooled, _ = pipe.encode_prompt(PROMPT, do_classifier_free_guidance=True, negative_prompt=NEGATIVE)
    _, negative, _, negative_pooled = pipe.encode_prompt(PROMPT, do_classifier_free_guidance=True, negative_prompt=NEGATIVE)
    empty, _, empty_pooled, _ = pipe.encode_prompt("", do_classifier_free_guidance=False)
    latents, timestep = noise(f"{name}/latents", 1, 4, height // 2, width // 2), 621
    time_ids = torch.tensor([[*SIZES["original_size"], *SIZES["crops_coords_top_left"], height, width]], dtype=torch.float32)

    def predict(states, pooled_states, ids):
        return pipe.unet(latents, timestep, states, added_cond_kwargs={"text_embeds": pooled_states, "time_ids": ids}).sample

    prediction = predict(text, pooled, time_ids)
    must_matter("text", predict(empty, pooled, time_ids), prediction)
    must_matter("pooled", predict(text, empty_pooled, time_ids), prediction)
    must_matter("time ids", predict(text, pooled, time_ids + torch.tensor([[0, 0, 3.0, 0, 0, 0]])), prediction)
    start = noise(f"{name}/start", 1, 4, height // 2, width // 2)
    settings = {
        "prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 5.0, "height": height, "width": width, **SIZES,
        "target_size": (height, width),
    }
    own = pipe.scheduler
    pipe.scheduler = DDIMScheduler.from_config(own.config)
    steps, picture = draw(pipe, {**settings, "latents": start})
    with_negative, negative_picture = draw(pipe, {**settings, "negative_prompt": NEGATIVE, "latents": start})
    with_empty, _ = draw(pipe, {**settings, "negative_prompt": "", "latents": start})
    must_matter("zeros for a negative prompt that is not given", with_empty[-1], steps[-1])
    double = as_double(pipe, settings, start)
    pipe.scheduler = own
    euler, euler_picture = draw(pipe, {**settings, "latents": start})
    tensors = {
        "text.prompt": (text, "states for the UNet of `prompt`: [1, 77, D1 + D2], the last but one of each text encoder side by side"),
        "text.negative": (negative, "the same of `negative_prompt`"),
        "text.empty": (empty, "the same of the empty prompt where it is the prompt (no zeros)"),
        "pooled.prompt": (pooled, "projected states of the second text encoder: [1, P]"),
        "pooled.negative": (negative_pooled, "the same of `negative_prompt`"),
        "pooled.empty": (empty_pooled, "the same of the empty prompt"),
        "unet.latents": (latents, "input of the UNet: [1, 4, h, w]"),
        "unet.time_ids": (time_ids, "original height and width, crop top and left, target height and width: [1, 6]"),
        "unet.prediction": (prediction, "UNet2DConditionModel of unet.latents, text.prompt, pooled.prompt and unet.time_ids"),
        **vae_tensors(pipe, name, height // 2, width // 2),
        "start": (start, "`latents` given to the pipeline: noise of unit variance, before init_noise_sigma"),
        **trajectory_tensors("ddim", steps, picture),
        **trajectory_tensors("ddim_negative", with_negative, negative_picture),
        "ddim_empty_negative.steps": (with_empty, "the same with negative_prompt '' given: its states, not zeros"),
        **trajectory_tensors("euler", euler, euler_picture),
    }
    settings["trajectories"] = {
        "ddim": "DDIMScheduler.from_config of the folder's scheduler, no negative prompt: zeros (force_zeros_for_empty_prompt)",
        "ddim_negative": f"the same with negative_prompt {NEGATIVE!r}",
        "ddim_empty_negative": "the same with negative_prompt ''",
        "euler": "the folder's own EulerDiscreteScheduler, no negative prompt",
    }
    settings["negative_prompt"] = NEGATIVE
    settings["unet"] = {"timestep": timestep}
    facts = {
        "tokens": {
            "prompt": token_ids(pipe.tokenizer, PROMPT), "prompt_2": token_ids(pipe.tokenizer_2, PROMPT),
            "negative": token_ids(pipe.tokenizer, NEGATIVE), "negative_2": token_ids(pipe.tokenizer_2, NEGATIVE),
            "empty": token_ids(pipe.tokenizer, ""), "empty_2": token_ids(pipe.tokenizer_2, ""),
        },
        "float64": {"ddim": f"{difference(steps[-1], double):.1e}", "what": "how far these float32 latents lie from a run in float64"},
    }
    return tensors, settings, facts


def make_sdxl():
    folder = new_folder(HERE / "sdxl")
    write_pipeline(sdxl_pipeline(folder), folder, scheduler=SDXL_SCHEDULER)
    prefix_text_names(folder / "text_encoder")
    pipe = open_pipeline(StableDiffusionXLPipeline, folder)
    what = "Stable Diffusion XL pipeline folder: two text encoders, pooled states, size conditions; weights in float16"
    tensors, settings, facts = sdxl_tensors(pipe, "sdxl", 16, 16)
    write_case(folder, what, tensors, settings, **facts)
    wide = new_folder(HERE / "sdxl-wide")
    tensors, settings, facts = sdxl_tensors(pipe, "sdxl-wide", 16, 24)
    write_case(wide, "the same model at 24 × 16 pixels", tensors, settings, model="../sdxl", **facts)


if __name__ == "__main__":
    make_sd1()
    make_sd2(
        "sd2", "epsilon", False,
        "Stable Diffusion 2 base: linear projections, heads by level, OpenCLIP's gelu; weights in float16",
    )
    make_sd2("sd2-v", "v_prediction", True, "Stable Diffusion 2.1: v-prediction and upcast_attention; weights in float16")
    make_sdxl()
