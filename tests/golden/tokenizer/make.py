"""Writes vectors.json: what transformers' CLIPTokenizer makes of some seventy texts. How to run it: README.md."""

import json
import platform
import shutil
import tempfile
from pathlib import Path

import tokenizers
import transformers
from transformers import CLIPTokenizer

HERE = Path(__file__).parent
STARTER = HERE.parents[2] / "starter"

MAX_POSITIONS = 77
START, END = "<|startoftext|>", "<|endoftext|>"


def spelt_out(content, normalized):
    return {"content": content, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False}


# Settings as the folders of published models have them, each over the vocabulary of the starter base.
SETTINGS = {
    "as Stable Diffusion 1.5": {
        "tokenizer_config.json": {
            "add_prefix_space": False,
            "bos_token": {"__type": "AddedToken", **spelt_out(START, True)},
            "do_lower_case": True,
            "eos_token": {"__type": "AddedToken", **spelt_out(END, True)},
            "errors": "replace",
            "model_max_length": 77,
            "pad_token": END,
            "tokenizer_class": "CLIPTokenizer",
            "unk_token": {"__type": "AddedToken", **spelt_out(END, True)},
        },
        "special_tokens_map.json": {
            "bos_token": spelt_out(START, True),
            "eos_token": spelt_out(END, True),
            "pad_token": END,
            "unk_token": spelt_out(END, True),
        },
    },
    "as Stable Diffusion 2": {
        "tokenizer_config.json": {"model_max_length": 77, "pad_token": END, "tokenizer_class": "CLIPTokenizer"},
        "special_tokens_map.json": {
            "bos_token": spelt_out(START, True),
            "eos_token": spelt_out(END, True),
            "pad_token": "!",
            "unk_token": spelt_out(END, True),
        },
    },
    "as Stable Diffusion XL": {
        "tokenizer_config.json": {
            "added_tokens_decoder": {
                "605": {**spelt_out(START, True), "special": True},
                "606": {**spelt_out(END, True), "special": True},
            },
            "bos_token": START,
            "eos_token": END,
            "model_max_length": 77,
            "pad_token": END,
            "unk_token": END,
        },
    },
    "with a learned word": {
        "tokenizer_config.json": {
            "added_tokens_decoder": {
                "0": {**spelt_out("!", False), "special": True},
                "605": {**spelt_out(START, True), "special": True},
                "606": {**spelt_out(END, False), "special": True},
                "607": {**spelt_out("<Moss Cat>", True), "special": False},
            },
            "bos_token": START,
            "eos_token": END,
            "model_max_length": 16,
            "pad_token": "!",
            "unk_token": END,
        },
        "special_tokens_map.json": {"pad_token": END},
    },
    "with a learned word, older": {
        "tokenizer_config.json": {"model_max_length": 16},
        "added_tokens.json": {"<Moss Cat>": 607},
    },
    "with nothing beside it": {},
}

