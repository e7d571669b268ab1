"""What a network still recognizes when its pictures are spoiled: every corruption, every severity, over a gallery.

Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations" (ICLR 2019).
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

import torch
from PIL import Image

from vizcore.evaluation import corruptions
from vizcore.images import gallery
from vizcore.models import Net
from vizcore.types import Mean, OtherNetworkError, Progress, report

FILE = gallery.ASSETS / "robustness.json"
MEASURED = ("squeezenet1_1", "efficientnet_lite0")  # the networks whose measurement is kept
SEED = 0  # of every corruption, here and on the page
DIGITS = 100  # test digits, for a network that reads them
AT_ONCE = 4  # pictures in one forward pass, to bound the memory


class Case(NamedTuple):
    """A picture with its right answers.

    Attributes:
        id, title: of the picture. right: indices of the classes that a careful viewer would accept.
        open: gives the picture.
    """

    id: str
    title: str
    right: frozenset[int]
    open: Callable[[], Image.Image]


class Answer(NamedTuple):
    """What a network says of a picture: its most probable class, and the probability."""

    said: int
    probability: float


Answers = tuple[Answer, ...]  # one for each case


def cases(net: Net) -> tuple[Case, ...]:
    """The gallery's pictures that show a class of this network; test digits for a network that reads them.

    Raises:
        OtherNetworkError: there is none.
    """
    index = {name: number for number, name in enumerate(net.categories)}
    if net.channels == 1:
        _, _, x, y = gallery.digits()
        found = [
            Case(str(n), f"Digit {label}", frozenset({index[str(label)]}), partial(Image.fromarray, x[n]))
            for n, label in enumerate(y[:DIGITS].tolist())
            if str(label) in index
        ]
    else:
        assets = [(asset, [index[name] for name in asset.classes if name in index]) for asset in _pictures()]
        found = [
            Case(asset.id, asset.title, frozenset(right), partial(gallery.open_image, asset))
            for asset, right in assets
            if right
        ]
    if not found:
        raise OtherNetworkError(
            f"{net.title} knows no class of the gallery's pictures, so nobody can say how many it gets right."
        )
    return tuple(found)


def _pictures() -> tuple[gallery.Asset, ...]:
    return gallery.records("gallery")


def answer(net: Net, pictures: Sequence[Image.Image]) -> Answers:
    """What the network says of S x S pictures, which it sees whole."""
    found: list[Answer] = []
    for start in range(0, len(pictures), AT_ONCE):
        batch = torch.cat([net.preprocess(picture, crop=False) for picture in pictures[start : start + AT_ONCE]])
        with torch.no_grad():
            probabilities, said = net(batch).softmax(1).max(1)
        found += [Answer(*pair) for pair in zip(said.tolist(), probabilities.tolist(), strict=True)]
    return tuple(found)


class Measured(NamedTuple):
    """What a network says of all cases: as they are, and for each corruption at each severity, weakest first."""

    clean: Answers
    spoiled: Mapping[str, tuple[Answers, ...]]


def measure(
    net: Net,
    names: Sequence[str] | None = None,
    chosen: Sequence[Case] | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Measured:
    """The network's answers to all cases, clean and spoiled.

    Args:
        names: of corruptions; all when omitted.
        chosen: the cases; those of :func:`cases` when omitted.
        seed: of every corruption.
        progress: called with the share done; what it raises ends the measurement.
    """
    names = corruptions.names() if names is None else names
    squares = [net.crop(case.open()) for case in (cases(net) if chosen is None else chosen)]
    steps, spoiled, done = len(names) * len(corruptions.SEVERITIES), {}, 0
    clean = answer(net, squares)
    for name in names:
        rows = []
        for severity in corruptions.SEVERITIES:
            row: list[Answer] = []
            for start in range(0, len(squares), AT_ONCE):
                part = [corruptions.corrupt(one, name, severity, seed) for one in squares[start : start + AT_ONCE]]
                row += answer(net, part)
                report(progress, (done + len(row) / len(squares)) / steps)
            rows.append(tuple(row))
            done += 1
        spoiled[name] = tuple(rows)
    return Measured(clean, spoiled)


# From answers to accuracy.


def right(chosen: Sequence[Case], answers: Answers) -> list[bool]:
    """For each case, whether the answer is a right one."""
    return [one.said in case.right for case, one in zip(chosen, answers, strict=True)]


def accuracy(chosen: Sequence[Case], answers: Answers) -> Mean:
    """The share of right answers, and Wilson's 95 % interval (Wilson, 1927)."""
    count, hits = len(chosen), sum(right(chosen, answers))
    z, share = 1.959964, hits / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return Mean(share, max(0.0, middle - half), min(1.0, middle + half))


def curve(chosen: Sequence[Case], found: Measured, name: str) -> list[Mean]:
    """Accuracy at severity 0 (clean) to 5 of one corruption."""
    return [accuracy(chosen, answers) for answers in (found.clean, *found.spoiled[name])]


def mean_curve(chosen: Sequence[Case], found: Measured, names: Sequence[str] | None = None) -> list[float]:
    """The mean of the curves of several corruptions; of all that were measured when omitted."""
    curves = [curve(chosen, found, name) for name in (found.spoiled if names is None else names)]
    return [sum(point.mean for point in points) / len(points) for points in zip(*curves, strict=True)]


# What was measured and is kept with the dashboard; training/robustness.py writes it.


@cache
def stored(model: str) -> Measured:
    """The kept measurement of one of the MEASURED networks, over its :func:`cases`."""
    found = json.loads(FILE.read_text("utf-8"))["measured"][model]
    spoiled = {name: tuple(_answers(row) for row in rows) for name, rows in found["spoiled"].items()}
    return Measured(_answers(found["clean"]), spoiled)


def _answers(row: list) -> Answers:
    return tuple(Answer(said, probability) for said, probability in row)


class Flipped(NamedTuple):
    """Of how many pictures a change of at most `epsilon` grey levels turned the prediction, for each kind of change.

    `counts` is by "fgsm", "pgd" and, the control, "noise".
    """

    model: str
    epsilon: float
    pictures: int
    counts: Mapping[str, int]


class MapsMoved(NamedTuple):
    """How alike the maps of several pictures stay when one method's map is attacked, the prediction kept.

    `alike` is by the attacked method, or "noise", the control, then by method: a rank correlation for each picture.
    """

    model: str
    epsilon: float
    pictures: tuple[str, ...]
    alike: Mapping[str, Mapping[str, tuple[float, ...]]]

    def mean(self, attacked: str, method: str) -> float:
        """The mean over the pictures where the correlation is defined; NaN where it never is."""
        values = [value for value in self.alike[attacked][method] if not math.isnan(value)]
        return sum(values) / len(values) if values else math.nan


@cache
def flipped() -> Flipped:
    """The kept measurement of attacks on the prediction."""
    found = json.loads(FILE.read_text("utf-8"))["attacks"]
    return Flipped(found["model"], found["epsilon"], found["pictures"], found["flipped"])


@cache
def maps_moved() -> MapsMoved:
    """The kept measurement of attacks on the explanation."""
    found = json.loads(FILE.read_text("utf-8"))["explanations"]
    alike = {
        attacked: {method: tuple(values) for method, values in rows.items()}
        for attacked, rows in found["alike"].items()
    }
    return MapsMoved(found["model"], found["epsilon"], tuple(found["pictures"]), alike)
