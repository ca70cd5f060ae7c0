"""Asks AUTOMATIC1111's own functions how they read prompts: python3 make.py FOLDER > vectors.json

FOLDER holds prompt_parser.py, extra_networks.py, classic_engine.py and emphasis.py; README.md says where they come from. Only the
functions that are asked are taken out of them, so that nothing else of the web UI is needed."""

import ast
import collections
import json
import re
import sys

import torch

FOLDER = sys.argv[1]


def take(file, names, scope):
    """Runs the definitions of `names` in a file, wherever in it they stand, and nothing else of it."""
    tree = ast.parse(open(f"{FOLDER}/{file}", encoding="utf8").read())
    for node in ast.walk(tree):
        name = getattr(node, "name", None) or (node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else None)
        if name in names:
            exec(compile(ast.Module([node], []), file, "exec"), scope)
    return scope


parser = take("prompt_parser.py", {"re_attention", "re_break", "parse_prompt_attention"}, {"re": re})
networks = take("extra_networks.py", {"ExtraNetworkParams", "re_extra_net", "parse_prompt"}, {"re": re, "defaultdict": collections.defaultdict})
engine = take("classic_engine.py", {"PromptChunk", "PromptChunkFix", "tokenize_line"}, {"namedtuple": collections.namedtuple})
emphasis = take("emphasis.py", {"Emphasis", "EmphasisOriginal"}, {"torch": torch, "__annotations__": {}})


class Letters:
    """A tokenizer that anyone can repeat: each character that is not blank is a token, and its code point the id."""

    chunk_length = 75
    id_start, id_end, comma_token = 1, 2, ord(",")

    class emphasis:
        name = "Original"

    class embeddings:
        find_embedding_at_position = staticmethod(lambda tokens, position: (None, None))

    def tokenize(self, texts):
        return [[ord(c) for c in text if not c.isspace()] for text in texts]


engine["parsing"] = type("parsing", (), {"parse_prompt_attention": staticmethod(lambda text, _: parser["parse_prompt_attention"](text))})

PROMPTS = [
    "", " ", "a", "normal text", "an (important) word", "(unbalanced", "unbalanced)", "[unbalanced", "unbalanced]",
    r"\(literal\]", r"\\(a)", "a\\", "\\", r"\a\b", r"\:1.2)", "(unnecessary)(parens)",
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
    "((a))", "(((((a)))))", "[a]", "[[a]]", "([a])", "[(a)]", "([)]", "[(])", "(a [b) c]", "((a) b", "(a (b) c:1.5)", "(a:1.3)(b:1.3)",
    "(a:0)", "(a:-1)", "(a:+0.5)", "(a:.5)", "(a:1.)", "(a: 1.3 )", "(a:\t1.3\n)", "(a:1 .3)", "(a:1.3 b)", "(a :1.3)", "(:1.3)", "(a:)", "(a:b:1.3)",
    "(a:1e3)", "(a:00001.1000)", "[a:1.3]", "[a:b:0.5]", "[a|b]", "a:1.3)", "a : b :: c", ":1.3)", "((a:1.3)", "(a:1.3))", "()", "[]", "(())", "(a)(b)[c][d]",
    "a BREAK b", "BREAK", "BREAK BREAK", "a\n BREAK \t b", "aBREAK", "BREAKa", "a_BREAK b", "a,BREAK,b", "a BREAK b BREAK c", "BREAK a", "a BREAK", "breaks break",
    "(a BREAK b)", "(a BREAK b:1.3)", "(BREAK:1)", "[BREAK]", "(BREAK:-1)", "(a:-1)(BREAK:2)", r"\BREAK", "\u00e9BREAK", "\u4e00BREAK", "\U0001f5fcBREAK\U0001f5fc", "a\u00a0BREAK\u3000b", "a\ufeffBREAK\ufeffb", "a\x1cBREAK\x85b",
    "\u591c\u306e(\u706f\u53f0:1.2)\u3068[\u661f]", "(\U0001f5fc:1.4) \U0001f5fc", "a\r\n(b)\r\n", "<lora:ink:0.8> (a)", "(<embedding>:1.2)", "(masterpiece:1.4), (best quality:1.3), [lowres], ((detailed eyes)), 1girl",
    "(" * 40 + "a" + ")" * 40, "[" * 40 + "a", "(" * 5 + "a" + ")" * 9, "(a" * 30, ")" * 20, "(a:1.1" * 12, "((" * 20 + "a:2)" * 20,
]

