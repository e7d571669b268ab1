r"""Does a network look at the background? Accuracy and heat maps against a bias that was planted.

A share p of each class's training pictures has the class's own trait (see :mod:`vizcore.evaluation.bias_lab`). On
pictures of animals it was not trained on, the network is tested twice: with the trait that goes with the class
(matched) and with the other one (swapped). Of each map, the share that lies on the background is measured, and compared
with the band in which the share of a network without bias lies: Adebayo, Muelly, Abelson & Kim, "Post hoc Explanations
may be Ineffective for Detecting Unknown Spurious Correlation" (ICLR 2022), ask the same of more methods and of people.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vizcore.evaluation import bias_lab
from vizcore.evaluation.bias_lab import STRENGTHS, Head, Lab, Shot
from vizcore.images import gallery
from vizcore.methods import cam, relu_rules
from vizcore.models import Net
from vizcore.types import Mean, Progress, report

METHODS = ("saliency", "grad_cam", "guided_grad_cam")  # of which the share on the background is measured
SEEDS = 5
WITHOUT = range(100, 120)  # seeds of the networks without bias that give the kept bands
FURTHER = range(120, 140)  # and of those on which false alarms are counted
FILE = gallery.ASSETS / "bias.json"
# Quantiles of Student's t at 97.5 %, for 1 to 30 degrees of freedom (Student 1908).
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


class Row(NamedTuple):
    """What a strength of the tie does, over several networks; each number with its 95 % interval.

    Attributes:
        strength: share of each class's training pictures that have the class's own trait; 0.5 is no tie.
        matched, swapped: accuracy on animals not trained on, with the trait of their class or with the other's.
        worst_group: accuracy in the worst of the four groups of a class and a trait.
        shares: for each of METHODS the share of the map's size that lies on the background.
        networks: for each of METHODS that share in each network, the mean over the probes.
    """

    strength: float
    matched: Mean
    swapped: Mean
    worst_group: Mean
    shares: dict[str, Mean]
    networks: dict[str, tuple[float, ...]]


# Accuracy.


def wilson(share: float, count: int) -> Mean:
    """A share of `count` trials with its 95 % interval (Wilson 1927), which never has the width zero."""
    z = 1.959964
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return Mean(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def right(of: Lab, features: np.ndarray, head: Head, kind: str, cutouts: np.ndarray, swapped: bool) -> np.ndarray:
    """(N,) bool: whether a head is right on these cut-outs, with their class's trait or with the other's."""
    labels = of.labels[cutouts]
    several = bias_lab.shots(of, kind, cutouts, 1 - labels if swapped else labels)
    return (head(bias_lab.rows(features, several)) > 0) == labels


class Accuracy(NamedTuple):
    """Shares of right answers, each with Wilson's interval; see :class:`Row`."""

    matched: Mean
    swapped: Mean
    worst_group: Mean


def accuracy(of: Lab, features: np.ndarray, heads: Sequence[Head], kind: str, seeds: Sequence[int]) -> Accuracy:
    """How often networks are right on the cut-outs that each was not trained on.

    The networks' answers are pooled. An interval counts every cut-out once, however many networks saw it: their
    mistakes are not independent.

    Args:
        heads: the networks. seeds: of their splits.
    """
    answers: dict[tuple[int, bool], list[tuple[int, bool]]] = {}
    for head, seed in zip(heads, seeds, strict=True):
        test = bias_lab.split(of, seed).test
        for swapped in (False, True):
            for cutout, answer in zip(test, right(of, features, head, kind, test, swapped), strict=True):
                answers.setdefault((int(of.labels[cutout]), swapped), []).append((int(cutout), bool(answer)))

    def pooled(*groups: tuple[int, bool]) -> Mean:
        both = [pair for group in groups for pair in answers[group]]
        return wilson(float(np.mean([answer for _, answer in both])), len({cutout for cutout, _ in both}))

    matched, other = (pooled((0, turned), (1, turned)) for turned in (False, True))
    return Accuracy(matched, other, min((pooled(group) for group in answers), key=lambda found: found.mean))


# Maps.


def background_share(values: np.ndarray, animal: np.ndarray) -> float:
    """Share of a map's size, signs left out, that does not lie on the animal; NaN for a map of zeros.

    Args:
        values: (h, w), enlarged bilinearly, or (C, H, W), summed over the channels.
        animal: (H, W) bool.
    """
    sizes = torch.from_numpy(np.abs(np.asarray(values, dtype=np.float32)))
    sizes = sizes.sum(0) if sizes.ndim == 3 else cam.upsample(sizes[None], (animal.shape[0], animal.shape[1]))[0]
    total = float(sizes.sum(dtype=torch.float64))
    return float(sizes[torch.from_numpy(~animal)].sum(dtype=torch.float64)) / total if total else float("nan")


