"""Training steps of the golden batch by PyTorch: python train.py GOLDEN THREADS, then a line «step» for each step to take.

The first line of the answer says that the networks are open, each following one how many milliseconds a step took.
"""

import sys
import time

golden, threads = sys.argv[1], int(sys.argv[2])
sys.path.insert(0, f"{golden}/training")

import make  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(threads)
_, training = make.starter_training()
print("open", flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    training.step()
    print(1000 * (time.perf_counter() - begin), flush=True)