TEXTS = {
    "caption": "a big red fox in the green meadow at night",
    "caption with marks": "a small white house, a purple tree and a yellow star.",
    "starter caption": "three small orange fish and a blue boat in the sea at sunset",
    "empty": "",
    "only spaces": "     ",
    "spaces around": "   a red   car   ",
    "upper case": "A BIG BLUE MUSHROOM IN THE DESERT",
    "mixed case": "PiNk HeArT",
    "punctuation": "big!!! (red) [green] {blue}; yes? no: \"maybe\" - ok...",
    "punctuation only": "?!?!.,;:-_/\\|@#$%^&*+=~`",
    "exclamation mark": "a red car!",
    "exclamation marks": "wow!!! ! what?!",
    "numbers": "3 trees, 12 stars, 1990s, 4k, 3.14, 1,000,000",
    "other numbers": "\u00bd \u00b2 \u2167 \u0663\u0664 \u0967\u0968 \u2460 \u4e09",
    "contractions": "it's they're I've I'm we'll he'd don't",
    "contractions in upper case": "IT'S THEY'RE I'VE I'M WE'LL HE'D DON'T",
    "apostrophes": "'solar' ''double'' rock'n'roll '90s the cats' o'clock",
    "typographic apostrophes": "it\u2019s \u2018quoted\u2019 don\u2019t",
    "typographic marks": "\u201cred\u201d \u2014 blue \u2013 green \u2026 \u00abpink\u00bb",
    "accents, composed": "caf\u00e9 na\u00efve \u00c5ngstr\u00f6m \u00f1and\u00fa \u1ec7",
    "accents, decomposed": "cafe\u0301 nai\u0308ve A\u030angstro\u0308m n\u0303andu\u0301 e\u0323\u0302",
    "marks with nothing below": "\u0301a \u0308 b\u0301\u0301\u0301",
    "compatibility forms": "\u212b \u2126 \u212a \ufb01sh \ufb02ower \u017f \u2122",
    "full width": "\uff22\uff29\uff27 \uff32\uff45\uff44 \uff11\uff12 \uff01\uff1f",
    "sharp s": "Stra\u00dfe STRA\u1e9eE",
    "dotted and dotless i": "\u0130stanbul \u0131 I i\u0307",
    "Greek": "\u039f\u0394\u039f\u03a3 \u03a3\u03a3 \u03c3\u03c2 \u03a3",
    "Greek word that ends in a capital sigma": "\u03a6\u03a9\u03a3, \u03a6\u03a9\u03a3",
    "Cyrillic": "\u0411\u043e\u043b\u044c\u0448\u043e\u0439 \u041a\u0420\u0410\u0421\u041d\u042b\u0419 \u0439\u0419 \u0438\u0306",
    "Armenian and Georgian": "\u0535\u0582 \u10d0\u1c90 \u0587",
    "Cherokee": "\u13a0\u13b0 \uab70",
    "title case letters": "\u01c5 \u01c8 \u01f2 \u1f88",
    "Chinese": "\u4e00\u53ea\u7ea2\u8272\u7684\u72d0\u72f8",
    "Japanese": "\u8d64\u3044\u30ad\u30c4\u30cd\u3001\uff76\uff9e \u304b\u3099",
    "Korean": "\ube68\uac04 \uc5ec\uc6b0 \u1107\u1161\u11af",
    "Arabic": "\u062b\u0639\u0644\u0628 \u0623\u062d\u0645\u0631\u060c \u0643\u0628\u064a\u0631\u064c",
    "Hebrew with points": "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    "Devanagari": "\u0932\u093e\u0932 \u0932\u094b\u092e\u0921\u093c\u0940 \u0958",
    "Thai": "\u0e2a\u0e38\u0e19\u0e31\u0e02\u0e08\u0e34\u0e49\u0e07\u0e08\u0e2d\u0e01",
    "right-to-left marks": "red \u200ffox\u200e \u202eblue\u202c \u2067sea\u2069",
    "emoji": "a fox \U0001f98a in the snow \u2744\ufe0f",
    "emoji family": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd",
    "flag": "\U0001f1f3\U0001f1f4",
    "letters beyond the first plane": "\U0001d400\U0001d5ba \U00010400\U00010428 \U00020000 \U0001e900",
    "zero-width joiners": "re\u200dd bl\u200cue \u200bgreen\u2060 star",
    "byte order mark": "\ufeffa red\ufefffox \ufeff",
    "byte order mark between marks": "!\ufeff! ?\ufeff\ufeff.",
    "tabs and newlines": "a red\tfox\nin\r\nthe\x0b\x0csnow\n",
    "no-break and wide spaces": "red\u00a0fox\u3000blue\u2003sea\u202fsun\u205fset\u1680x",
    "line separators": "red\u2028blue\u2029green\u0085sea",
    "not quite spaces": "red\u180eblue\u200bgreen\u2800sea\u3164x",
    "control characters": "red\x00fox\x01\x1b[31m\x7fblue\x9fsea",
    "information separators": "red\x1cfox\x1dblue\x1esea\x1fstar",
    "soft hyphen": "mush\u00adroom",
    "replacement and private characters": "\ufffd \ue000 \uffff \U0010ffff",
    "end token inside": "red <|endoftext|> blue",
    "end token inside a word": "red<|endoftext|>blue<|endoftext|>",
    "start token inside": "<|startoftext|>a red fox",
    "special tokens in upper case": "a<|ENDOFTEXT|>!! <|StartOfText|>?",
    "special tokens after marks": "!!<|ENDOFTEXT|>!! <|endoftext| <|endoftext>",
    "end token in upper case": "<|ENDOFTEXT|>",
    "end token in upper case, twice": "<|endoftext|><|EndOfText|>",
    "composed only when lowered": "J\u030c H\u0331 T\u0308 W\u030a Y\u030a A\u02be",
    "learned word": "a <Moss Cat> in the snow, <moss\u3000 cat>s, <MOSS CAT>",
    "weights of a web interface": "(red fox:1.2), [blue], <lora:neon:0.8> BREAK",
    "markup": "<b>red</b> &amp; blue {{green}} %s \\n ${x}",
    "address": "https://example.org/a-red-fox?x=1&y=%20#top me@example.org",
    "names of objects": "constructor __proto__ toString hasOwnProperty",
    "fits exactly": " ".join(["red"] * 22),
    "one too many": " ".join(["red"] * 23),
    "very long": "the big red car and the small blue boat, " * 60,
    "one long word": "mushroom" * 100,
    "very long, of marks": "?!" * 500,
}

