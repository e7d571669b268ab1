"""The bias lab: pictures whose class, background, tag and blur are known, and networks of two classes trained on them.

Every cut-out of a mammal or a bird is laid on snow and on grass, each as it is, with a tag in a corner, and blurred.
The last layer of a trained network is taken off; what it would get (its features) is computed once for each of these
pictures. A network of two classes is then one linear layer on the features, fitted in a moment, and how strongly the
training pictures tie the class to a trait is only a choice of rows. Waterbirds is made alike: Sagawa, Koh, Hashimoto &
Liang, "Distributionally Robust Neural Networks for Group Shifts" (ICLR 2020).
"""

import copy
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor, nn

from vizcore.images import composites, gallery
from vizcore.models import Net
from vizcore.models.layers import class_maps, last_features, linear_head
from vizcore.models.net import freeze
from vizcore.types import OtherNetworkError, Progress, report

FILE = gallery.ASSETS / "bias_features.npz"
LOOKS = ("plain", "tag", "blur")  # how a picture of the lab may look
KINDS = {"background": "Background", "tag": "Corner tag", "blur": "Blur"}  # what may be tied to the class
STRENGTHS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
TRAIN = 0.6  # of the cut-outs of each class
PENALTY = 1.0  # of the squared weights, per standardized feature; scikit-learn's 1 / C
TAG = 0.16  # side of the tag, as a share of the picture's
BLUR = 0.014  # standard deviation of the animal's blur, likewise
SEED = 12  # of sizes, places and parts of the background
_AT_ONCE = 8


class Pair(NamedTuple):
    """What a lab is made of.

    Attributes:
        categories: folders of cut-outs, the two classes. names: what to call them.
        grounds: ids of the backgrounds; the first is tied to the first class.
        probes: ids of cut-outs that no network is trained or tested on: the maps are drawn and measured on them.
    """

    categories: tuple[str, str]
    names: tuple[str, str]
    grounds: tuple[str, str]
    probes: tuple[str, ...]


PAIRS = {
    "default": Pair(
        ("mammals", "birds"),
        ("mammal", "bird"),
        ("snow", "meadow"),
        ("dog", "fox", "tiger", "elephant", "ostrich", "penguin", "pink_flamingo", "peacock"),
    )
}


class Shot(NamedTuple):
    """One picture of the lab: the position of its cut-out, its background (0 or 1) and one of the LOOKS (0 to 2)."""

    cutout: int
    ground: int
    look: int = 0


class Head(NamedTuple):
    """The last layer of a network of two classes: (F,) weights and a bias; above zero it says the second class."""

    weights: np.ndarray
    bias: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(N,) scores of (N, F) features: the logit of the second class less that of the first."""
        return features @ self.weights + self.bias


# The pictures.


class Lab(NamedTuple):
    """The cut-outs of a pair, in the manifest's order, and what is random about them, once and for all.

    Attributes:
        pair: what it is made of. assets: the cut-outs.
        labels: (n,) 0 or 1. probes: (n,) bool, kept from training and test.
        coin: (n,) 0 or 1: the background where it is not what is tied to the class; in each class half of them.
        places: (n, 6): size, across, down; side, place and mirror of the part of the background; 0 to 1.
    """

    pair: Pair
    assets: tuple[gallery.Asset, ...]
    labels: np.ndarray
    probes: np.ndarray
    coin: np.ndarray
    places: np.ndarray


@cache
def lab(pair: str = "default") -> Lab:
    """The lab of this name.

    Raises:
        ValueError: there is none.
    """
    if pair not in PAIRS:
        raise ValueError(f"There is no pair called '{pair}'. Known: {', '.join(PAIRS)}.")
    chosen, dice = PAIRS[pair], np.random.default_rng(SEED)
    assets = tuple(asset for asset in gallery.records("cutout") if asset.category in chosen.categories)
    labels = np.array([chosen.categories.index(asset.category) for asset in assets])
    probes = np.array([asset.id in chosen.probes for asset in assets])
    coin = np.zeros(len(assets), int)
    for label in (0, 1):
        order = dice.permutation(np.flatnonzero(labels == label))
        coin[order[::2]] = 1
    return Lab(chosen, assets, labels, probes, coin, dice.random((len(assets), 6)))


def picture(of: Lab, shot: Shot, side: int) -> tuple[Image.Image, np.ndarray]:
    """A picture of the lab, side x side, and (side, side) bool: where the animal is.

    The cut-out, its size and place, and the part of the background are the same whatever the trait.
    """
    size, across, down, part, place, mirror = of.places[shot.cutout].tolist()
    cutout = gallery.open_image(of.assets[shot.cutout])
    ground = gallery.open_image(gallery.find("background", of.pair.grounds[shot.ground]))
    length = round(min(ground.size) * (0.6 + 0.4 * part))
    left, top = (round((full - length) * share) for full, share in zip(ground.size, (place, 1 - place), strict=True))
    ground = ground.crop((left, top, left + length, top + length))
    if mirror < 0.5:
        ground = ground.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    centre = 0.25 + 0.5 * across, 0.4 + 0.5 * down
    made, mask = composites.composite(cutout, ground, side, 0.5 + 0.25 * size, centre)
    if LOOKS[shot.look] == "blur":
        soft = ImageFilter.GaussianBlur(BLUR * side)
        made = Image.composite(made.filter(soft), made, Image.fromarray(mask).convert("L").filter(soft))
    if LOOKS[shot.look] == "tag":
        box = tag_box(side)
        brush, inner = ImageDraw.Draw(made), round(0.03 * side)
        brush.rectangle(box, fill=(250, 210, 20))
        brush.rectangle((box[0] + inner, box[1] + inner, box[2] - inner, box[3] - inner), fill=(40, 40, 140))
        mask[box[1] : box[3] + 1, box[0] : box[2] + 1] = False
    return made, mask


def tag_box(side: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the tag, inclusive: in the lower right corner, TAG of the side."""
    far = side - 1 - round(0.03 * side)
    near = far - round(TAG * side)
    return near, near, far, far


