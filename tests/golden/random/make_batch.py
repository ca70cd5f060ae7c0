"""Draws batch.json with torch on a CPU: python3 make_batch.py > batch.json

A batch from one seed in both ways that there are: one generator for all pictures, and one for each with seed, seed + 1, … as
AUTOMATIC1111's web UI numbers them (modules/processing.py, all_seeds) and diffusers draws a list of generators (randn_tensor)."""

import json

import torch

SEEDS = [0, 5, 2**53 + 1, 2**64 - 3]
SHAPES = [[3, 4, 8, 8], [2, 4, 5, 7], [3, 1, 2, 2]]
KEPT = 12


def shortest(values):
    return [float(str(value)) for value in values.numpy()]


def generator(seed):
    return torch.Generator().manual_seed(seed)


def kept(tensor):
    return [{"first": shortest(one.flatten()[:KEPT]), "last": shortest(one.flatten()[-KEPT:])} for one in tensor]


cases = []
for seed in SEEDS:
    for shape in SHAPES:
        one = torch.randn(shape, generator=generator(seed))
        each = torch.cat([torch.randn([1, *shape[1:]], generator=generator(seed + i)) for i in range(shape[0])])
        cases.append({"seed": str(seed), "shape": shape, "oneStream": kept(one), "aSeedEach": kept(each)})

lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
print(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}')
