"""Measure the randomization tests and the ablation of units over many pictures: writes assets/randomization.json.

    python -m training.randomization [network ...]

For each network of `randomization_bench.MEASURED`: the cascade of random weights on pictures spread over the gallery,
each for its most probable class and with weights of its own draw; and the class's probability without k units or
directions of the last feature maps, on every picture of the gallery.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import numpy as np
import torch

from training import release
from vizcore import models
from vizcore.evaluation import ablation, randomization_bench
from vizcore.images.collection import open_collection
from vizcore.models import layers as model_layers


@cache
def network(name: str) -> models.Net:
    """A network to measure; one thread, since another process works beside this one."""
    torch.set_num_threads(1)
    return models.load(name)


def cascade(case: tuple[str, int]) -> randomization_bench.Cascade:
    """The cascade of a network, by name, on a picture, by number."""
    return randomization_bench.one_picture(network(case[0]), case[1], randomization_bench.MEASURED[case[0]])


def ablate(case: tuple[str, int]) -> ablation.Ablated:
    """The ablation of a network's last feature maps, by name, on a picture, by number."""
    net = network(case[0])
    return randomization_bench.ablate(net, case[1], model_layers.last_features(net) or "")


def write(content: dict) -> None:
    """The file and its record in the manifest."""
    data = (json.dumps(content, separators=(",", ":")) + "\n").encode()
    release.measurement(
        randomization_bench.FILE,
        data,
        "Randomization tests and ablation, measured",
        "training/randomization.py",
        "python -m training.randomization: similarity of every method's map before and after random "
        f"weights, on {randomization_bench.PICTURES} pictures of the gallery; class probabilities without "
        "units or random directions of the last feature maps, on every picture of the gallery",
    )


def main() -> None:
    """Measure, print what the issue of the page asks for, and write the file."""
    file = randomization_bench.FILE
    numbers, every = randomization_bench.chosen(), range(len(open_collection().titles))
    with ProcessPoolExecutor(2) as pool:
        for name in sys.argv[1:] or randomization_bench.MEASURED:
            content = json.loads(file.read_text("utf-8")) if file.exists() else {}
            cascades = list(pool.map(cascade, [(name, number) for number in numbers]))
            ablated = list(pool.map(ablate, [(name, number) for number in every]))
            content[name] = randomization_bench.to_record(network(name), cascades, ablated)
            found = randomization_bench.from_record(content[name])
            for measure in randomization_bench.MEASURES:
                share = found.higher("guided_backprop", "saliency", measure)
                print(name, measure, "guided above gradient:", np.round(share, 2).tolist(), flush=True)
            write(content)


if __name__ == "__main__":
    main()