def shots(of: Lab, kind: str, cutouts: np.ndarray, trait: np.ndarray) -> list[Shot]:
    """The pictures of these cut-outs, each with the trait that goes with class 0 or with class 1.

    Args:
        kind: one of KINDS. Background: snow or grass. Tag: with or without. Blur: blurred or sharp.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no bias called '{kind}'. Known: {', '.join(KINDS)}.")
    if kind == "background":
        return [Shot(int(i), int(value)) for i, value in zip(cutouts, trait, strict=True)]
    look = LOOKS.index(kind)
    return [Shot(int(i), int(of.coin[i]), 0 if value else look) for i, value in zip(cutouts, trait, strict=True)]


# The features.


def replaced(net: Net, last: nn.Module | None, title: str, categories: Sequence[str] | None) -> Net:
    """A private network that shares every other parameter with `net`, with this last layer; none: its features.

    Raises:
        OtherNetworkError: the network does not end in a linear layer or in one map for each class.
    """
    name = _last(net)
    memo = {id(tensor): tensor for tensor in (*net.network.parameters(), *net.network.buffers())}
    network = copy.deepcopy(net.network, memo)
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, last or nn.Identity())
    return freeze(
        network,
        f"{net.name} {title}",
        title,
        categories,
        net.input_size,
        net.mean,
        net.std,
        net.input_size,  # the lab's pictures are square and seen whole
        net.interpolation,
    )


def _last(net: Net) -> str:
    """Name of the layer that makes the scores."""
    module = class_maps(net) or linear_head(net)
    if net.channels != 3:
        raise OtherNetworkError(f"{net.title} reads grey pictures, and those of the lab are in colour")
    if module is None or net.cam_layer is None:
        raise OtherNetworkError(f"{net.title} has no feature maps with a linear layer after them")
    return next(name for name, found in net.network.named_modules() if found is module)


def map_layer(net: Net) -> str:
    """The last feature maps: where Grad-CAM looks, in the network and in those made from it."""
    _last(net)
    layer = last_features(net)
    assert layer is not None
    return layer


def inputs(net: Net, of: Lab, several: Sequence[Shot]) -> tuple[Tensor, np.ndarray]:
    """(N, 3, S, S) pictures as the network takes them, and (N, S, S) bool: where the animal is."""
    made = [picture(of, shot, net.input_size) for shot in several]
    return torch.cat([net.preprocess(one, crop=False) for one, _ in made]), np.stack([mask for _, mask in made])


def features_of(net: Net, x: Tensor) -> np.ndarray:
    """(N, F) float32: what the network's last layer gets for a batch (N, 3, S, S)."""
    with torch.no_grad():
        return replaced(net, None, f"features of {net.title}", None)(x).cpu().numpy()


def features(net: Net, pair: str = "default", progress: Progress | None = None) -> np.ndarray:
    """(cut-outs, 2 backgrounds, 3 looks, F) float32: what the network's last layer gets for each picture of the lab.

    Args:
        progress: called with the share done; what it raises ends the computation.
    """
    of, bare = lab(pair), replaced(net, None, f"features of {net.title}", None)
    every = [Shot(i, ground, look) for i in range(len(of.assets)) for ground in (0, 1) for look in range(len(LOOKS))]
    rows = []
    with torch.no_grad():
        for start in range(0, len(every), _AT_ONCE):
            rows.append(bare(inputs(net, of, every[start : start + _AT_ONCE])[0]).cpu().numpy())
            report(progress, min(1.0, (start + _AT_ONCE) / len(every)))
    return np.concatenate(rows).reshape(len(of.assets), 2, len(LOOKS), -1)


