"""Writes vectors.json: what transformers' CLIPTokenizer makes of 219 texts with CLIP's own vocabulary. See README.md."""

import json
import platform
import tempfile
from pathlib import Path

import open_clip
import tokenizers
import transformers
from open_clip.tokenizer import SimpleTokenizer
from transformers import CLIPTokenizer

HERE = Path(__file__).parent
START, END = "<|startoftext|>", "<|endoftext|>"
POSITIONS = 77


def spelt_out(content, normalized):
    return {"content": content, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False}


# As stable-diffusion-v1-5/tokenizer, and as stable-diffusion-2-1/tokenizer and stable-diffusion-xl-base-1.0/tokenizer_2.
MAPS = {
    padding: {
        "bos_token": spelt_out(START, True),
        "eos_token": spelt_out(END, True),
        "pad_token": padding,
        "unk_token": spelt_out(END, True),
    }
    for padding in (END, "!")
}

SUBJECTS = ["an astronaut riding a horse on mars", "portrait of an old fisherman", "a cyberpunk street market", "isometric cottage",
            "a corgi wearing sunglasses", "macro photo of a dragonfly", "the Sydney Opera House", "two cats fighting over spaghetti"]
STYLES = ["oil on canvas by Rembrandt van Rijn", "unreal engine 5, octane render, 8k uhd", "Studio Ghibli, cel-shaded", "1970s Kodachrome",
          "low-poly, pastel", "ukiyo-e woodblock print", "in the style of H. R. Giger", "f/1.8, 85mm, bokeh, ISO100"]
TEXTS = [
    *(f"{subject}, {style}" for subject in SUBJECTS for style in STYLES),
    "masterpiece, best quality, 1girl, solo, long hair, looking_at_viewer, blue_eyes, :d, ^_^, >_<, o_o, ;)",
    "worst quality, low quality, jpeg artifacts, signature, watermark, bad anatomy, extra digits, (deformed:1.3), [[ugly]]",
    "score_9, score_8_up, score_7_up, rating_safe, source_anime, 1boy",
    "newest, masterpiece, very aesthetic, absurdres, artist:wlop, year 2024",
    "((best quality)), (((ultra-detailed))), {{highres}}, <lora:add_detail:0.8>, BREAK, AND a cat :1.5",
    "a photo of sks dog", "a photo of <sks> dog", "zwx, ohwx man", "embedding:EasyNegative, bad-hands-5",
    "!", "!!", "!!!", "!!!!!!!!", "wow!", "wow!!!", "!a!b!", "! ! !", "?!?!", "stop!!!<|endoftext|>!!!", "\u00a1hola!", "\uff01",
    "$100 & 50% off @ 3:30pm #sale *now* (a/b) [c] {d} <e> ~f~ `g` ^h^ _i_ =j= +k+ |l| \\m\\ \"n\" 'o'",
    "1/2 3.14159 1,000,000 -5 +7 10^9 0x1F 2nd 21st 1080p 4K 16:9 #ff0000 v1.5.2 2024-12-31T23:59:59Z",
    "it's can't won't they've you're I'd we'll she'S DON'T o'clock '80s rock'n'roll y'all'd've",
    "caf\u00e9 na\u00efve fa\u00e7ade r\u00e9sum\u00e9 \u00fcber stra\u00dfe \u00c6gir \u00d8rsted \u0141\u00f3d\u017a \u010ce\u0161tina \u0130zmir \u0131rmak ti\u1ebfng Vi\u1ec7t",
    "\u4e00\u4e2a\u5b87\u822a\u5458\u5728\u706b\u661f\u4e0a\u9a91\u9a6c\uff0c\u9ad8\u6e05\uff0c\u7535\u5f71\u611f", "\u5bcc\u58eb\u5c71\u3068\u685c\u3001\u6d6e\u4e16\u7d75\u98a8", "\u521d\u97f3\u30df\u30af \u30c4\u30a4\u30f3\u30c6\u30fc\u30eb",
    "\ud55c\uad6d\uc758 \uc804\ud1b5 \ud55c\ubcf5\uc744 \uc785\uc740 \uc18c\ub140", "\u0413\u043e\u0440\u043e\u0434 \u043d\u043e\u0447\u044c\u044e, \u043d\u0435\u043e\u043d\u043e\u0432\u044b\u0435 \u043e\u0433\u043d\u0438", "\u03a4\u03bf \u03c6\u03c9\u03c2 \u03c4\u03bf\u03c5 \u03ae\u03bb\u03b9\u03bf\u03c5", "\u0642\u0637\u0629 \u0639\u0644\u0649 \u0627\u0644\u0633\u0637\u062d",
    "\u05d7\u05ea\u05d5\u05dc \u05e2\u05dc \u05d4\u05d2\u05d2", "\u092c\u093f\u0932\u094d\u0932\u0940 \u091b\u0924 \u092a\u0930", "\u0e41\u0e21\u0e27\u0e1a\u0e19\u0e2b\u0e25\u0e31\u0e07\u0e04\u0e32", "\u10d9\u10d0\u10e2\u10d0 \u10e1\u10d0\u10ee\u10e3\u10e0\u10d0\u10d5\u10d6\u10d4", "\u12f5\u1218\u1275 \u1260\u1323\u122a\u12eb",
    "\U0001f600\U0001f603\U0001f604", "\U0001f9d1\u200d\U0001f680 on \U0001f30c", "\U0001f469\U0001f3fd\u200d\U0001f4bb\U0001f468\u200d\U0001f469\u200d\U0001f466", "\u2764\ufe0f\u200d\U0001f525 \u2728 \u2b50\ufe0f \u2600 \u263a\ufe0f", "\U0001f1ef\U0001f1f5\U0001f1e7\U0001f1f7 1\ufe0f\u20e3 #\ufe0f\u20e3",
    "\U0001f430\U0001f338 cute bunny \U0001f338\U0001f430, pastel \U0001f308!!! \u2665\u2665\u2665", "\u266a \u266b \u2603 \u2602 \u2620 \u2622 \u2318 \u2325 \u21e7 \u2192 \u2190 \u2191 \u2193 \u2022 \u2023 \u00a7 \u00b6 \u2020 \u2021",
    "\u222b\u2211\u220f\u221a\u221e\u2248\u2260\u2264\u2265\u00b1\u00d7\u00f7 \u03b1\u03b2\u03b3 \u211d\u2115\u2124 x\u00b2+y\u00b3 H\u2082O \u00bd\u2153", "\u2500\u2502\u250c\u2510 \u2588\u2593\u2592\u2591 \u25cf\u25cb\u25a0\u25a1 \u2605\u2606", "\u20ac\u00a3\u00a5\u20b9\u20bf\u00a2 \u2122\u00ae\u00a9 \u2030 \u2116 \u00b5m \u00b0C",
    "\U0001d4d1\U0001d4f8\U0001d4f5\U0001d4ed \U0001d572\U0001d594\U0001d599\U0001d58d\U0001d58e\U0001d588 \uff26\uff35\uff2c\uff2c \u24d2\u24d8\u24e1\u24d2\u24db\u24d4\u24d3", "z\u0351\u0346a\u0304\u0306l\u030fg\u0335o\u0321",
    "   leading and trailing   ", "tabs\tand\nnewlines\r\nand\u00a0no-break\u3000wide", "a" * 300, "ab " * 100, "pneumonoultramicroscopicsilicovolcanoconiosis",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua. " * 3,
    "supercalifragilisticexpialidocious antidisestablishmentarianism floccinaucinihilipilification",
    "HELLO World hElLo wORLD iPhone YouTube McDonald's NASA JPEG", "well-known state-of-the-art black-and-white x-ray e-mail co-op",
    "https://civitai.com/models/4384?modelVersionId=128713 user@example.com C:\\Users\\me file_name-v2.safetensors",
    "<|startoftext|> a cat <|endoftext|> a dog", "<|STARTOFTEXT|>cat", "<start_of_text> <end_of_text>", "</w> a</w> i n t h", "#version: 0.2",
    "\u00e2\u20ac\u2122 mojibake caf\u00c3\u00a9", "&amp; &lt;b&gt; &quot;x&quot; &#39;", "\ufeffbom \u200bzero\u200cwidth\u200d \u00adsoft", "\ufffd\ue000\U0010ffff",
    "...", "--", "\u2014\u2014", "\u2026", "a.b.c", "e.g. i.e. etc.", "Mr. & Mrs. Smith, Jr.", "(((", ")))", "][", "\u300c\u5f15\u7528\u300d\u3001\u3002", "''", "\"\"", "\u2018\u2019\u201c\u201d",
]


