"""What diffusers draws with the starter's models and guides; see README.md. Prompt, text states and noise stay as they are in the files."""

import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import common  # noqa: E402, F401: one thread, no gradients
import torch  # noqa: E402
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, StableDiffusionPipeline  # noqa: E402
from training.make import STARTER, Guide  # noqa: E402

GIVEN = ("input_ids", "text_states", "latents", "timesteps", "guidance", "noise")
STEPS, GUIDANCE_SCALE = 20, 5.0
MODELS = {
    "storybook": ("storybook", None, "guide-distilled"),
    "watercolor": ("watercolor", None, "guide-tiny"),
    "neon": ("storybook", "neon-lora/neon.safetensors", "guide-distilled"),
    "pencil": ("storybook", "pencil-lora/pencil.safetensors", "guide-tiny"),
}


def open_model(folder, lora):
    pipeline = StableDiffusionPipeline.from_pretrained(STARTER / folder, torch_dtype=torch.float32, safety_checker=None)
    if lora:
        pipeline.load_lora_weights(STARTER / lora)
        pipeline.fuse_lora()
        pipeline.unload_lora_weights()
    return pipeline


def open_guide(name, config):
    weights = {key: tensor.float() for key, tensor in load_file(STARTER / name / "guide.safetensors").items()}
    levels = len(config["block_out_channels"])
    guide = Guide([weights[f"down_blocks.{i}.resnets.0.conv2.bias"].numel() for i in range(levels)], config)
    guide.load_state_dict(weights)
    return guide


def draw(name):
    folder, lora, guide_name = MODELS[name]
    pipeline = open_model(folder, lora)
    unet, vae = pipeline.unet, pipeline.vae
    guide = open_guide(guide_name, unet.config)
    given = load_file(HERE / f"{name}.safetensors")
    out = {key: given[key] for key in GIVEN}
    conditional, unconditional = out["text_states"][:1], out["text_states"][1:]

    def guided(latents, timestep, text, w):
        skips, mid = guide(latents, timestep, text, w)
        residuals = {"down_block_additional_residuals": skips, "mid_block_additional_residual": mid}
        return skips, mid, unet(latents, timestep, text, **residuals).sample

    latents, timesteps = out["latents"], out["timesteps"]
    both = [text.repeat(len(latents), 1, 1) for text in (conditional, unconditional)]
    out["eps_conditional"], out["eps_unconditional"] = [unet(latents, timesteps, text).sample for text in both]
    skips, mid, out["eps_guide"] = guided(latents, timesteps, both[0], out["guidance"])
    out |= {f"residual.{k}": skip for k, skip in enumerate(skips)} | {"residual.mid": mid}

    def predict(x, t, mode):
        if mode == "guide":
            return guided(x, t, conditional, torch.tensor([GUIDANCE_SCALE]))[2]
        prediction = unet(x, t, conditional).sample
        if mode == "conditional":
            return prediction
        null = unet(x, t, unconditional).sample
        return null + GUIDANCE_SCALE * (prediction - null)

    def walk(sampler, mode):
        sampler.set_timesteps(STEPS)
        x = out["noise"] * sampler.init_noise_sigma
        for timestep in sampler.timesteps:
            x = sampler.step(predict(x, timestep.reshape(1), mode), timestep, x).prev_sample
        return x

    for mode in ("conditional", "guide", "cfg"):
        out[f"ddim.{mode}"] = walk(DDIMScheduler.from_config(pipeline.scheduler.config), mode)
    out["dpmpp-2m.cfg"] = walk(DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config), "cfg")
    out["image.cfg"] = vae.decode(out["ddim.cfg"] / vae.config.scaling_factor).sample
    out["vae_mean"] = vae.encode(out["image.cfg"].clamp(-1, 1)).latent_dist.mean
    return {key: tensor.contiguous() for key, tensor in out.items()}, guide_name


def main():
    versions = common.versions()
    for name in MODELS:
        tensors, guide = draw(name)
        path = HERE / f"{name}.safetensors"
        with safe_open(path, "pt") as file:
            kept = {key: file.metadata()[key] for key in ("prompt", "what", "steps", "guidance", "model")}
        said = ", ".join(f"{library} {versions[library]}" for library in ("diffusers", "transformers", "torch"))
        save_file(tensors, path, kept | {"guide": guide, "versions": said})


if __name__ == "__main__":
    main()
