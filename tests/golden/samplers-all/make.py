"""Writes vectors.json: what diffusers' schedulers do with an analytic model in place of a network. How to run it: README.md."""

import gzip
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import diffusers
import scipy
import torch
from common import difference, versions
from diffusers import StableDiffusionPipeline

HERE = Path(__file__).parent
SEED = 1234
START = [1.5, -0.75, 0.25, -2.0]

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

# scheduler_config.json as published models have it; those named `like` are written after the settings that such models state.
BASES = {
    "sd14-old": {
        "_class_name": "PNDMScheduler", "_diffusers_version": "0.2.2", **LATENT, "set_alpha_to_one": False, "skip_prk_steps": True,
    },
    "sd15": {
        "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", **LATENT, "set_alpha_to_one": False, "skip_prk_steps": True,
        "steps_offset": 1, "trained_betas": None, "clip_sample": False,
    },
    "sd21-v": {
        "_class_name": "DDIMScheduler", "_diffusers_version": "0.8.0", **LATENT, "clip_sample": False, "prediction_type": "v_prediction",
        "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
    },
    "sdxl": {
        "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.19.0.dev0", **LATENT, "clip_sample": False,
        "interpolation_type": "linear", "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": False,
        "skip_prk_steps": True, "steps_offset": 1, "timestep_spacing": "leading", "trained_betas": None, "use_karras_sigmas": False,
    },
    "sd-turbo": {
        "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.24.0.dev0", **LATENT, "clip_sample": False,
        "interpolation_type": "linear", "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": False,
        "sigma_max": None, "sigma_min": None, "skip_prk_steps": True, "steps_offset": 1, "timestep_spacing": "trailing",
        "timestep_type": "discrete", "trained_betas": None, "use_karras_sigmas": False,
    },
    "sdxl-turbo like": {
        "_class_name": "EulerAncestralDiscreteScheduler", "_diffusers_version": "0.24.0.dev0", **LATENT, "clip_sample": False,
        "interpolation_type": "linear", "prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": False,
        "skip_prk_steps": True, "steps_offset": 1, "timestep_spacing": "trailing", "trained_betas": None, "use_karras_sigmas": False,
    },
    "noobai-v like": {
        "_class_name": "EulerDiscreteScheduler", "_diffusers_version": "0.30.0", **LATENT, "clip_sample": False,
        "final_sigmas_type": "zero", "interpolation_type": "linear", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True,
        "sample_max_value": 1.0, "set_alpha_to_one": False, "sigma_max": None, "sigma_min": None, "skip_prk_steps": True,
        "steps_offset": 1, "timestep_spacing": "trailing", "timestep_type": "discrete", "trained_betas": None,
        "use_beta_sigmas": False, "use_exponential_sigmas": False, "use_karras_sigmas": False,
    },
    "lcm": {
        "_class_name": "LCMScheduler", "_diffusers_version": "0.22.0.dev0", **LATENT, "clip_sample": False, "clip_sample_range": 1.0,
        "dynamic_thresholding_ratio": 0.995, "original_inference_steps": 50, "prediction_type": "epsilon",
        "rescale_betas_zero_snr": False, "sample_max_value": 1.0, "set_alpha_to_one": True, "steps_offset": 0, "thresholding": False,
        "timestep_scaling": 10.0, "timestep_spacing": "leading", "trained_betas": None,
    },
    "dpm karras like": {
        "_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.29.0", **LATENT, "algorithm_type": "dpmsolver++",
        "dynamic_thresholding_ratio": 0.995, "euler_at_final": False, "final_sigmas_type": "zero", "lambda_min_clipped": -math.inf,
        "lower_order_final": True, "prediction_type": "epsilon", "sample_max_value": 1.0, "solver_order": 2, "solver_type": "midpoint",
        "steps_offset": 0, "thresholding": False, "timestep_spacing": "linspace", "trained_betas": None, "use_karras_sigmas": True,
        "use_lu_lambdas": False, "variance_type": None,
    },
    "unipc like": {
        "_class_name": "UniPCMultistepScheduler", "_diffusers_version": "0.20.0", **LATENT, "disable_corrector": [],
        "lower_order_final": True, "predict_x0": True, "prediction_type": "epsilon", "solver_order": 2, "solver_p": None,
        "solver_type": "bh2", "steps_offset": 1, "timestep_spacing": "leading", "trained_betas": None,
    },
    "ddpm like": {
        "_class_name": "DDPMScheduler", "_diffusers_version": "0.10.2", **LATENT, "clip_sample": False, "prediction_type": "epsilon",
        "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None, "variance_type": "fixed_small",
    },
    "nothing but a class": {"_class_name": "DDIMScheduler"},
    "unknown and null": {
        "_class_name": "EulerDiscreteScheduler", **LATENT, "steps_offset": 1, "a_field_of_tomorrow": {"x": [1, 2]}, "sigma_min": None, "sigma_max": None, "trained_betas": None,
        "clip_sample": False, "variance_type": None, "use_lu_lambdas": None, "use_flow_sigmas": None, "thresholding": None,
        "rescale_betas_zero_snr": None, "euler_at_final": None,
    },
}