class Probes:
    """The same pictures seen by many heads: the trunk runs forward once, and once back for each head and rule.

    What :meth:`maps` gives is what the registered methods give for the network with that head (a test compares them).
    """

    def __init__(self, net: Net, of: Lab, several: Sequence[Shot]) -> None:
        bare = bias_lab.replaced(net, None, f"features of {net.title}", None)
        x, self.animals = bias_lab.inputs(net, of, several)
        self._x, layer = x.requires_grad_(), bias_lab.map_layer(net)
        self._classes = torch.from_numpy(2.0 * of.labels[[shot.cutout for shot in several]] - 1).float().to(x.device)
        with torch.enable_grad():
            self._features, kept = bare.forward(self._x, capture=[layer])
            self._maps = kept[layer]
            with relu_rules.relu_rule("guided"):
                self._guided = bare(self._x)

    def maps(self, head: Head) -> dict[str, Tensor]:
        """For each of METHODS the maps of each picture's own class, as a batch."""
        weights = torch.from_numpy(head.weights / 2).float().to(self._x.device)
        towards = self._classes[:, None] * weights
        plain, slopes = torch.autograd.grad(self._features, (self._x, self._maps), towards, retain_graph=True)
        (guided,) = torch.autograd.grad(self._guided, self._x, towards, retain_graph=True)
        grad_cam = cam.weighted_sum(cam.grad_cam_weights(slopes), self._maps.detach()).relu()
        large = cam.upsample(grad_cam, (self._x.shape[-2], self._x.shape[-1]))
        return {"saliency": plain.abs().sum(1), "grad_cam": grad_cam, "guided_grad_cam": guided * large[:, None]}

    def shares(self, head: Head) -> dict[str, float]:
        """For each of METHODS the share on the background: the mean over the pictures whose map is not zero."""
        found = {}
        for method, maps in self.maps(head).items():
            shares = [
                background_share(one.cpu().numpy(), animal) for one, animal in zip(maps, self.animals, strict=True)
            ]
            found[method] = float(np.nanmean(shares)) if not np.isnan(shares).all() else float("nan")
        return found


def probes(net: Net, of: Lab, kind: str) -> Probes:
    """The pair's probes, each with the trait of its class."""
    cutouts = np.flatnonzero(of.probes)
    return Probes(net, of, bias_lab.shots(of, kind, cutouts, of.labels[cutouts]))


# The sweep.


