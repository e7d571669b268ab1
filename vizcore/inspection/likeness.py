"""How alike the best patches of a unit are: in their pixels, and in what the pictures show."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from vizcore.images import gallery
from vizcore.images.collection import Collection, cut
from vizcore.inspection import top_patches
from vizcore.inspection.squares import square
from vizcore.inspection.top_patches import Index
from vizcore.models import Net
from vizcore.models import layers as model_layers

SAMPLE = 64  # units of a layer that its numbers are averaged over


class Likeness(NamedTuple):
    """How alike the best patches of a layer's units are, on average over `units` units.

    Attributes:
        pixels: mean correlation of two patches of one unit, shrunk to 8 x 8 colour pixels.
        pixels_chance: the same for patches at random places of random pictures.
        kind: share of pairs of a unit's pictures that are of one kind (see :func:`kinds`).
        kind_chance: the same for any two of all pictures.
    """

    pixels: float
    pixels_chance: float
    kind: float
    kind_chance: float
    units: int


def kinds(net: Net, pictures: Collection) -> tuple[str, ...]:
    """What each gallery picture shows, coarsely ("mammals", "birds", "monuments"); for digits the digit."""
    if net.channels == 1:
        return pictures.titles
    of = {asset.sha256: asset.category for asset in gallery.all_records()}
    return tuple(of.get(digest, "") for digest in pictures.digests)


def likeness(net: Net, pictures: Collection, index: Index, layers: Sequence[str], seed: int = 0) -> dict[str, Likeness]:
    """How alike the best patches of a unit are, layer by layer: in their pixels, and in what the pictures show.

    Patches grow with depth, and larger patches of photographs are less alike whatever a unit does: compare with
    chance, which is measured on patches of the same size.
    """
    labels = np.unique(kinds(net, pictures), return_inverse=True)[1]
    crops = [square(net, pictures, n) for n in range(len(labels))]
    found = {}
    for name in layers:
        generator = np.random.default_rng(seed)
        layer, start = net.layer(name), model_layers.before_relu(net, name)
        units = generator.permutation(layer.out_shape[0])[:SAMPLE]
        rows = []
        for unit in units:
            hits = index.top(net, start, int(unit))
            strangers = generator.permutation(len(crops))[: len(hits)]
            cells = generator.integers(0, layer.out_shape[1:], (len(hits), 2))
            best = [_shrunk(crops[hit.picture], top_patches.patch_box(net, layer, hit.cell)) for hit in hits]
            other = [
                _shrunk(crops[n], top_patches.patch_box(net, layer, (int(r), int(c))))
                for n, (r, c) in zip(strangers, cells, strict=True)
            ]
            rows.append((mean_correlation(best), mean_correlation(other), _same(labels[[hit.picture for hit in hits]])))
        pixels, pixels_chance, kind = np.mean(rows, 0).tolist()
        found[name] = Likeness(pixels, pixels_chance, kind, _same(labels), len(units))
    return found


def same_kind(net: Net, pictures: Collection, index: Index, layer: str) -> tuple[float, float]:
    """Share of pairs of one unit's best pictures that are of one kind, mean over all units of a layer; and by chance.

    Chance: any two of all pictures. Kinds as :func:`kinds`.
    """
    labels = np.unique(kinds(net, pictures), return_inverse=True)[1]
    best = index.rankings[model_layers.before_relu(net, layer)].pictures
    shares = [_same(labels[of_unit[of_unit >= 0]]) for of_unit in best]
    return float(np.mean(shares)), _same(labels)


def _shrunk(picture: Image.Image, box: tuple[int, int, int, int]) -> np.ndarray:
    """The patch as (192,) float32."""
    patch = cut(picture, box).convert("RGB").resize((8, 8), Image.Resampling.BOX)
    return np.asarray(patch, np.float32).ravel()


def mean_correlation(patches: Sequence[np.ndarray]) -> float:
    """Mean correlation of two different patches, flattened; an even patch correlates with nothing."""
    values = np.stack(patches) - np.mean(patches, 1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    values = values / np.where(length > 0, length, 1)
    products = values @ values.T
    return _off_diagonal(products)


def _same(labels: np.ndarray) -> float:
    """Share of pairs with one label."""
    return _off_diagonal((labels[:, None] == labels[None]).astype(float))


def _off_diagonal(pairs: np.ndarray) -> float:
    count = len(pairs)
    return float((pairs.sum() - np.trace(pairs)) / (count * (count - 1))) if count > 1 else 0.0
