"""Tiny CLIPModels with noise for weights, and what CLIPImageProcessor's PIL version makes of small PNGs; see README.md."""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

sys.path.insert(0, str(Path(__file__).parent.parent))
import common
from common import END, fill, must_matter, new_folder, noise, text_config, write_case, write_json, write_tokenizer

HERE = Path(__file__).parent

# A word whose number is higher than the end's: the two rules for where a text is pooled differ on it.
for merge in (("z", "o"), ("zo", "o</w>")):
    common.MERGES.append(merge)
    common.VOCABULARY["".join(merge)] = len(common.VOCABULARY)

PROMPTS = ["a red fox in the snow", "a castle", "a photo of a zoo at night", "", "old house and sea light " * 20]


# PNGs, not compressed: the same bytes whatever deflates.


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, rows, width, depth, colour, *before):
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 0)
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *(chunk(*one) for one in before), chunk(b"IDAT", data), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def picture(name, width, height, channels):
    """Noise over slow waves, with black and white among it."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    waves = torch.stack([torch.sin(x / (3 + c) + y / (5 - c) + c) for c in range(channels)], -1)
    values = 128 + 110 * waves + noise(name, height, width, channels, scale=40)
    return values.clamp(0, 255).to(torch.uint8).numpy()


GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, GREY_ALPHA: 2, RGBA: 4}


def write_pictures(folder):
    def eight_bits(name, width, height, colour, *before):
        pixels = picture(name, width, height, CHANNELS[colour])
        write_png(folder / f"{name}.png", [row.tobytes() for row in pixels], width, 8, colour, *before)
        return pixels

    eight_bits("odd", 31, 23, RGB)
    eight_bits("small", 9, 5, RGB)
    eight_bits("tall", 6, 47, RGB)
    eight_bits("exact", 16, 16, RGB)
    eight_bits("large", 48, 36, RGB)
    eight_bits("alpha", 21, 19, RGBA)
    eight_bits("grey", 23, 29, GREY)
    eight_bits("grey-alpha", 14, 20, GREY_ALPHA)
    key = picture("key", 21, 19, 3) // 128 * 255
    write_png(folder / "key.png", [row.tobytes() for row in key], 21, 8, RGB, (b"tRNS", struct.pack(">3H", 255, 0, 255)))
    grey_key = picture("grey-key", 21, 19, 1) // 64 * 64
    transparent = (b"tRNS", struct.pack(">H", 64))
    write_png(folder / "grey-key.png", [row.tobytes() for row in grey_key], 21, 8, GREY, transparent)
    indices = (picture("palette", 24, 31, 1) // 16).astype(numpy.uint8)
    colours = (b"PLTE", picture("colours", 16, 1, 3).tobytes())
    write_png(folder / "palette.png", [row.tobytes() for row in indices], 24, 8, PALETTE, colours)
    clear = (b"tRNS", bytes([0, 40, 128, 255, 200]))
    write_png(folder / "palette-alpha.png", [row.tobytes() for row in indices], 24, 8, PALETTE, colours, clear)
    bits = [numpy.packbits(row > 7).tobytes() for row in indices]
    write_png(folder / "bits.png", bits, 24, 1, GREY)
    wide = picture("deep", 14, 11, 3).astype(">u2") * 257 - 100 * (picture("deep", 14, 11, 3) > 0)
    write_png(folder / "deep.png", [row.astype(">u2").tobytes() for row in wide], 14, 16, RGB)


OLDER = ("odd", "small", "tall", "exact", "large")  # every processor gets these; the first gets all


def prepared(folder, processors):
    """Bytes after resizing and cropping, before they are scaled: [3, H, W]."""
    tensors = {}
    for name, processor in processors.items():
        for path in sorted(folder.glob("*.png")):
            if name != "quick-gelu" and path.stem not in OLDER:
                continue
            made = processor(Image.open(path), do_rescale=False, do_normalize=False)["pixel_values"][0]
            assert made.dtype == numpy.uint8
            tensors[f"{name}/{path.stem}"] = torch.from_numpy(numpy.ascontiguousarray(made))
    save_file(tensors, folder / "prepared.safetensors")


# Models


def make_model(name, text, vision, projection, storage):
    config = CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=projection)
    return fill(CLIPModel(config), f"clip/{name}", storage)


def vision_config(**changes):
    tiny = {"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 3}
    return CLIPVisionConfig(**{**tiny, **changes})


def tiny_text(**changes):
    return text_config(**{"hidden_size": 8, "intermediate_size": 16, "vocab_size": len(common.VOCABULARY), **changes})


def embed(model, tokenizer, processor):
    pictures = [Image.open(HERE / "pictures" / f"{name}.png") for name in OLDER]
    pixels = torch.from_numpy(numpy.stack(processor(pictures)["pixel_values"]))
    tokens = tokenizer(PROMPTS, padding="max_length", truncation=True, max_length=77, return_tensors="pt")
    found = model(**tokens, pixel_values=pixels)
    return pixels, found


def make_case(name, what, model, tokenizer, processor, storage, save):
    folder = new_folder(HERE / name)
    save(model.to(storage), folder)
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    pixels, found = embed(model, tokenizer, processor)
    pooled_elsewhere = CLIPModel(model.config).eval()
    pooled_elsewhere.load_state_dict(model.state_dict())
    legacy = model.config.text_config.eos_token_id == 2
    pooled_elsewhere.text_model.eos_token_id = common.VOCABULARY[END] if legacy else 2
    _, other = embed(pooled_elsewhere, tokenizer, processor)
    write_case(
        folder,
        what,
        {
            "pixels": (pixels[:1], f"{OLDER[0]}, made ready"),
            "image_embeds": (found.image_embeds, f"of {', '.join(OLDER)}, each of length 1"),
            "text_embeds": (found.text_embeds, "of the prompts, each of length 1"),
            "logits_per_image": (found.logits_per_image, "cosines times the scale"),
            "scale": (model.logit_scale.exp().reshape(1), "e^logit_scale"),
        },
        {"prompts": PROMPTS, "pictures": list(OLDER)},
        sensitivity={"other rule for the end": must_matter(name, other.text_embeds[2], found.text_embeds[2])},
    )


def save_whole(model, folder):
    model.save_pretrained(folder)


def save_sharded(model, folder):
    """In shards; and as the files of 2022 do, the config says things twice, of which the second counts."""
    model.save_pretrained(folder, max_shard_size="6KB")
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for part in ("text_config", "vision_config"):
        config[f"{part}_dict"] = dict(config[part])
        config[part]["num_hidden_layers"] = 7
    write_json(path, config)


def main():
    pictures = new_folder(HERE / "pictures")
    write_pictures(pictures)
    processors = {
        "quick-gelu": CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}),
        "gelu": CLIPImageProcessorPil(
            size={"height": 15, "width": 15}, do_center_crop=False, resample=2, image_mean=[0.5] * 3, image_std=[0.4, 0.5, 0.6]
        ),
        "padded": CLIPImageProcessorPil(size=9, crop_size=12, resample=1, do_normalize=False),
    }
    prepared(pictures, processors)
    tokenizer = write_tokenizer(new_folder(HERE / "tokenizer"))
    make_case(
        "quick-gelu",
        "quick_gelu, pooled at the highest number (the end token 2 of old configs), half precision",
        make_model(
            "quick-gelu",
            tiny_text(eos_token_id=2),
            vision_config(image_size=16, patch_size=8),
            6,
            torch.float16,
        ),
        tokenizer,
        processors["quick-gelu"],
        torch.float16,
        save_whole,
    )
    make_case(
        "gelu",
        "gelu, pooled at the first end token, pictures that no whole number of patches fills, shards, a config that says things twice",
        make_model(
            "gelu",
            tiny_text(hidden_act="gelu", layer_norm_eps=1e-3, num_attention_heads=4, num_hidden_layers=1),
            vision_config(hidden_act="gelu", image_size=15, patch_size=7, layer_norm_eps=1e-3, num_hidden_layers=1),
            10,
            torch.float16,
        ),
        tokenizer,
        processors["gelu"],
        torch.float16,
        save_sharded,
    )
    make_case(
        "padded",
        "each tower with another activation, a crop that is larger than the picture, sizes as bare numbers, bfloat16",
        make_model(
            "padded",
            tiny_text(hidden_act="gelu", num_attention_heads=1, num_hidden_layers=1),
            vision_config(hidden_size=8, image_size=12, patch_size=4, num_attention_heads=2, num_hidden_layers=1),
            5,
            torch.bfloat16,
        ),
        tokenizer,
        processors["padded"],
        torch.bfloat16,
        save_whole,
    )
    for name, processor in processors.items():
        processor.save_pretrained(HERE / name)
    path = HERE / "padded" / "preprocessor_config.json"
    saved = json.loads(path.read_text())
    spelt = {**saved, "size": 9, "crop_size": 12, "feature_extractor_type": "CLIPFeatureExtractor"}
    write_json(path, {key: value for key, value in spelt.items() if key != "image_processor_type"})
    write_distances()


# Distances


def write_distances():
    """Squared MMD under (x·y/d + 1)³, unbiased, by the sums as they stand."""
    x = noise("clip/x", 14, 6).double().numpy().round(6)
    y = (0.5 * x + 0.8 * noise("clip/y", 14, 6).double().numpy() + 0.3).round(6)
    z = noise("clip/z", 9, 6).double().numpy().round(6)

    def kernel(a, b):
        return (float(numpy.dot(a, b)) / len(a) + 1) ** 3

    def among(a):
        return sum(kernel(a[i], a[j]) for i in range(len(a)) for j in range(len(a)) if i != j) / (len(a) * (len(a) - 1))

    def between(a, b, paired):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (paired and i == j)]
        return sum(kernel(a[i], b[j]) for i, j in pairs) / len(pairs)

    write_json(
        HERE / "distances.json",
        {
            "x": x.tolist(),
            "y": y.tolist(),
            "z": z.tolist(),
            "paired x y": among(x) + among(y) - 2 * between(x, y, True),
            "independent x z": among(x) + among(z) - 2 * between(x, z, False),
        },
    )


main()