def sweep(
    net: Net,
    pair: str = "default",
    strengths: Sequence[float] = STRENGTHS,
    seeds: int = SEEDS,
    kind: str = "background",
    features: np.ndarray | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Accuracy and the maps' shares on the background for growing strengths of a bias.

    Args:
        net: any network that ends in a linear layer or in one map for each class.
        pair: name of the lab. kind: what is tied to the class, one of bias_lab.KINDS.
        strengths: 0.5 to 1. seeds: networks for each strength.
        features: those of :func:`bias_lab.features`; when omitted those that come with the dashboard, else computed.
        progress: called with the share done; what it raises ends the computation.

    Returns:
        A row for each strength.

    Raises:
        ValueError: an unknown pair or kind, a strength out of range, no seed, or a network that does not fit.
    """
    if seeds < 1 or not strengths:
        raise ValueError("A sweep needs at least one strength and one seed.")
    of, found = bias_lab.lab(pair), features
    if found is None:
        found = ready(net, pair)
    heads = [[bias_lab.train(of, found, kind, strength, seed) for seed in range(seeds)] for strength in strengths]
    return list(_rows(net, of, found, kind, strengths, heads, progress))


def ready(net: Net, pair: str = "default", progress: Progress | None = None) -> np.ndarray:
    """The features that come with the dashboard, or else computed now."""
    kept = bias_lab.stored(net.name) if pair == "default" else None
    return bias_lab.features(net, pair, progress) if kept is None else kept


def _rows(
    net: Net,
    of: Lab,
    features: np.ndarray,
    kind: str,
    strengths: Sequence[float],
    heads: Sequence[Sequence[Head]],
    progress: Progress | None,
) -> Iterator[Row]:
    seen, done, every = probes(net, of, kind), 0, sum(map(len, heads))
    for strength, several in zip(strengths, heads, strict=True):
        shares = []
        for head in several:
            shares.append(seen.shares(head))
            done += 1
            report(progress, done / every)
        networks = {method: tuple(share[method] for share in shares) for method in METHODS}
        means = {method: Mean.of(values) for method, values in networks.items()}
        yield Row(strength, *accuracy(of, features, several, kind, range(len(several))), means, networks)


# What the sweep says.


def band(values: Sequence[float]) -> tuple[float, float]:
    r"""Where the share of one more network of the same kind lies in 95 % of cases: $m \pm t\, s \sqrt{1 + 1/n}$.

    Student's prediction interval from the shares of n networks without bias.

    Raises:
        ValueError: fewer than two values.
    """
    if len(values) < 2:
        raise ValueError("A band needs at least two networks.")
    middle, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    half = _T[min(len(values) - 1, len(_T)) - 1] * spread * np.sqrt(1 + 1 / len(values))
    return middle - float(half), middle + float(half)


def threshold(rows: Sequence[Row], method: str, within: tuple[float, float] | None = None) -> float | None:
    """The detection threshold: the strength from which on the mean share stays above the band of no bias.

    None where at the largest strength it is not above: the map does not show that the network looks at the background.
    A share below the band is no sign of that.

    Args:
        rows: of :func:`sweep`, by rising strength; the first one is that of no tie.
        within: the band; that of the first row's networks when omitted.
    """
    _, high = within or band(rows[0].networks[method])
    above = None
    for row in rows[::-1]:
        if row.shares[method].mean <= high:
            break
        above = row.strength
    return above


def difference(rows: Sequence[Row], method: str) -> Mean:
    """How much larger the share is in the last row than in the first, network by network; interval over networks."""
    return Mean.of(np.subtract(rows[-1].networks[method], rows[0].networks[method]))


def without_bias(net: Net, kind: str, seeds: Sequence[int], features: np.ndarray) -> dict[str, list[float]]:
    """For each of METHODS the shares of networks in whose training pictures the trait is not tied to the class."""
    of = bias_lab.lab()
    seen = probes(net, of, kind)
    found = [seen.shares(bias_lab.train(of, features, kind, 0.5, seed)) for seed in seeds]
    return {method: [share[method] for share in found] for method in METHODS}


def alarms(shares: Sequence[float], within: tuple[float, float]) -> int:
    """How many networks' shares lie above a band: false alarms where these are without bias."""
    return sum(share > within[1] for share in shares)


class Measured(NamedTuple):
    """A sweep, and for each of METHODS the shares of networks without bias that give the band.

    Attributes:
        rows: of :func:`sweep`.
        without: shares of the networks that give the band. further: of those on which false alarms are counted, if any.
    """

    rows: list[Row]
    without: dict[str, tuple[float, ...]]
    further: dict[str, tuple[float, ...]]

    def band(self, method: str) -> tuple[float, float]:
        return band(self.without[method])

    def threshold(self, method: str) -> float | None:
        return threshold(self.rows, method, self.band(method))

    def alarms(self, method: str) -> int:
        return alarms(self.further[method], self.band(method))


@cache
def stored(model: str, kind: str) -> Measured | None:
    """The measurement of the default pair that comes with the dashboard; None for other networks."""
    found = json.loads(FILE.read_text("utf-8")).get(model, {}).get(kind)
    if found is None:
        return None
    without, further = ({m: tuple(values) for m, values in found[name].items()} for name in ("without", "further"))
    return Measured([_row(row) for row in found["rows"]], without, further)


def _row(kept: dict) -> Row:
    shares = {method: Mean(*mean) for method, mean in kept["shares"].items()}
    networks = {method: tuple(values) for method, values in kept["networks"].items()}
    matched, swapped, worst = (Mean(*kept[name]) for name in ("matched", "swapped", "worst_group"))
    return Row(kept["strength"], matched, swapped, worst, shares, networks)


# The repair.


def repair(of: Lab, features: np.ndarray, kind: str, seed: int, animals: int) -> Head:
    """The last layer refitted on a small balanced set: so many cut-outs of each class, each with both traits.

    Kirichenko, Izmailov & Wilson, "Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations" (ICLR
    2023). The cut-outs are of those the network was trained on, so that the test stays one.

    Raises:
        ValueError: no animal, or more than there are.
    """
    train = bias_lab.split(of, seed).train
    chosen = [np.random.default_rng([seed, 2]).permutation(train[of.labels[train] == label]) for label in (0, 1)]
    if not 1 <= animals <= min(map(len, chosen)):
        raise ValueError(f"Between 1 and {min(map(len, chosen))} animals of each class can be chosen, not {animals}.")
    few = np.concatenate([one[:animals] for one in chosen])
    twice, trait = np.tile(few, 2), np.repeat([0, 1], len(few))
    return bias_lab.fit(bias_lab.rows(features, bias_lab.shots(of, kind, twice, trait)), of.labels[twice])


def groups(of: Lab, features: np.ndarray, head: Head, kind: str, seed: int) -> dict[tuple[int, int], Mean]:
    """Accuracy on the cut-outs of the test by class and trait, each with Wilson's interval."""
    test = bias_lab.split(of, seed).test
    found = {}
    for label in (0, 1):
        own = test[of.labels[test] == label]
        for trait in (0, 1):
            answers = right(of, features, head, kind, own, trait != label)
            found[label, trait] = wilson(float(answers.mean()), len(own))
    return found
