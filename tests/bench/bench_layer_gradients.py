"""Gradients of all layers beside one forward and one backward pass to the input. Prints a table, writes nothing.

    python tests/bench/bench_layer_gradients.py [--rounds 40] [--threads 1] [models...]

Both take turns in one process, the first one changing from round to round; printed are the medians and the median
over the rounds of the ratio. Wanted: at most 1.3. "as sizes" also reduces every gradient to its RMS.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import random_networks

from vizcore import models
from vizcore.inspection import layer_gradients
from vizcore.models import Net

TARGET = 3


def load(name: str) -> Net:
    """With its trained weights where they are here, else with random ones at 224 x 224."""
    if name in models.MODELS and models.status(name) != "missing":
        return models.load(name)
    return models.wrap(random_networks.torchvision_module(name, size=224), name=name)


def measure(net: Net, rounds: int) -> dict[str, list[float]]:
    """Seconds of each candidate, in every round."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, net.channels, net.input_size, net.input_size, generator=generator)
    bare = random_networks.plain(net)

    def passes() -> None:
        image = x.clone().requires_grad_()
        torch.autograd.grad(bare(image)[0, TARGET], image)

    quantity = layer_gradients.Quantity("logit", TARGET)
    work = {
        "forward and backward": passes,
        "all layers": lambda: layer_gradients.layer_gradients(net, x, TARGET),
        "as sizes": lambda: layer_gradients.sizes(net, x, quantity),
    }
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 3):
        names = list(work)[turn % 3 :] + list(work)[: turn % 3]
        for name in names:
            start = time.perf_counter()
            work[name]()
            if turn >= 3:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*", default=["efficientnet_lite0", "mini_vgg", "resnet18", "digits_cnn"])
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} torch threads, {arguments.rounds} rounds")
    print(f"{'network':<22}{'layers':>7}  {'candidate':<22}{'median ms':>10}{'ratio':>8}")
    for name in arguments.names:
        net = load(name)
        seconds = measure(net, arguments.rounds)
        for candidate, values in seconds.items():
            pairs = zip(values, seconds["forward and backward"], strict=True)
            ratio = statistics.median(value / base for value, base in pairs)
            middle = 1000 * statistics.median(values)
            print(f"{name:<22}{len(net.layers):>7}  {candidate:<22}{middle:>10.2f}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
