"""The randomization tests and the ablation of units over many pictures, as assets/randomization.json keeps them.

`training/randomization.py` measures; the pages read.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from vizcore.evaluation import ablation, randomization
from vizcore.evaluation.randomization import CONTROLS, QUICK, SIX, SLOWER
from vizcore.images import gallery
from vizcore.images.collection import open_collection
from vizcore.models import Net
from vizcore.models import layers as model_layers
from vizcore.types import Mean

FILE = gallery.ASSETS / "randomization.json"
PICTURES = 20
METHODS = (*(name for name in QUICK if name not in CONTROLS), *SLOWER, *CONTROLS)
MEASURED = {"squeezenet1_1": QUICK, "efficientnet_lite0": (*SIX, *CONTROLS)}
MEASURES = ("size", "signed", "ssim")
NONE = Mean(float("nan"), float("nan"), float("nan"))  # of what is not defined on any picture


def chosen(count: int = PICTURES, channels: int = 3) -> tuple[int, ...]:
    """The numbers of so many pictures of the gallery, evenly spread over it."""
    total = len(open_collection(channels=channels).titles)
    return tuple(total * n // count for n in range(min(count, total)))


class Cascade(NamedTuple):
    """One picture through the whole cascade, for its most probable class.

    Attributes:
        similarity: method to (stages, 3), as MEASURES, from the output down; NaN where it is not defined.
        complexity: method to that of the trained and of the fully random network.
    """

    similarity: dict[str, np.ndarray]
    complexity: dict[str, tuple[float, float]]


def one_picture(net: Net, number: int, names: Sequence[str] = METHODS) -> Cascade:
    """The cascade on a picture of the gallery; its number is the seed of the weights, so each has its own draw."""
    x = net.preprocess(open_collection(channels=net.channels).open(number))
    target = int(net(x)[0].argmax())
    trained, _ = randomization.explain(net, x, target, names)
    reference = {name: randomization.Reference(values, net.input_size) for name, values in trained.items()}
    rows: dict[str, list[Sequence[float]]] = {name: [] for name in trained}
    random: dict[str, np.ndarray] = {}
    below = [stage.layers[0] for stage in randomization.stages(net)]
    for at, (_, twin) in enumerate(randomization.cascade(net, number, below), 1):
        random, _ = randomization.explain(twin, x, target, names, noise=at)
        for name, values in random.items():
            rows[name].append(reference[name].similarity(values))
    complexity = {
        name: (randomization.complexity(trained[name]), randomization.complexity(random[name])) for name in trained
    }
    return Cascade({name: np.array(several) for name, several in rows.items()}, complexity)


def ablate(net: Net, number: int, layer: str, draws: int = 1) -> ablation.Ablated:
    """Units and directions of a layer taken from a picture of the gallery, for its most probable class.

    Every picture has random units and directions of its own.
    """
    x = net.preprocess(open_collection(channels=net.channels).open(number))
    ks = ablation.counts(net.layer(layer).out_shape[0])
    return ablation.ablate(net, x, int(net(x)[0].argmax()), layer, ks, draws, seed=number)


class Measured(NamedTuple):
    """The kept measurement of a network.

    Attributes:
        pictures: how many. stages: names of the parts, from the output down.
        similarity: method to (pictures, stages, 3), as MEASURES. complexity: method to (pictures, 2).
        layer, ks: of the ablation. left: what it leaves. ablated: on how many pictures.
    """

    pictures: int
    stages: tuple[str, ...]
    similarity: dict[str, np.ndarray]
    complexity: dict[str, np.ndarray]
    layer: str
    ks: tuple[int, ...]
    left: ablation.Left
    ablated: int

    def curve(self, method: str, measure: str) -> list[Mean]:
        """The mean similarity over the pictures at each stage, with its interval."""
        values = self.similarity[method][:, :, MEASURES.index(measure)]
        return [_mean(column) for column in values.T]

    def level(self, method: str, measure: str = "size") -> Mean:
        """MPRT in one number: the similarity averaged over the stages, then over the pictures, with its interval."""
        return _mean(np.array([_over_stages(row) for row in self.similarity[method][:, :, MEASURES.index(measure)]]))

    def rise(self, method: str) -> Mean:
        """eMPRT: the relative rise of the complexity from trained to fully random, with its interval."""
        return _mean(np.array([_rise(before, after) for before, after in self.complexity[method]]))

    def higher(self, one: str, other: str, measure: str = "size") -> np.ndarray:
        """(stages,) share of the pictures on which `one` is more like its trained self than `other` is."""
        at = MEASURES.index(measure)
        return (self.similarity[one][:, :, at] > self.similarity[other][:, :, at]).mean(0)


@cache
def measured(model: str) -> Measured | None:
    """The kept measurement of a network of :data:`MEASURED`; None for another."""
    content = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return from_record(content[model]) if model in content else None


def to_record(net: Net, cascades: Sequence[Cascade], ablated: Sequence[ablation.Ablated]) -> dict[str, Any]:
    """What the file keeps of a network; numbers with four digits after the point, null for NaN."""
    layer = model_layers.last_features(net) or ""
    names = [name for name in METHODS if name in cascades[0].similarity]
    return {
        "stages": [stage.name for stage in randomization.stages(net)][::-1],
        "similarity": {name: _plain(np.array([one.similarity[name] for one in cascades])) for name in names},
        "complexity": {name: _plain(np.array([one.complexity[name] for one in cascades])) for name in names},
        "layer": layer,
        "ks": list(ablation.counts(net.layer(layer).out_shape[0])),
        "before": _plain(np.array([one.before for one in ablated])),
        "after": {kind: _plain(np.array([one.after[kind].mean(1) for one in ablated])) for kind in ablation.KINDS},
    }


def from_record(record: dict[str, Any]) -> Measured:
    """What :func:`to_record` wrote."""
    similarity = {name: np.array(values, dtype=float) for name, values in record["similarity"].items()}
    before, after = record["before"], {kind: np.array(values) for kind, values in record["after"].items()}
    rows = [
        ablation.Ablated(before[at], np.empty(0), {kind: values[at][:, None] for kind, values in after.items()})
        for at in range(len(before))
    ]
    return Measured(
        len(next(iter(similarity.values()))),
        tuple(record["stages"]),
        similarity,
        {name: np.array(values, dtype=float) for name, values in record["complexity"].items()},
        record["layer"],
        tuple(record["ks"]),
        ablation.over(rows),
        len(rows),
    )


def _over_stages(values: np.ndarray) -> float:
    """The mean over the stages that have a number; NaN where more than half of the maps were blank."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if 2 * len(known) >= len(values) else float("nan")


def _rise(before: float, after: float) -> float:
    return (after - before) / before if before > 0 and after > 0 else float("nan")


def _mean(values: np.ndarray) -> Mean:
    """The mean of those that are defined; where that is less than half of them, none."""
    known = values[np.isfinite(values)]
    return Mean.of(known) if 2 * len(known) >= len(values) else NONE


def _plain(values: np.ndarray) -> list[Any]:
    rounded = np.round(values.astype(float), 4)
    plain = rounded.astype(object)
    plain[~np.isfinite(rounded)] = None
    return plain.tolist()