def model(x, timestep):
    return 0.35 * x + 0.2 * torch.sin(torch.as_tensor(float(timestep)) / 150) + 0.1 * torch.cos(3 * x)


def short(value):
    """Seven significant digits."""
    return float(f"{float(value):.7g}")


def vector(values):
    return [short(value) for value in torch.as_tensor(values).flatten().tolist()]


drawn = []


def record_noise():
    """Every scheduler draws by `randn_tensor`, which its module has imported by name."""
    from diffusers.schedulers import (
        scheduling_ddim, scheduling_dpmsolver_multistep, scheduling_euler_ancestral_discrete, scheduling_euler_discrete, scheduling_lcm,
    )

    for module in (
        scheduling_ddim, scheduling_dpmsolver_multistep, scheduling_euler_ancestral_discrete, scheduling_euler_discrete, scheduling_lcm,
    ):
        original = module.randn_tensor

        def draw(*args, original=original, **kwargs):
            noise = original(*args, **kwargs)
            drawn.append(vector(noise))
            return noise

        module.randn_tensor = draw


pipeline_parts = None


def corrected(scheduler):
    """The scheduler as StableDiffusionPipeline keeps it after its constructor has put right what it deems outdated."""
    global pipeline_parts
    if pipeline_parts is None:
        folder = HERE.parent / "families" / "sd1"
        pipe = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
        pipeline_parts = {name: part for name, part in pipe.components.items() if name != "scheduler"}
    return StableDiffusionPipeline(**pipeline_parts, scheduler=scheduler, requires_safety_checker=False).scheduler


def build(config, sampler, overrides, pipeline=None):
    """As people write it: the folder's own class reads the file, the sampler's class takes its config.

    With `own scheduler` the folder's class itself draws, as the pipeline has put it right.
    """
    own = getattr(diffusers, config["_class_name"]).from_config(config)
    if pipeline:
        own = corrected(own)
        if pipeline.endswith("own scheduler"):
            return own
    name, named = SAMPLERS[sampler]
    return getattr(diffusers, name).from_config(own.config, **named, **overrides)


def walk(scheduler, steps, start):
    scheduler.set_timesteps(steps)
    x = (start * scheduler.init_noise_sigma).reshape(1, 1, 2, 2)
    source = torch.Generator().manual_seed(SEED)
    stochastic = "generator" in scheduler.step.__code__.co_varnames[: scheduler.step.__code__.co_argcount]
    states = []
    for timestep in scheduler.timesteps:
        output = model(scheduler.scale_model_input(x, timestep), timestep)
        more = {"generator": source} if stochastic else {}
        x = scheduler.step(output, timestep, x, **more, return_dict=False)[0]
        states.append(vector(x))
    return x, states


def run(case, config, sampler, steps, overrides=None, pipeline=None):
    overrides = overrides or {}
    named = {**SAMPLERS[sampler][1], **overrides}
    result = {"case": f"{sampler}/{case}", "sampler": sampler, "class": SAMPLERS[sampler][0], "steps": steps}
    if pipeline:
        result["pipeline"] = pipeline
    drawn.clear()
    try:
        scheduler = build(config, sampler, overrides, pipeline)
        nearby, _ = walk(build(config, sampler, overrides, pipeline), steps, torch.tensor(START) * (1 + 1e-6))
        drawn.clear()
        x, states = walk(scheduler, steps, torch.tensor(START))
        init = scheduler.init_noise_sigma
        if not torch.isfinite(x).all():
            raise ArithmeticError("a state is not finite")
        if difference(nearby, x) > 2e-5:
            print("  left out, since rounding decides:", result["case"], f"{difference(nearby, x):.1e}")
            return None
    except Exception as error:
        text = " ".join(str(error).split())
        result.update(error=f"{type(error).__name__}: {text[:160]}")
    else:
        result["prediction_type"] = scheduler.config.prediction_type
        result["timesteps"] = vector(scheduler.timesteps)
        if getattr(scheduler, "sigmas", None) is not None and sampler not in ("ddim", "pndm", "lcm"):
            result["sigmas"] = vector(scheduler.sigmas)
        result["init_noise_sigma"] = short(init)
        if drawn:
            result["noise"] = list(drawn)
        result["x_after_each_step"] = states
    result["config"] = {key: ("-Infinity" if value == -math.inf else value) for key, value in config.items()}
    if named:
        result["overrides"] = named
    return result