# Letters of Unicode 17, between letters: tokenizers knows Unicode 16, where they are unassigned.
NEW_LETTERS = "b\u088fc b\ua7cec b\U00010940c"


def fresh_folder(root, name, settings):
    folder = root / name
    folder.mkdir()
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(STARTER / "storybook" / "tokenizer" / file, folder)
    for file, content in settings.items():
        (folder / file).write_text(json.dumps(content))
    return folder


def answer_all(folder, texts):
    """For each text: how many ids it has when nothing is cut, and the ids before the padding when it is."""
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    length = min(tokenizer.model_max_length, MAX_POSITIONS)
    answers = []
    for text in texts:
        whole = len(tokenizer(text, truncation=False, padding=False).input_ids)
        cut = tokenizer(text, truncation=True, padding="max_length", max_length=length)
        used = sum(cut.attention_mask)
        assert cut.input_ids[used:] == [tokenizer.pad_token_id] * (length - used)
        answers.append((whole, cut.input_ids[:used]))
    return {"maxTokens": length, "padding": tokenizer.pad_token_id}, answers


def grouped(answers):
    """Folders that agree on a text share one entry."""
    groups = {}
    for folder, answer in answers.items():
        groups.setdefault(json.dumps(answer), []).append(folder)
    return [{"folders": folders, "whole": json.loads(key)[0], "ids": json.loads(key)[1]} for key, folders in groups.items()]


def main():
    with tempfile.TemporaryDirectory() as root:
        paths = {name: STARTER / name / "tokenizer" for name in ("storybook", "watercolor")}
        paths |= {name: fresh_folder(Path(root), name, settings) for name, settings in SETTINGS.items()}
        answered = {name: answer_all(path, TEXTS.values()) for name, path in paths.items()}
        _, [(_, new_letters)] = answer_all(paths["with nothing beside it"], [NEW_LETTERS])
    versions = {"python": platform.python_version(), "transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    folders = [{"name": name, **facts, "settings": SETTINGS.get(name)} for name, (facts, _) in answered.items()]
    texts = [
        {"name": name, "text": text, "answers": grouped({folder: answers[i] for folder, (_, answers) in answered.items()})}
        for i, (name, text) in enumerate(TEXTS.items())
    ]
    sections = {
        "versions": json.dumps(versions),
        "maxPositions": json.dumps(MAX_POSITIONS),
        "folders": in_lines(folders),
        "newLetters": json.dumps({"text": NEW_LETTERS, "ids": new_letters}),
        "texts": in_lines(texts),
    }
    vectors = ",\n".join(f'"{name}": {content}' for name, content in sections.items())
    (HERE / "vectors.json").write_text("{\n" + vectors + "\n}\n")


def in_lines(items):
    return "[\n" + ",\n".join(map(json.dumps, items)) + "\n]"


main()
