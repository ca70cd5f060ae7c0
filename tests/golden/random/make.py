"""Draws vectors.json with torch on a CPU: python3 make.py > vectors.json"""

import json

import torch

SEEDS = [0, 5, 42, 2**32 - 1, 2**40 + 7]
# The shapes drawn in turn from one generator: whole blocks of 16, going on, a tail, one by one with a value left over.
SEQUENCES = [
    [[1, 4, 16, 16]],
    [[2, 4, 16, 16], [1, 4, 16, 16]],
    [[4, 9, 9]],
    [[5], [4, 9, 9], [5], [3]],
    [[1, 4, 64, 64]],
]
KEPT = 32


def shortest(values):
    return [float(str(value)) for value in values.numpy()]


def draw(shape, generator):
    values = torch.randn(shape, generator=generator).flatten()
    return {"shape": shape, "first": shortest(values[:KEPT]), "last": shortest(values[-KEPT:]), "sum": values.double().sum().item()}


cases = []
for seed in SEEDS:
    for sequence in SEQUENCES:
        generator = torch.Generator().manual_seed(seed)
        cases.append({"seed": seed, "draws": [draw(shape, generator) for shape in sequence]})

lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
print(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}')