NETWORKS = [
    "a <lora:ink:0.8> b", "<lora:ink>", "<lora:a:0.5:1><lora:b:te=0.5:unet=0.7>", "<hypernet:anime:0.6> x", "<lyco:loha-thing:1>", "<wildcard:x> y", "<moss-cat> a", "<:a>", "<lora:>", "<lora: a b :1>",
    "<<lora:a:1>>", "<lora:a<lora:b>c", "<lora:never", "a < b > c", "<lora:x\ny:1>", "<\u7d75:a>", "<lora:a:b=c=d:2>", "a <lora:1:1> <lora:1:2>",
]

words = lambda count, begin=0: " ".join("abcdefghijklmnopqrstuvwxyz"[i % 26] for i in range(begin, begin + count))
CHUNKED = [
    "", "abc", words(75), words(76), words(150), words(151), words(300), "(" + words(80) + ":1.3)",
    words(70) + "," + words(20), words(54) + "," + words(30), words(55) + "," + words(30), words(53) + "," + words(30), words(74) + "," + words(10), words(75) + "," + words(10), words(73) + ",," + words(10),
    words(60) + "," + words(10) + "," + words(40), words(60) + ",(" + words(30) + ":0.5)," + words(100), "a BREAK b", "BREAK", "BREAK a", "a BREAK", words(75) + " BREAK a", words(76) + " BREAK " + words(70) + "," + words(9),
    "a,b BREAK " + words(74), "(a BREAK b)", "," * 200, "(" + "," * 40 + words(60) + ":2), [" + words(99) + "]", words(20) + "," + words(55) + "," + words(56),
]


def network(prompt):
    text, found = networks["parse_prompt"](prompt)
    return {"prompt": prompt, "text": text, "networks": [[kind, one.positional, one.named] for kind, all in found.items() for one in all]}


def chunked(prompt):
    line = prompt
    chunks, _ = engine["tokenize_line"](Letters(), line)
    return {"prompt": prompt, "chunks": [{"ids": chunk.tokens, "weights": chunk.multipliers} for chunk in chunks]}


def weighed(seed, tokens, width, weights):
    states = torch.randn([1, tokens, width], generator=torch.Generator().manual_seed(seed)) + 0.1
    rule = emphasis["EmphasisOriginal"]()
    rule.z, rule.multipliers = states, torch.tensor([weights])
    rule.after_transformers()
    return {"weights": weights, "states": states.flatten().tolist(), "weighed": rule.z.flatten().tolist()}


one = lambda value: json.dumps(value, ensure_ascii=True, separators=(",", ":"))
rows = lambda values: "[\n" + ",\n".join(one(value) for value in values) + "\n]"
print("{" + f'"torch":{one(torch.__version__)},')
print('"emphasis":' + rows({"prompt": prompt, "pieces": parser["parse_prompt_attention"](prompt)} for prompt in PROMPTS) + ",")
print('"networks":' + rows(network(prompt) for prompt in NETWORKS) + ",")
print('"chunked":' + rows(chunked(prompt) for prompt in CHUNKED) + ",")
print('"weighed":' + rows(weighed(seed, *shape) for seed, shape in enumerate([(4, 3, [1.0, 1.3, 0.5, 1.0]), (6, 8, [1.0, 1.1, 1.1, 1.1**2, -1.0, 1.0]), (3, 4, [1.0, 1.0, 1.0])])) + "}")
