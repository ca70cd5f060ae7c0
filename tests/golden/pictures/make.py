"""Writes what is asked of a picture beyond a prompt: emphasis, long prompts, clip skip, img2img, seeds, tiles, embeddings. README.md says how to run it."""

import importlib.util
import os
import sys
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from common import GOLDEN, difference, make_unet, must_matter, new_folder, noise, versions, write_case, write_json
from diffusers import (
    DDIMScheduler, EulerDiscreteScheduler, LCMScheduler, StableDiffusionImg2ImgPipeline, StableDiffusionPipeline, StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline, UNet2DConditionModel,
)
from PIL import Image
from safetensors.torch import save_file

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("families", GOLDEN / "families" / "make.py")
families = importlib.util.module_from_spec(spec)
spec.loader.exec_module(families)
PROMPT, NEGATIVE, draw = families.PROMPT, families.NEGATIVE, families.draw
SIZE = {"height": 16, "width": 16}
LATENTS = "latents after each step: [steps, B, 4, h, w]"
START = "`latents` given to the pipeline: noise of unit variance"


def open_base(base, kind=None):
    kind = kind or (StableDiffusionXLPipeline if base == "sdxl" else StableDiffusionPipeline)
    pipe = families.open_pipeline(kind, GOLDEN / "families" / base)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    if not hasattr(pipe.text_encoder, "text_model"):
        object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)  # see PATCHED
    return pipe


PATCHED = "clip_skip of diffusers 0.42.1 reads text_encoder.text_model, which CLIPTextModel of transformers 5.24.0 no longer has; the maker gives it that name"


# Emphasis as AUTOMATIC1111 has it


def a1111():
    """The webui's own modules from the folder that A1111 names, over what they import besides."""
    folder = Path(os.environ["A1111"])
    modules = types.ModuleType("modules")
    modules.__path__ = [str(folder / "modules")]
    sys.modules["modules"] = modules
    stubs = {
        "devices": {"device": "cpu", "torch_npu_set_device": lambda: None},
        "sd_hijack": {},
        "shared": {"opts": types.SimpleNamespace(emphasis="Original", comma_padding_backtrack=20, CLIP_stop_at_last_layers=1, use_old_emphasis_implementation=False)},
    }
    for name, values in stubs.items():
        stub = types.ModuleType(f"modules.{name}")
        stub.__dict__.update(values)
        sys.modules[f"modules.{name}"] = stub
        setattr(modules, name, stub)
    from modules import prompt_parser, sd_hijack_clip, shared

    return prompt_parser.parse_prompt_attention, sd_hijack_clip.FrozenCLIPEmbedderWithCustomWordsBase, shared.opts


PARSE, EMBEDDER, OPTIONS = a1111()
NO_EMBEDDINGS = types.SimpleNamespace(embedding_db=types.SimpleNamespace(find_embedding_at_position=lambda _tokens, _at: (None, None)), fixes=None)


class Embedder(EMBEDDER):
    """The webui's chunks and weights over a text encoder of transformers; `layer`: the hidden state that is read."""

    def __init__(self, tokenizer, encoder, layer, final_norm, pad):
        super().__init__(types.SimpleNamespace(return_pooled=False), NO_EMBEDDINGS)
        self.tokenizer, self.encoder, self.layer, self.final_norm = tokenizer, encoder, layer, final_norm
        vocabulary = tokenizer.get_vocab()
        self.comma_token = vocabulary[",</w>"]
        self.id_start, self.id_end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
        self.id_pad = self.id_end if pad is None else pad

    def tokenize(self, texts):
        return self.tokenizer(texts, truncation=False, add_special_tokens=False)["input_ids"]

    def encode_with_transformers(self, tokens):
        found = self.encoder(tokens, output_hidden_states=True)
        states = found.hidden_states[self.layer]
        if self.final_norm:
            states = getattr(self.encoder, "text_model", self.encoder).final_layer_norm(states)
        if hasattr(found, "text_embeds"):
            self.pooled = self.pooled if getattr(self, "pooled", None) is not None else found.text_embeds
        return states


