"""Times of the methods beside Captum, pytorch-grad-cam and the bare passes they need. Prints a table, writes nothing.

    python tests/bench/bench_methods.py [--rounds 40] [--threads 2] [--models squeezenet1_1 efficientnet_lite0]

The two embedded ImageNet networks at 224x224. All candidates of a row take turns, so that other work on the machine
hits them alike; the median is printed, and the median over the rounds of the ratio to ours. Wanted: no peer is faster
(ratio at least 1), and ours takes at most 1.25 times the bare passes (ratio at least 0.8).

The peers get the network as published; ours, and the bare passes, have the channels-last memory order that
`models.load` gives it, which alone is worth a fifth. "Our order" is the peer on that network. Captum's guided
backpropagation does not see ReLU6: what it does on EfficientNet-Lite0 is the plain gradient.

Score-CAM runs the network once for every one of 1000 or 1280 maps, so it gets three rounds only; wanted is that
pytorch-grad-cam takes at least twice our time.
"""

import argparse
import copy
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import random_networks

from vizcore import methods
from vizcore.models import Net
from vizcore.models.torchvision_guard import torchvision_models

TARGET = 290


def candidates(net: Net, x: Tensor) -> dict[str, dict[str, Callable[[], object]]]:
    """For each method: ours first, then the bare passes, then the peers, each on a network of its own."""
    from captum import attr

    torchvision_models()  # pytorch-grad-cam imports torchvision, which needs the guard
    from pytorch_grad_cam import GradCAM, ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    bare = random_networks.plain(net)
    peer, second, third = (copy.deepcopy(bare).to(memory_format=torch.contiguous_format) for _ in range(3))
    fourth = copy.deepcopy(bare)
    target_layer = peer.get_submodule(net.cam_layer)
    grad_cam = GradCAM(second, [second.get_submodule(net.cam_layer)])
    score_cam = ScoreCAM(third, [third.get_submodule(net.cam_layer)])
    fast_score_cam = ScoreCAM(fourth, [fourth.get_submodule(net.cam_layer)])
    targets = [ClassifierOutputTarget(TARGET)]
    layer_grad_cam = attr.LayerGradCam(peer, target_layer)
    saliency, guided = attr.Saliency(peer), attr.GuidedBackprop(peer)
    fast_saliency, fast_guided = attr.Saliency(bare), attr.GuidedBackprop(bare)
    body, head = split(bare)

    def leaf() -> Tensor:
        return x.clone().requires_grad_()

    def to_the_input() -> Tensor:
        image = leaf()
        return torch.autograd.grad(bare(image)[0, TARGET], image)[0]

    def to_the_layer() -> Tensor:
        with torch.no_grad():
            maps = body(x)
        maps.requires_grad_()
        return torch.autograd.grad(head(maps)[0, TARGET], maps)[0]

    return {
        "grad_cam": {
            "ours": lambda: methods.run("grad_cam", net, x, TARGET),
            "bare passes": to_the_layer,
            "Captum": lambda: layer_grad_cam.attribute(leaf(), TARGET, relu_attributions=True),
            "pytorch-grad-cam": lambda: grad_cam(leaf(), targets),
        },
        "saliency": {
            "ours": lambda: methods.run("saliency", net, x, TARGET),
            "bare passes": to_the_input,
            "Captum": lambda: saliency.attribute(leaf(), TARGET),
            "Captum, our order": lambda: fast_saliency.attribute(leaf(), TARGET),
        },
        "guided_backprop": {
            "ours": lambda: methods.run("guided_backprop", net, x, TARGET),
            "bare passes": to_the_input,
            "Captum": lambda: guided.attribute(leaf(), TARGET),
            "Captum, our order": lambda: fast_guided.attribute(leaf(), TARGET),
        },
        "score_cam": {
            "ours": lambda: methods.run("score_cam", net, x, TARGET),
            "pytorch-grad-cam": lambda: score_cam(x.clone(), targets),
            "p-g-c, our order": lambda: fast_score_cam(x.clone(), targets),
        },
    }


def split(network: torch.nn.Sequential) -> tuple[torch.nn.Sequential, torch.nn.Sequential]:
    """The network up to its last convolutional map, and what follows."""
    parts = list(network)
    cut = next(i for i, part in enumerate(parts) if isinstance(part, torch.nn.AdaptiveAvgPool2d))
    return torch.nn.Sequential(*parts[:cut]), torch.nn.Sequential(*parts[cut:])


def measure(group: dict[str, Callable[[], object]], rounds: int, warm: int = 3) -> dict[str, list[float]]:
    """Seconds of every candidate, `rounds` times, one after another in turn, from another one each round."""
    names = list(group)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + warm):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            group[name]()
            if turn >= warm:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--models", nargs="+", default=random_networks.EMBEDDED)
    options.add_argument("--fast", action="store_true", help="leave out the methods that run for seconds")
    arguments = options.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    for name in arguments.models:
        one_network(random_networks.network(name), arguments)


def one_network(net: Net, arguments: argparse.Namespace) -> None:
    """Print the rows of one network."""
    x = random_networks.photographs(224, 224)[:1]
    print(f"{net.title}, 224x224, {arguments.threads} torch threads, {arguments.rounds} rounds")
    print(f"{'method':<17}{'candidate':<20}{'median ms':>10}{'fastest ms':>12}{'times ours':>12}")
    for method, group in candidates(net, x).items():
        if arguments.fast and methods.METHODS[method].slow:
            continue
        slow = methods.METHODS[method].slow
        seconds = measure(group, 3 if slow else arguments.rounds, 0 if slow else 3)
        for name, values in seconds.items():
            ratio = statistics.median(v / ours for v, ours in zip(values, seconds["ours"], strict=True))
            print(
                f"{method:<17}{name:<20}{1000 * statistics.median(values):>10.1f}{1000 * min(values):>12.1f}"
                f"{ratio:>12.2f}"
            )


if __name__ == "__main__":
    main()
