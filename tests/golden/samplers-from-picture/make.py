"""Writes vectors.json: walks from a picture, noise by generators, and guidance rescale. How to run it: README.md."""

import inspect
import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

import diffusers
import torch
from common import versions
from diffusers import StableDiffusionImg2ImgPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from diffusers.utils.torch_utils import randn_tensor

SHAPE = (2, 1, 2, 4)
SAMPLERS = {
    "ddim": ("DDIMScheduler", {}),
    "dpmpp-2m": ("DPMSolverMultistepScheduler", {}),
    "dpmpp-2m-karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "dpmpp-2m-sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "pndm": ("PNDMScheduler", {}),
    "lcm": ("LCMScheduler", {}),
}
LATENT = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
CONFIGS = {
    "sd15": {
        "_class_name": "PNDMScheduler", **LATENT, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
        "trained_betas": None, "clip_sample": False,
    },
    "trailing, v, Runge-Kutta": {
        "_class_name": "EulerDiscreteScheduler", **LATENT, "clip_sample": False, "prediction_type": "v_prediction",
        "set_alpha_to_one": False, "skip_prk_steps": False, "steps_offset": 1, "timestep_spacing": "trailing",
    },
}


def model(x, timestep):
    return 0.35 * x + 0.2 * torch.sin(torch.as_tensor(float(timestep)) / 150) + 0.1 * torch.cos(3 * x)


def vector(values):
    return [float(f"{value:.7g}") for value in torch.as_tensor(values, dtype=torch.float64).flatten().tolist()]


def walk(config, sampler, steps, strength, seeds):
    """As StableDiffusionImg2ImgPipeline does, with an analytic model in place of its networks."""
    name, overrides = SAMPLERS[sampler]
    scheduler = getattr(diffusers, name).from_config(CONFIGS[config], **overrides)
    scheduler.set_timesteps(steps)
    timesteps, made = StableDiffusionImg2ImgPipeline.get_timesteps(SimpleNamespace(scheduler=scheduler), steps, strength, None)
    generator = [torch.Generator().manual_seed(seed) for seed in seeds]
    generator = generator if len(generator) > 1 else generator[0]
    picture = torch.linspace(-1.5, 1.5, 16).reshape(SHAPE)
    x = scheduler.add_noise(picture, randn_tensor(SHAPE, generator=generator), timesteps[:1].repeat(SHAPE[0]))
    states = [vector(x)]
    more = {"generator": generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
    for timestep in timesteps:
        output = model(scheduler.scale_model_input(x, timestep), timestep)
        x = scheduler.step(output, timestep, x, **more, return_dict=False)[0]
        states.append(vector(x))
    return {
        "sampler": sampler, "config": config, "steps": steps, "strength": strength, "seeds": seeds, "made": made,
        "timesteps": vector(timesteps), "states": states,
    }


def rescaled(phi):
    draw = torch.Generator().manual_seed(5)
    guided, conditional = (scale * torch.randn(2, 1, 2, 4, generator=draw) for scale in (3, 1))
    return {"phi": phi, "guided": vector(guided), "conditional": vector(conditional), "rescaled": vector(rescale_noise_cfg(guided, conditional, phi))}


walks = [
    walk(config, sampler, steps, strength, seeds)
    for config in CONFIGS
    for sampler in SAMPLERS
    for steps, strength, seeds in ((5, 0.5, [7]), (6, 0.9, [7, 8]), (6, 1.0, [9]))
]
result = {"versions": versions(), "shape": SHAPE, "configs": CONFIGS, "walks": walks, "rescale": [rescaled(phi) for phi in (0.0, 0.7, 1.0)]}
lines = json.dumps(result, separators=(",", ":"), allow_nan=False).replace('{"sampler"', '\n{"sampler"')
Path(__file__).with_name("vectors.json").write_text(lines + "\n", encoding="utf-8")
print(len(walks), "walks")