def embedders(pipe):
    if not hasattr(pipe, "tokenizer_2"):
        return [Embedder(pipe.tokenizer, pipe.text_encoder, -1, True, None)]
    return [Embedder(pipe.tokenizer, pipe.text_encoder, -2, False, None), Embedder(pipe.tokenizer_2, pipe.text_encoder_2, -2, False, 0)]


def encode(pipe, prompt):
    """→ states, pooled of the first chunk, chunks of ids and weights."""
    parts = embedders(pipe)
    states = torch.cat([part([prompt]) for part in parts], dim=-1)
    chunks, _ = parts[0].tokenize_line(prompt)
    shown = [{"ids": chunk.tokens, "weights": chunk.multipliers} for chunk in chunks]
    return states, getattr(parts[-1], "pooled", None), shown


PROMPTS = [
    "a red fox", "", "a (red) fox", "a ((red)) fox", "a [red] fox", "a [[red]] fox", "a (red:1.5) fox", "a (red:0.4) fox", "a (red : 1.5 ) fox", "a ([red]) fox",
    "(a (red:1.3) fox:0.8)", "(unbalanced red fox", "unbalanced) red fox", "[unbalanced red fox", r"a \(red\) fox", r"a \[red\] fox", r"a back\\slash (fox)",
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).", "red:1.5 fox", "(red:1.5", "(red:x) fox", "(:1.2) fox", "()fox", "(red)(fox)", "(red:-1) fox", "(red:.5) fox",
    "(red:+1.5) fox", "(red:1.2.3) fox", "a fox BREAK a castle", "a fox  BREAK\n (castle:1.3)", "BREAK a fox", "a fox BREAK", "a foxBREAK castle", "a fox BREAK BREAK castle", "(a fox BREAK a castle:1.4)",
    "the old house, <lora:name:0.6> sea", "a:b:c", "(a:b:1.2)", "fox [red|blue] snow", "[fox:cat:0.5]", "{red} fox", "fox ,, castle",
]
LONG = ", ".join(["a red fox in the snow", "an old house in the forest", "(light:1.3) of the night", "watercolor painting", "a castle and a cat"] * 3)
COMMAS = "fox " * 60 + ", old house in the sea " + "castle " * 20
NO_COMMAS = "old house in the sea " * 20


def parsed(prompt):
    try:
        return [[text, weight] for text, weight in PARSE(prompt)]
    except ValueError as error:
        return f"ValueError: {error}"


def make_emphasis():
    folder = new_folder(HERE / "emphasis")
    for base, chosen in (
        ("sd1", {"round": "a (red:1.5) fox in the [snow]", "nested": "(a (red:1.3) fox:0.8) BREAK a ((castle))", "long": LONG, "negative_weight": "(red:-1) fox"}),
        ("sdxl", {"round": "a (red:1.5) fox in the [snow]", "nested": "(a (red:1.3) fox:0.8) BREAK a ((castle))"}),
    ):
        where = folder if base == "sd1" else new_folder(HERE / "emphasis-xl")
        pipe = open_base(base)
        tensors, prompts, moved = {}, {}, {}
        for name, prompt in chosen.items():
            states, pooled, chunks = encode(pipe, prompt)
            tensors[f"text.{name}"] = (states, f"states for the UNet of the prompt {name}: [1, 77 · chunks, D]")
            if pooled is not None:
                tensors[f"pooled.{name}"] = (pooled, "projected state of the first chunk, without weights: [1, P]")
            OPTIONS.emphasis = "Ignore"
            moved[name] = must_matter(f"emphasis of {prompt}", encode(pipe, prompt)[0], states)
            OPTIONS.emphasis = "Original"
            # Where the mean after weighting is near zero, rounding would decide.
            pipe.to(torch.float64)
            assert difference(states, encode(pipe, prompt)[0]) < 1e-5, prompt
            pipe.to(torch.float32)
            prompts[name] = {"prompt": prompt, "parsed": parsed(prompt), "chunks": [{**chunk, "weights": [float(w) for w in chunk["weights"]]} for chunk in chunks]}
        rule = (
            "weights multiply the states of their tokens, then the whole chunk is scaled so that its mean is what it was (emphasis 'Original'); chunks of 75 tokens "
            "between start and end; a chunk that overflows within 20 tokens of a comma is cut after the comma"
        )
        what = "A1111's emphasis, BREAK and chunks beyond 77 tokens" + (" for both text encoders: each is weighted by itself" if base == "sdxl" else "")
        write_case(where, what, tensors, {"prompts": prompts, "rule": rule}, model=f"../../families/{base}", a1111=A1111_VERSION, sensitivity=moved)
    write_json(folder / "parsed.json", {"a1111": A1111_VERSION, "prompts": [{"prompt": prompt, "parsed": parsed(prompt)} for prompt in PROMPTS]})
    pipe = open_base("sd1")
    lengths = []
    for prompt in (LONG, COMMAS, NO_COMMAS, "castle " * 75, "castle " * 76, "fox BREAK " * 3 + "fox"):
        _, _, chunks = encode(pipe, prompt)
        lengths.append({"prompt": prompt, "chunks": [chunk["ids"] for chunk in chunks]})
    write_json(folder / "chunks.json", {"a1111": A1111_VERSION, "tokenizer": "../../families/sd1/tokenizer", "prompts": lengths})