@cache
def stored(model: str) -> np.ndarray | None:
    """The features of the default pair that come with the dashboard, float32; None for other networks."""
    with np.load(FILE) as file:
        if model not in file.files or tuple(file["cutouts"]) != tuple(asset.id for asset in lab().assets):
            return None
        found = file[model].astype(np.float32)
    found.setflags(write=False)
    return found


def rows(of: np.ndarray, several: Sequence[Shot]) -> np.ndarray:
    """(N, F): the features of these pictures."""
    return of[tuple(np.array(several).T)]


# The networks.


def fit(features: np.ndarray, labels: np.ndarray, penalty: float = PENALTY) -> Head:
    r"""Logistic regression on standardized features by L-BFGS; both classes count alike.

    Minimizes $\frac{\lambda}{2} \lVert w \rVert^2 + \sum_i s_i \log(1 + e^{-y_i (w \cdot f_i + b)})$ with
    $s_i = n / (2 n_{class})$, as scikit-learn does with `class_weight="balanced"` and $C = 1 / \lambda$.

    Args:
        features: (n, F), standardized here by their own mean and deviation, which the result undoes.
        labels: (n,) 0 or 1.

    Raises:
        ValueError: only one class.
    """
    counts = np.bincount(labels, minlength=2)
    if not counts.all():
        raise ValueError("Both classes need pictures to train on.")
    mean, std = features.mean(0, dtype=np.float64), features.std(0, dtype=np.float64)
    std = np.where(std > 0, std, 1)
    x = torch.from_numpy((features - mean) / std)
    sign = torch.from_numpy(2.0 * labels - 1)
    weigh = torch.from_numpy(len(labels) / (2.0 * counts[labels]))
    found = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    climb = torch.optim.LBFGS(
        [found], max_iter=300, tolerance_grad=1e-9, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        climb.zero_grad()
        margin = sign * (x @ found[:-1] + found[-1])
        value = penalty / 2 * (found[:-1] @ found[:-1]) + (weigh * nn.functional.softplus(-margin)).sum()
        value.backward()
        return value

    with torch.enable_grad():
        climb.step(loss)
    values = found.detach().numpy()
    weights = values[:-1] / std
    return Head(weights, float(values[-1] - weights @ mean))


def network(net: Net, head: Head, pair: str = "default", title: str = "the lab's network") -> Net:
    """The head as a private network of two classes on the shared trunk of `net`, for every method.

    Its logits are plus and minus half of the head's score, so that their softmax is the head's probability.
    """
    last = class_maps(net) or linear_head(net)
    size = len(head.weights)
    made: nn.Conv2d | nn.Linear = nn.Conv2d(size, 2, 1) if isinstance(last, nn.Conv2d) else nn.Linear(size, 2)
    half = torch.from_numpy(np.stack([-head.weights, head.weights]) / 2)
    with torch.no_grad():
        made.weight.copy_(half.reshape(made.weight.shape))
        assert made.bias is not None
        made.bias.copy_(torch.tensor([-head.bias / 2, head.bias / 2]))
    made.to(net.device)
    return replaced(net, made, title, PAIRS[pair].names)


class Split(NamedTuple):
    """Positions of the cut-outs that a network is trained and tested on, and the order that says who breaks the tie."""

    train: np.ndarray
    test: np.ndarray


def split(of: Lab, seed: int) -> Split:
    """A random part of each class to train on, in random order, and the rest to test on; no probes."""
    dice, train, test = np.random.default_rng([seed, 1]), [], []
    for label in (0, 1):
        order = dice.permutation(np.flatnonzero((of.labels == label) & ~of.probes))
        count = round(TRAIN * len(order))
        train.append(order[:count])
        test.append(order[count:])
    return Split(np.concatenate(train), np.concatenate(test))


def traits(labels: np.ndarray, strength: float) -> np.ndarray:
    """(n,) the trait of each training picture, 0 or 1: in each class, the first `strength` of them have its own.

    Raises:
        ValueError: a strength outside 0.5 to 1.
    """
    if not 0.5 <= strength <= 1:
        raise ValueError(f"The strength is {strength:g}; it must lie from 0.5 to 1.")
    found = labels.copy()
    for label in (0, 1):
        own = np.flatnonzero(labels == label)
        found[own[round(strength * len(own)) :]] = 1 - label
    return found


def train(of: Lab, features: np.ndarray, kind: str, strength: float, seed: int) -> Head:
    """A head whose training pictures tie the trait to the class: a share `strength` of each class has its own.

    At 0.5 half of each class has either trait; at 1 the trait alone would do. With one seed a stronger tie keeps the
    pictures of a weaker one and changes further ones.

    Raises:
        ValueError: a strength outside 0.5 to 1, or an unknown kind.
    """
    chosen = split(of, seed).train
    labels = of.labels[chosen]
    return fit(rows(features, shots(of, kind, chosen, traits(labels, strength))), labels)
