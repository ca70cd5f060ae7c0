"""One UNet under another engine: python step.py ENGINE FOLDER THREADS, then a line «step» for each step to take.

FOLDER holds unet.onnx with the weights it points at, config.json of diffusers, and latents.f32 and text.f32. The first line of the
answer says that the network is open, each following one how many milliseconds a step took; the last prediction is in ENGINE.f32.
"""

import json
import sys
import time
from pathlib import Path

import numpy

engine, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
latents = numpy.fromfile(folder / "latents.f32", dtype="<f4").reshape(1, 4, 64, 64)
text = numpy.fromfile(folder / "text.f32", dtype="<f4").reshape(1, 77, 768)
timestep = numpy.full([1], 801, dtype="<f4")


def openvino_step(precision):
    import openvino

    core = openvino.Core()
    model = core.read_model(folder / "unet.onnx")
    model.reshape({"latents": latents.shape, "text": text.shape, "timestep": timestep.shape})
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    inputs = {"latents": latents, "text": text, "timestep": timestep}
    return lambda: numpy.array(request.infer(inputs)[0])


def torch_step(precision):
    import torch
    from diffusers import UNet2DConditionModel
    from safetensors.torch import load_file

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    dtype = getattr(torch, precision)
    with torch.device("meta"):
        unet = UNet2DConditionModel(**json.loads((folder / "config.json").read_text()))
    weights = {name: tensor.to(dtype) for name, tensor in load_file(folder / "unet.safetensors").items()}
    unet.load_state_dict(weights, assign=True)
    unet.eval()
    inputs = [torch.from_numpy(latents).to(dtype), torch.from_numpy(timestep), torch.from_numpy(text).to(dtype)]
    return lambda: unet(*inputs, return_dict=False)[0].float().numpy()


library, precision = engine.split("-")
step = {"openvino": openvino_step, "torch": torch_step}[library](precision)
print("open", flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    prediction = step()
    milliseconds = 1000 * (time.perf_counter() - begin)
    prediction.astype("<f4").tofile(folder / f"{engine}.f32")
    print(milliseconds, flush=True)