A1111_VERSION = "AUTOMATIC1111/stable-diffusion-webui, 1.8 to 1.10 (parse_prompt_attention, FrozenCLIPEmbedderWithCustomWordsBase, EmphasisOriginal)"


def guided(pipe, positive, negative, start, steps, scale, separate):
    """DDIM with guidance over given states. `separate`: two passes, as the webui does where the lengths differ."""
    pipe.scheduler.set_timesteps(steps)
    latents, kept = start, []
    for timestep in pipe.scheduler.timesteps:
        conditional = pipe.unet(latents, timestep, positive).sample
        unconditional = pipe.unet(latents, timestep, negative).sample
        latents = pipe.scheduler.step(unconditional + scale * (conditional - unconditional), timestep, latents, return_dict=False)[0]
        kept.append(latents)
    return torch.stack(kept)


def make_long():
    folder = new_folder(HERE / "long-prompt")
    pipe = open_base("sd1")
    positive, _, _ = encode(pipe, LONG)
    negative, _, _ = encode(pipe, NEGATIVE)
    assert positive.shape[1] > negative.shape[1]
    start = noise("long-prompt/start", 1, 4, 8, 8)
    steps = guided(pipe, positive, negative, start, 5, 6.0, True)
    padded = torch.cat([negative, encode(pipe, "")[0].repeat(1, positive.shape[1] // 77 - 1, 1)], dim=1)
    with_padding = guided(pipe, positive, padded, start, 5, 6.0, True)
    moved = {"padded": must_matter("padding of the negative", with_padding[-1], steps[-1])}
    tensors = {
        "start": (start, START), "ddim.steps": (steps, LATENTS + "; the negative prompt keeps its one chunk and is asked by itself (A1111's default)"),
        "ddim_padded.steps": (with_padding, LATENTS + "; the negative prompt is padded with chunks of the empty prompt (A1111's pad_cond_uncond, ComfyUI)"),
    }
    settings = {"prompt": LONG, "negative_prompt": NEGATIVE, "num_inference_steps": 5, "guidance_scale": 6.0, **SIZE, "chunks": [positive.shape[1] // 77, 1]}
    write_case(folder, "a prompt of several chunks against a negative prompt of one", tensors, settings, model="../../families/sd1", a1111=A1111_VERSION, sensitivity=moved)


# Pictures by diffusers


def trajectory(name, what, base, settings, start=None, without=None, pipe=None, tensors=None, **more):
    folder = HERE / name
    if not folder.exists():
        folder.mkdir(parents=True)
    pipe = pipe or open_base(base)
    start = noise(f"{name}/start", 1, 4, settings["height"] // 2, settings["width"] // 2) if start is None else start
    steps, picture = draw(pipe, {**settings, "latents": start})
    moved = {}
    if without is not None:
        plain, _ = draw(pipe, {**settings, **without, "latents": start})
        moved["without"] = must_matter(name, plain[-1], steps[-1])
    kept = {"start": (start, START), "ddim.steps": (steps, LATENTS), "ddim.picture": (picture, "the picture in [0, 1]: [B, 3, H, W]"), **(tensors or {})}
    write_case(folder, what, kept, settings, model=f"../../families/{base}", sensitivity=moved, **more)


def make_settings():
    plain = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "num_inference_steps": 5, "guidance_scale": 6.0, **SIZE}
    for base in ("sd1", "sdxl"):
        tail = "" if base == "sd1" else "-xl"
        pipe = open_base(base)
        new_folder(HERE / f"clip-skip{tail}")
        found = pipe.encode_prompt(PROMPT, "cpu", 1, False, clip_skip=1) if base == "sd1" else pipe.encode_prompt(PROMPT, do_classifier_free_guidance=False, clip_skip=1)
        text = {"text.prompt": (found[0], "states for the UNet with the skip")}
        what = "clip skip 2 (diffusers' clip_skip=1): the last but one state and the final norm" if base == "sd1" else "diffusers' clip_skip=1 for SDXL: one layer before the usual, of both text encoders"
        trajectory(f"clip-skip{tail}", what, base, {**plain, "clip_skip": 1}, without={"clip_skip": None}, tensors=text, **({"patched": PATCHED} if base == "sd1" else {}))
        new_folder(HERE / f"guidance-rescale{tail}")
        what = "guidance_rescale 0.7: Lin et al. 2024, arXiv 2305.08891, section 3.4"
        trajectory(f"guidance-rescale{tail}", what, base, {**plain, "guidance_rescale": 0.7}, without={"guidance_rescale": 0.0})
    new_folder(HERE / "guidance-0")
    start = noise("guidance-0/start", 1, 4, 8, 8)
    one, _ = draw(open_base("sd1"), {**plain, "guidance_scale": 1.0, "latents": start})
    zero, _ = draw(open_base("sd1"), {**plain, "guidance_scale": 0.0, "latents": start})
    assert torch.equal(one, zero)
    what = "guidance 0, and the same at 1 bit for bit: conditional with the prompt, the negative prompt is not asked"
    trajectory("guidance-0", what, "sd1", {**plain, "guidance_scale": 0.0}, start=start, without={"guidance_scale": 1.5})

    folder = new_folder(HERE / "seeds")
    seeds = [7, 2**32 + 7, 9007199254740993, 18446744073709551615]
    pipe = open_base("sd1")
    drawn = torch.cat([torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    settings = {**plain, "num_inference_steps": 4}
    sources = [torch.Generator().manual_seed(seed) for seed in seeds]
    steps, picture = draw(pipe, {**{**settings, "prompt": [PROMPT] * 4, "negative_prompt": [NEGATIVE] * 4}, "generator": sources})
    again, _ = draw(pipe, {**{**settings, "prompt": [PROMPT] * 4, "negative_prompt": [NEGATIVE] * 4}, "latents": drawn})
    assert difference(again, steps) < 1e-6
    same = [torch.equal(drawn[0], drawn[1])]
    tensors = {"start": (drawn, "what each seed draws: [4, 4, h, w]"), "ddim.steps": (steps[-1:], "latents after the last step: [1, B, 4, h, w]"), "ddim.picture": (picture, "[B, 3, H, W] in [0, 1]")}
    note = f"torch seeds its Mersenne twister with the low 32 bits: 7 and 2**32 + 7 draw {'the same' if same[0] else 'otherwise'}"
    write_case(folder, "a batch of four with a seed for each picture, seeds of 64 bits", tensors, {**settings, "seeds": [str(seed) for seed in seeds]}, model="../../families/sd1", note=note)


def record(module):
    """What `randn_tensor` of a module draws from now on."""
    drawn, original = [], module.randn_tensor

    def draw_and_keep(*args, **kwargs):
        values = original(*args, **kwargs)
        drawn.append(values.clone())
        return values

    module.randn_tensor = draw_and_keep
    return drawn


def make_img2img():
    from diffusers.models.autoencoders import vae as vae_module
    from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_img2img as sd
    from diffusers.pipelines.stable_diffusion_xl import pipeline_stable_diffusion_xl_img2img as xl

    for base, module, kind in (("sd1", sd, StableDiffusionImg2ImgPipeline), ("sdxl", xl, StableDiffusionXLImg2ImgPipeline)):
        name = "img2img" if base == "sd1" else "img2img-xl"
        folder = new_folder(HERE / name)
        pixels = (noise(f"{name}/picture", 16, 16, 3) * 0.25 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
        Image.fromarray(pixels.numpy(), "RGB").save(folder / "input.png")
        image = Image.open(folder / "input.png")
        pipe = open_base(base, kind)
        settings = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "num_inference_steps": 5, "guidance_scale": 6.0, "strength": 0.6}
        posterior, after = record(vae_module), record(module)
        source = torch.Generator().manual_seed(1234)
        steps, picture = draw(pipe, {**settings, "image": image, "generator": source})
        assert len(posterior) == 1 and len(after) == 1, (len(posterior), len(after))
        values = pixels.permute(2, 0, 1)[None].float() / 255 * 2 - 1
        distribution = pipe.vae.encode(values).latent_dist
        scaled = distribution.mean * pipe.vae.config.scaling_factor
        drawn_posterior, drawn = posterior[0], after[0]
        # The mean: latents given as the picture, noise drawn first from the seed.
        source = torch.Generator().manual_seed(1234)
        mean_steps, mean_picture = draw(pipe, {**settings, "image": scaled, "generator": source})
        mean_noise = after[1]
        moved = {"sampled": must_matter("the posterior's noise", mean_steps[-1], steps[-1])}
        pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
        euler, _ = draw(pipe, {**settings, "image": scaled, "generator": torch.Generator().manual_seed(1234)})
        tensors = {
            "image": (values, "input.png in [−1, 1]: [1, 3, H, W]"),
            "posterior.mean": (distribution.mean, "of the encoder, not scaled"), "posterior.std": (distribution.std, "of the encoder"),
            "posterior.noise": (drawn_posterior, "what the seed draws first: latents = (mean + std · noise) · scaling_factor"),
            "noise": (drawn, "what the seed draws next: added at the first timestep"), "ddim.steps": (steps, LATENTS), "ddim.picture": (picture, "in [0, 1]"),
            "mean.noise": (mean_noise, "noise where the mean is taken and nothing is drawn for it: the seed's first"),
            "mean.ddim.steps": (mean_steps, LATENTS + "; from the mean of the posterior"), "mean.ddim.picture": (mean_picture, "in [0, 1]"),
            "mean.euler.steps": (euler, LATENTS + "; the same under EulerDiscreteScheduler"),
        }
        note = "5 steps at strength 0.6 walk the last 3; diffusers samples the posterior with the seed (sample_mode 'sample')"
        write_case(folder, "a picture from a picture", tensors, {**settings, "seed": 1234, "image": "input.png", **SIZE}, model=f"../../families/{base}", note=note, sensitivity=moved)


def make_tiles():
    folder = new_folder(HERE / "vae-tiling")
    vae = open_base("sd1").vae
    latents, image = noise("tiles/latents", 1, 4, 14, 21), noise("tiles/image", 1, 3, 28, 42, scale=0.5)
    whole, whole_mean = vae.decode(latents).sample, vae.encode(image).latent_dist.mean
    vae.enable_tiling()
    vae.tile_sample_min_size, vae.tile_latent_min_size = 16, 8
    tiled, tiled_mean = vae.decode(latents).sample, vae.encode(image).latent_dist.mean
    moved = {"decoded": must_matter("tiles", whole, tiled), "mean": must_matter("tiles", whole_mean, tiled_mean)}
    tensors = {
        "vae.latents": (latents, "input of the decoder: [1, 4, 14, 21]"), "vae.decoded": (tiled, "by tiles"), "vae.decoded_whole": (whole, "in one piece"),
        "vae.image": (image, "input of the encoder: [1, 3, 28, 42]"), "vae.mean": (tiled_mean, "by tiles"), "vae.mean_whole": (whole_mean, "in one piece"),
    }
    settings = {"tile_sample_min_size": 16, "tile_latent_min_size": 8, "tile_overlap_factor": 0.25}
    write_case(folder, "AutoencoderKL.enable_tiling with tiles of 8 × 8 latents", tensors, settings, model="../../families/sd1", sensitivity=moved)


def make_embeddings():
    folder = new_folder(HERE / "textual-inversion")
    one, two = noise("inversion/one", 1, 16, scale=0.8), noise("inversion/two", 2, 16, scale=0.8)
    save_file({"<moss>": one[0].clone()}, folder / "one.safetensors")
    save_file({"<fern>": two}, folder / "two.safetensors")
    save_file({"emb_params": two.flip(0).contiguous()}, folder / "a1111.safetensors")
    pipe = open_base("sd1")
    plain, _ = pipe.encode_prompt("a moss fox in the fern", "cpu", 1, False)
    for name, token in (("one", None), ("two", None), ("a1111", "badfox")):
        pipe.load_textual_inversion(folder, weight_name=f"{name}.safetensors", **({"token": token} if token else {}))
    prompts = {"one": "a <moss> fox", "two": "a <fern> fox in the snow", "a1111": "badfox, night", "both": "<moss> and <fern>, badfox"}
    tensors, tokens, moved = {}, {}, {}
    for name, prompt in prompts.items():
        states, _ = pipe.encode_prompt(prompt, "cpu", 1, False)
        tensors[f"text.{name}"] = (states, f"states for the UNet of {prompt!r}")
        converted = pipe.maybe_convert_prompt(prompt, pipe.tokenizer)
        tokens[name] = pipe.tokenizer(converted, padding="max_length", max_length=77, truncation=True).input_ids
        moved[name] = must_matter(name, pipe.encode_prompt(prompt.replace("<", "").replace(">", "").replace("badfox", "fox"), "cpu", 1, False)[0], states)
    files = {"one.safetensors": "<moss>, one vector, diffusers", "two.safetensors": "<fern>, two vectors, diffusers", "a1111.safetensors": "badfox, two vectors, A1111's emb_params; the token is the name it is asked by"}
    settings = {"prompts": prompts, "files": files, "added_ids": "592 <moss>, 593 <fern>, 594 <fern>_1, 595 badfox, 596 badfox_1"}
    write_case(folder, "textual inversion by load_textual_inversion", tensors, settings, model="../../families/sd1", tokens=tokens, sensitivity=moved)

    folder = new_folder(HERE / "textual-inversion-xl")
    small, large = noise("inversion/xl/l", 2, 16, scale=0.8), noise("inversion/xl/g", 2, 24, scale=0.8)
    save_file({"clip_l": small, "clip_g": large}, folder / "embedding.safetensors")
    pipe = open_base("sdxl")
    prompt = "a <moss> fox in the snow"
    pipe.load_textual_inversion(small, token="<moss>", text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer)
    pipe.load_textual_inversion(large, token="<moss>", text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2)
    states, _, pooled, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
    other, _, other_pooled, _ = pipe.encode_prompt("a moss fox in the snow", do_classifier_free_guidance=False)
    converted = pipe.maybe_convert_prompt(prompt, pipe.tokenizer_2)
    ids = pipe.tokenizer_2(converted, padding="max_length", max_length=77, truncation=True).input_ids
    encoder = pipe.text_encoder_2
    hidden = encoder.text_model(torch.tensor([ids])).last_hidden_state
    at_end = encoder.text_projection(hidden[:, ids.index(591)])
    moved = {"text": must_matter("xl inversion", other, states), "pooled": must_matter("pooled", other_pooled, pooled), "where it is pooled": must_matter("pooling", at_end, pooled)}
    tensors = {
        "text.prompt": (states, "states for the UNet"), "pooled.prompt": (pooled, "as diffusers pools it: eos_token_id is 2 in the config, so transformers takes the greatest id, which is that of the last added token and not the end"),
        "pooled.at_end": (at_end, "pooled at the end of the text, as A1111 and ComfyUI do, which put vectors in without new ids"),
    }
    settings = {"prompt": prompt, "files": {"embedding.safetensors": "clip_l and clip_g, two vectors each, for <moss>"}}
    write_case(folder, "a textual inversion for both text encoders", tensors, settings, model="../../families/sdxl", tokens={"prompt_2": ids}, sensitivity=moved)


def make_lcm():
    """A full LCM: the guidance is a condition of its UNet."""
    folder = new_folder(HERE / "lcm-guidance-embedding")
    unet = make_unet("pictures/lcm", block_out_channels=(4, 8), norm_num_groups=2, time_cond_proj_dim=8)
    unet.half().save_pretrained(folder / "unet")
    pipe = open_base("sd1")
    pipe.unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    settings = {"prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 8.0, **SIZE}
    start = noise("lcm/start", 1, 4, 8, 8)
    from diffusers.schedulers import scheduling_lcm

    drawn = record(scheduling_lcm)
    steps, _ = draw(pipe, {**settings, "latents": start, "generator": torch.Generator().manual_seed(5)})
    noises = torch.stack(drawn)
    other, _ = draw(pipe, {**settings, "guidance_scale": 2.0, "latents": start, "generator": torch.Generator().manual_seed(5)})
    moved = {"guidance": must_matter("guidance", other[-1], steps[-1])}
    tensors = {
        "start": (start, START), "embedding": (pipe.get_guidance_scale_embedding(torch.tensor([7.0]), 8), "timestep_cond of w − 1 = 7: [1, 8]"),
        "noise": (noises, "what the seed draws at each step but the last"), "lcm.steps": (steps, LATENTS),
    }
    write_case(folder, "time_cond_proj_dim in a pipeline: guidance − 1 as an embedding, one pass a step, no negative prompt", tensors, {**settings, "seed": 5, "sampler": "LCMScheduler.from_config of the base's"}, model="../../families/sd1", unet="unet", sensitivity=moved)


def make_sizes():
    """The size of a picture that is not asked for."""
    folder = new_folder(HERE / "default-sizes")
    cases = []
    for version, size in (("0.42.1", 8), ("0.42.1", [8, 12]), ("0.42.1", [12, 8]), ("0.42.1", None), ("0.8.1", 8), ("0.8.1", 32), ("0.9.0", 32), ("0.8.1", [32, 32]), ("0.42.1", 64), ("0.42.1", 5)):
        for base in ("sd1", "sdxl"):
            pipe = open_base(base)
            unet = pipe.unet
            unet.register_to_config(sample_size=size)
            unet._internal_dict = type(unet._internal_dict)({**unet._internal_dict, "_diffusers_version": version})
            case = {"family": base, "_diffusers_version": version, "sample_size": size, "vae_scale_factor": pipe.vae_scale_factor}
            try:
                rebuilt = type(pipe)(**pipe.components, **({"requires_safety_checker": False} if base == "sd1" else {}))
                rebuilt.set_progress_bar_config(disable=True)
                picture = rebuilt("fox", num_inference_steps=1, guidance_scale=1.0, output_type="pt").images
                case["picture"] = {"height": picture.shape[2], "width": picture.shape[3]}
            except Exception as error:
                case["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            cases.append(case)
    write_json(folder / "case.json", {"what": "height and width where none are asked for: sample_size × 2 here, × 8 for a VAE of four levels", "versions": versions(), "cases": cases})
    for case in cases:
        print("   ", {key: case[key] for key in case if key != "vae_scale_factor"})


if __name__ == "__main__":
    make_emphasis()
    make_long()
    make_settings()
    make_img2img()
    make_tiles()
    make_embeddings()
    make_lcm()
    make_sizes()
