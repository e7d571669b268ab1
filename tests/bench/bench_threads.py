"""Throughput of eight visitors on one shared network, free and behind one lock. Prints a table, writes nothing.

    python tests/bench/bench_threads.py [--visitors 8] [--jobs 12] [--rounds 3]

EfficientNet-Lite0 at 224x224; each visitor runs a mix of methods. Free and locked rounds alternate.
"""

import argparse
import contextlib
import os
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import random_networks

from vizcore import methods

MIX = ("grad_cam", "saliency", "guided_backprop", "layer_cam", "deconvnet", "guided_grad_cam")


def throughput(visitors: int, jobs: int, guard) -> float:
    """Requests per second when every visitor does `jobs` of them inside `guard`."""
    net, x = random_networks.network("efficientnet_lite0"), random_networks.photographs(224, 224)[:1]
    start = threading.Barrier(visitors + 1)

    def visitor(number: int) -> None:
        start.wait()
        for job in range(jobs):
            with guard:
                methods.run(MIX[(number + job) % len(MIX)], net, x, (290 + number) % 1000)

    with ThreadPoolExecutor(visitors) as pool:
        running = [pool.submit(visitor, number) for number in range(visitors)]
        start.wait()
        began = time.perf_counter()
        for future in running:
            future.result()
        return visitors * jobs / (time.perf_counter() - began)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--visitors", type=int, default=8)
    options.add_argument("--jobs", type=int, default=12)
    options.add_argument("--rounds", type=int, default=3)
    arguments = options.parse_args()
    print(f"EfficientNet-Lite0, 224x224, {arguments.visitors} visitors, {os.cpu_count()} cores")
    print(f"{'torch threads':<15}{'free 1/s':>10}{'locked 1/s':>12}{'free / locked':>15}")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        throughput(arguments.visitors, 1, contextlib.nullcontext())
        free, locked = [], []
        for _ in range(arguments.rounds):
            free.append(throughput(arguments.visitors, arguments.jobs, contextlib.nullcontext()))
            locked.append(throughput(arguments.visitors, arguments.jobs, threading.Lock()))
        ratio = statistics.median(a / b for a, b in zip(free, locked, strict=True))
        print(f"{threads:<15}{statistics.median(free):>10.1f}{statistics.median(locked):>12.1f}{ratio:>15.2f}")


if __name__ == "__main__":
    main()
