"""Opens an SDXL file as diffusers does and takes one UNet step: python from_single_file.py FILE CONFIG THREADS SIDE

CONFIG is a diffusers folder of configs and tokenizers. Prints JSON: seconds to open all networks in float32, of the step on latents
of SIDE, and the most memory that the process held.
"""

import json
import re
import sys
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline

file, config, threads, side = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
torch.set_grad_enabled(False)


def peak():
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


begin = time.perf_counter()
pipe = StableDiffusionXLPipeline.from_single_file(file, config=config, torch_dtype=torch.float32, local_files_only=True)
opened = time.perf_counter()
opened_peak = peak()
unet = pipe.unet
text = torch.randn(1, 77, unet.config.cross_attention_dim)
added = {"text_embeds": torch.randn(1, 1280), "time_ids": torch.tensor([[1024.0, 1024, 0, 0, 1024, 1024]])}
prediction = unet(torch.randn(1, 4, side, side), 801, text, added_cond_kwargs=added).sample
assert prediction.isfinite().all()
stepped = time.perf_counter()
figures = {"open": opened - begin, "step": stepped - opened, "openedPeak": opened_peak, "peak": peak()}
print(json.dumps(figures))