def main():
    shared = json.loads((HERE.parent / "tokenizer" / "vectors.json").read_text())["texts"]
    texts = [*dict.fromkeys([text["text"] for text in shared] + TEXTS)]
    simple = SimpleTokenizer()  # its own derivation of the vocabulary; only the two special tokens are spelt otherwise
    vocabulary = {{"<start_of_text>": START, "<end_of_text>": END}.get(token, token): id for token, id in simple.encoder.items()}
    merges = [" ".join(pair) for pair in sorted(simple.bpe_ranks, key=simple.bpe_ranks.get)]
    answers = {}
    for padding, special in MAPS.items():
        with tempfile.TemporaryDirectory() as folder:
            files = {
                "vocab.json": json.dumps(vocabulary),
                "merges.txt": "\n".join(["#version: 0.2", *merges, ""]),
                "tokenizer_config.json": json.dumps({"model_max_length": POSITIONS, "tokenizer_class": "CLIPTokenizer"}),
                "special_tokens_map.json": json.dumps(special),
            }
            for name, content in files.items():
                (Path(folder) / name).write_text(content)
            tokenizer = CLIPTokenizer.from_pretrained(folder)
        answers[padding] = [answer(tokenizer, text) for text in texts]
        assert tokenizer.pad_token_id == vocabulary[padding]
    for subject in SUBJECTS:  # plain English, where both libraries do the same
        assert answers[END][texts.index(f"{subject}, {STYLES[0]}")][1][1:-1] == simple.encode(f"{subject}, {STYLES[0]}"), subject
    lines = []
    for i, text in enumerate(texts):
        (whole, ids), (other_whole, other_ids) = answers[END][i], answers["!"][i]
        other = {} if (whole, ids) == (other_whole, other_ids) else {"exclamation": {"whole": other_whole, "ids": other_ids}}
        lines.append(json.dumps({"text": text, "end": {"whole": whole, "ids": ids}, **other}))
    versions = {
        "python": platform.python_version(),
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "open_clip_torch": open_clip.__version__,
    }
    body = ",\n".join(lines)
    (HERE / "vectors.json").write_text(f'{{"versions": {json.dumps(versions)},\n"texts": [\n{body}\n]}}\n')
    print(len(texts), sum("exclamation" in line for line in lines))


def answer(tokenizer, text):
    """How many ids the text has when nothing is cut, and the ids before the padding when it is."""
    whole = len(tokenizer(text, truncation=False, padding=False).input_ids)
    cut = tokenizer(text, truncation=True, padding="max_length", max_length=POSITIONS)
    used = sum(cut.attention_mask)
    assert cut.input_ids[used:] == [tokenizer.pad_token_id] * (POSITIONS - used)
    return whole, cut.input_ids[:used]


main()