def cases():
    # Every published config under every sampler.
    for base, config in BASES.items():
        for sampler in SAMPLERS:
            for steps in (1, 6):
                yield run(f"{base}/{steps}", config, sampler, steps)
    # Step counts that do not divide 1000, and a long way.
    for sampler in SAMPLERS:
        for steps in (2, 3, 7, 30):
            yield run(f"sd15/{steps}", BASES["sd15"], sampler, steps)
        yield run("sdxl/25", BASES["sdxl"], sampler, 25)
    # The grid of settings that all samplers read.
    for sampler in SAMPLERS:
        for spacing in ("leading", "linspace", "trailing"):
            for offset in (0, 1):
                for prediction in ("epsilon", "v_prediction"):
                    config = {**BASES["sd15"], "timestep_spacing": spacing, "steps_offset": offset, "prediction_type": prediction}
                    yield run(f"{spacing}, offset {offset}, {prediction}", config, sampler, 4)
            config = {**BASES["sd21-v"], "timestep_spacing": spacing, "rescale_betas_zero_snr": True}
            yield run(f"{spacing}, zero terminal SNR, v", config, sampler, 4)
        yield run("zero terminal SNR, epsilon", {**BASES["sd15"], "rescale_betas_zero_snr": True}, sampler, 4)
        yield run("prediction of the sample", {**BASES["sd15"], "prediction_type": "sample"}, sampler, 4)
        yield run("linear betas", {**BASES["sd15"], "beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}, sampler, 4)
        yield run("cosine betas", {**BASES["sd15"], "beta_schedule": "squaredcos_cap_v2"}, sampler, 4)
        betas = [round(0.001 + 0.0002 * i, 6) for i in range(100)]
        yield run("trained betas", {**BASES["sd15"], "trained_betas": betas, "num_train_timesteps": 100}, sampler, 4)
        yield run("400 training timesteps", {**BASES["sd15"], "num_train_timesteps": 400}, sampler, 6)
        yield run("offset null", {**BASES["sd15"], "steps_offset": None}, sampler, 4)
        yield run("spacing null", {**BASES["sd15"], "timestep_spacing": None}, sampler, 4)
        yield run("karras null", {**BASES["sd15"], "use_karras_sigmas": None}, sampler, 4)
        yield run("prediction null", {**BASES["sd15"], "prediction_type": None}, sampler, 4)
        yield run("clip_sample", {**BASES["sd15"], "clip_sample": True, "clip_sample_range": 1.25}, sampler, 4)
        yield run("thresholding", {**BASES["sd15"], "thresholding": True, "sample_max_value": 1.5}, sampler, 4)
        # What StableDiffusionPipeline puts right by itself before another class reads the config.
        pipeline = "StableDiffusionPipeline"
        yield run("pipeline, no offset", BASES["sd14-old"], sampler, 4, pipeline=pipeline)
        yield run("pipeline, clip_sample", {**BASES["sd15"], "clip_sample": True, "steps_offset": 0}, sampler, 4, pipeline=pipeline)
        yield run("pipeline, only a class", BASES["nothing but a class"], sampler, 4, pipeline=pipeline)
        yield run("pipeline, LCM", BASES["lcm"], sampler, 4, pipeline=pipeline)
    own = "StableDiffusionPipeline, own scheduler"
    for sampler, base in (
        ("pndm", "sd14-old"), ("pndm", "sd15"), ("ddim", "nothing but a class"), ("ddim", "sd21-v"), ("euler", "sdxl"), ("lcm", "lcm"),
        ("euler", "noobai-v like"), ("dpmpp-2m", "dpm karras like"), ("unipc", "unipc like"), ("euler-a", "sdxl-turbo like"),
    ):
        yield run(f"own scheduler, {base}", BASES[base], sampler, 4, pipeline=own)
    for sampler in ("ddim", "lcm"):
        kind = SAMPLERS[sampler][0]
        config = {"_class_name": kind, **LATENT, "clip_sample": True, "steps_offset": 0}
        yield run("own scheduler, clip_sample", config, sampler, 4, pipeline=own)
    for final in (True, False):
        for sampler in ("ddim", "pndm", "lcm"):
            for spacing in ("leading", "trailing"):
                config = {**BASES["sd15"], "set_alpha_to_one": final, "timestep_spacing": spacing}
                yield run(f"set_alpha_to_one {final}, {spacing}", config, sampler, 5)
    # Sigmas.
    sigma_kinds = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas")
    for kind in sigma_kinds:
        for sampler in ("dpmpp-2m", "dpmpp-2m-sde", "euler", "heun", "unipc"):
            for prediction in ("epsilon", "v_prediction"):
                config = {**BASES["sd15"], kind: True, "prediction_type": prediction}
                yield run(f"{kind}, {prediction}", config, sampler, 5)
    for final in ("zero", "sigma_min"):
        for sampler in ("dpmpp-2m", "dpmpp-2m-karras", "dpmpp-2m-sde", "euler", "unipc"):
            for spacing in ("leading", "linspace", "trailing"):
                config = {**BASES["sd15"], "final_sigmas_type": final, "timestep_spacing": spacing}
                yield run(f"final_sigmas_type {final}, {spacing}", config, sampler, 4)
    # Settings of one class.
    for sampler in ("dpmpp-2m", "dpmpp-2m-karras", "dpmpp-2m-sde"):
        for steps in (4, 16):
            for changes in (
                {"solver_type": "heun"}, {"solver_order": 1}, {"solver_order": 3}, {"euler_at_final": True}, {"lower_order_final": False},
                {"lower_order_final": False, "final_sigmas_type": "sigma_min"}, {"solver_order": 3, "lower_order_final": False},
                {"lambda_min_clipped": -5.1, "beta_schedule": "squaredcos_cap_v2"}, {"variance_type": "fixed_small"},
            ):
                name = ", ".join(f"{key} {value}" for key, value in changes.items())
                yield run(f"{name}/{steps}", {**BASES["sd15"], **changes}, sampler, steps)
    for kind in ("dpmsolver", "sde-dpmsolver"):
        yield run(f"algorithm_type {kind}", {**BASES["sd15"], "algorithm_type": kind, "final_sigmas_type": "sigma_min"}, "dpmpp-2m", 5)
    yield run("karras in the config", {**BASES["sd15"], "use_karras_sigmas": True}, "dpmpp-2m-sde", 8)
    for spacing in ("leading", "trailing"):
        config = {**BASES["noobai-v like"], "timestep_spacing": spacing}
        for sampler in ("dpmpp-2m-karras", "euler", "euler-a", "unipc"):
            yield run(f"noobai-v like, {spacing}/12", config, sampler, 12)
    for steps in (4, 12):
        for changes in (
            {"solver_type": "bh1"}, {"solver_order": 1}, {"solver_order": 3}, {"predict_x0": False}, {"disable_corrector": [0, 1]},
            {"lower_order_final": False}, {"solver_order": 3, "solver_type": "bh1", "lower_order_final": False}, {"solver_type": "midpoint"},
            {"solver_type": "heun"}, {"solver_type": "logrho"},
        ):
            name = ", ".join(f"{key} {value}" for key, value in changes.items())
            yield run(f"{name}/{steps}", {**BASES["sd15"], **changes}, "unipc", steps)
    for changes in (
        {"interpolation_type": "log_linear"}, {"sigma_min": 0.05, "sigma_max": 10.0, "use_karras_sigmas": True},
        {"sigma_min": 0.05, "sigma_max": 10.0}, {"timestep_type": "continuous", "prediction_type": "v_prediction", "use_karras_sigmas": True},
        {"timestep_type": "continuous", "prediction_type": "v_prediction"},
    ):
        name = ", ".join(f"{key} {value}" for key, value in changes.items())
        yield run(name, {**BASES["sdxl"], **changes}, "euler", 5)
    for steps in (4, 9):
        for spacing in ("leading", "linspace", "trailing"):
            yield run(f"with Runge-Kutta, {spacing}/{steps}", {**BASES["sd15"], "skip_prk_steps": False, "timestep_spacing": spacing}, "pndm", steps)
    for steps in (1, 2, 4, 8, 12, 50):
        yield run(f"{steps} of 50", BASES["lcm"], "lcm", steps)
    yield run("original_inference_steps 100", {**BASES["lcm"], "original_inference_steps": 100}, "lcm", 6)
    yield run("timestep_scaling 1", {**BASES["lcm"], "timestep_scaling": 1.0}, "lcm", 4)
    yield run("more steps than the model knows", BASES["lcm"], "lcm", 51)


def main():
    record_noise()
    everything = [case for case in cases() if case]
    names = [case["case"] for case in everything]
    assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":"), allow_nan=False) for case in everything)
    head = {
        "versions": {**versions(), "scipy": scipy.__version__},
        "model": "m(x,t)=0.35*x+0.2*sin(t/150)+0.1*cos(3*x); x0=[1.5,-0.75,0.25,-2.0]*init_noise_sigma; input=scale_model_input(x,t)",
        "seed": SEED,
    }
    text = json.dumps(head, ensure_ascii=False)[:-1] + ',\n"cases":[\n' + lines + "\n]}\n"
    (HERE / "vectors.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    errors = [case for case in everything if "error" in case]
    print(len(everything), "cases,", len(errors), "refused,", f"{len(text) / 1e6:.2f} MB")
    for case in errors:
        print("  ", case["case"], "-", case["error"])


if __name__ == "__main__":
    main()
