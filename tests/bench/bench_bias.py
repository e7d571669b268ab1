"""A sweep of the bias lab, and its features, in seconds. Prints a table, writes nothing.

    python tests/bench/bench_bias.py [--threads 1] [models...]

Wanted on two cores: a sweep of 6 strengths and 5 seeds under 15 s once the features are there; features that do not
come with the dashboard under 30 s. Beside other work the processor's own seconds say more than the clock's.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).parents[2])]

from vizcore import models
from vizcore.evaluation import bias, bias_lab


def timed(work: Callable) -> tuple[object, float, float]:
    """What the work returns, and the seconds of the clock and of the processor it took."""
    clock, processor = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*", default=["squeezenet1_1", "efficientnet_lite0", "mini_vgg"])
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} torch threads; {len(bias_lab.STRENGTHS)} strengths, {bias.SEEDS} seeds")
    print(f"{'network':<22}{'work':<22}{'clock s':>9}{'processor s':>13}")
    for name in arguments.names:
        net, of = models.load(name), bias_lab.lab()
        features, *seconds = timed(lambda net=net: bias_lab.features(net))
        print(f"{name:<22}{'features':<22}{seconds[0]:>9.1f}{seconds[1]:>13.1f}", flush=True)
        for work, run in {
            "sweep": lambda net=net, features=features: bias.sweep(net, features=features),
            "one network": lambda of=of, features=features: bias_lab.train(of, features, "background", 0.9, 0),
        }.items():
            _, *seconds = timed(run)
            print(f"{name:<22}{work:<22}{seconds[0]:>9.2f}{seconds[1]:>13.2f}", flush=True)


if __name__ == "__main__":
    main()
