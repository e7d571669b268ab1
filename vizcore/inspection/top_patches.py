"""The pictures, and the places in them, that excite each unit most: for all units of all layers at once.

One forward pass per picture; of every map only the strongest cell is kept, and of every unit only the best
pictures. Yosinski et al. (ICML workshop 2015) precomputed such images for hours; for a few hundred pictures it is
a matter of seconds, so it can be done for any network, a student's own too.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vizcore.images.collection import Collection
from vizcore.inspection.squares import in_order, prepared
from vizcore.models import Layer, Net, capture, partial
from vizcore.models import layers as model_layers
from vizcore.models.layers import same_outputs
from vizcore.types import Progress, report

VERSION, COUNT = 1, 9  # of the file's layout; pictures kept per unit


class Hit(NamedTuple):
    """A unit's strongest cell in one picture: the picture's number in the collection, the value, the cell."""

    picture: int
    value: float
    cell: tuple[int, int]


class Ranking(NamedTuple):
    """The best pictures of each of U units, best first: values (U, k) float32, pictures and cells (U, k) int32.

    `cells` are row * width + column; missing entries (fewer than k pictures) have picture -1.
    """

    values: np.ndarray
    pictures: np.ndarray
    cells: np.ndarray


@dataclass(frozen=True, eq=False)
class Index:
    """Rankings of all layers with maps, by layer name. Layers that give out the same numbers share one."""

    rankings: Mapping[str, Ranking] = field(repr=False)

    def top(self, net: Net, layer: str, unit: int, count: int = COUNT) -> tuple[Hit, ...]:
        """The best pictures of a unit, best first; at most as many as were kept.

        Raises:
            ValueError: an unknown layer, one without maps, or a unit it does not have.
        """
        width = net.layer(layer).out_shape[-1]
        if layer not in self.rankings:
            raise ValueError(f"{layer} of {net.title} has no feature maps to search.")
        net.check_unit(layer, unit)
        values, pictures, cells = (part[unit, :count] for part in self.rankings[layer])
        return tuple(
            Hit(int(p), float(v), divmod(int(c), width))
            for v, p, c in zip(values, pictures, cells, strict=True)
            if p >= 0
        )


# The box that is cut out of a picture.


def patch_box(net: Net, layer: Layer, cell: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of the patch around a cell: its receptive field, at most half the picture wide.

    A field wider than that is cut to half the picture's side around its middle, and moved into the picture; a
    smaller one is left where it is and may reach over the edge, into the padding.
    """
    side, limit = net.input_size, net.input_size // 2
    if layer.receptive_field and layer.receptive_field.size <= limit:
        return layer.receptive_field.box(*cell)
    if layer.receptive_field:
        top, left, bottom, right = layer.receptive_field.box(*cell)
        middle = (top + bottom) / 2, (left + right) / 2
    else:
        rows, columns = layer.out_shape[1:]
        middle = (cell[0] + 0.5) * side / rows, (cell[1] + 0.5) * side / columns
    top, left = (min(max(round(at - limit / 2), 0), side - limit) for at in middle)
    return top, left, top + limit, left + limit


# The index.


def build(net: Net, pictures: Collection, count: int = COUNT, progress: Progress | None = None) -> Index:
    """Search all pictures: one forward pass each, all layers at once.

    Equal values rank by the order of the pictures, and equal cells by rows, then columns.

    Args:
        count: pictures kept per unit.
        progress: called with the share done; what it raises ends the search.
    """
    names = same_outputs(net)
    shapes = {name: net.layer(name).out_shape for name in set(names.values())}
    values = {n: np.full((s[0], count), -np.inf, np.float32) for n, s in shapes.items()}
    places = {n: np.full((2, s[0], count), -1, np.int32) for n, s in shapes.items()}

    def search(number: int) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of every layer the units that may be among their best here, their strongest value and its cell."""
        strongest = {}

        def note(name: str, output: Tensor) -> None:
            if name in values:
                flat = output[0].flatten(1)
                best = flat.amax(1).numpy(force=True)
                units = np.flatnonzero(best > values[name][:, -1])
                cells = flat[torch.from_numpy(units).to(flat.device)].argmax(1) if len(units) else flat[:0, 0]
                strongest[name] = units, best[units], cells.numpy(force=True)

        x = prepared(net, pictures, number)
        with torch.no_grad(), capture.observing(note):
            net(x)
        return strongest

    for number, strongest in enumerate(in_order(search, range(len(pictures.titles)))):
        for name, (units, best, cells) in strongest.items():
            _insert(values[name], places[name], units, best, cells, number)
        report(progress, (number + 1) / len(pictures.titles))
    rankings = {name: Ranking(values[name], *places[name]) for name in values}
    return Index({name: rankings[first] for name, first in names.items()})


def _insert(values: np.ndarray, places: np.ndarray, units, best, cells, number: int) -> None:
    """Put one picture's values into the sorted rows of the given units, behind equal ones."""
    if not len(units):
        return
    order = np.argsort(-np.concatenate([values[units], best[:, None]], 1), axis=1, kind="stable")[:, :-1]
    for array, new in ((values, best), (places[0], np.full(len(units), number)), (places[1], cells)):
        rows = np.concatenate([array[units], new[:, None].astype(array.dtype)], 1)
        array[units] = np.take_along_axis(rows, order, 1)


# The copy on disk, which may be deleted at any time.


def directory() -> Path:
    """The cache folder: the environment's VIZ_CACHE_DIR, or one in the user's own cache."""
    if chosen := os.environ.get("VIZ_CACHE_DIR"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visualizing-neural-networks"


def identity(net: Net, pictures: Collection, count: int = COUNT) -> str:
    """A digest of all that the index depends on: weights, layers, preprocessing, pictures, layout of the file."""
    about = [
        VERSION,
        count,
        [(layer.name, layer.out_shape) for layer in net.layers],
        net.input_size,
        net.resize,
        net.mean,
        net.std,
        int(net.interpolation),
        pictures.digests,
    ]
    digest = hashlib.sha256(json.dumps(about).encode())
    for name, tensor in net.network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:32]


def load_or_build(
    net: Net, pictures: Collection, count: int = COUNT, progress: Progress | None = None, folder: Path | None = None
) -> Index:
    """The index from disk; built, and kept there where the disk allows it, when it is missing or damaged."""
    file = (folder or directory()) / f"top-patches-{identity(net, pictures, count)}.npz"
    index = _read(file, net, len(pictures.titles), count)
    if index is None:
        index = build(net, pictures, count, progress)
        with contextlib.suppress(OSError):  # a read-only or full disk: it goes on in memory
            _write(file, index, net)
    return index


def _read(file: Path, net: Net, pictures: int, count: int) -> Index | None:
    """The index of a file that is there, whole and fits; otherwise None."""
    try:
        names = same_outputs(net)
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: Ranking(*(arrays[f"{name}/{part}"] for part in Ranking._fields)) for name in names.values()}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    for name, ranking in found.items():
        channels, height, width = net.layer(name).out_shape
        if any(part.shape != (channels, count) for part in ranking) or ranking.pictures.max() >= pictures:
            return None
        if ranking.cells.max() >= height * width:
            return None
    return Index({name: found[first] for name, first in names.items()})


def _write(file: Path, index: Index, net: Net) -> None:
    """Write beside the file, then put it in its place, so that no reader sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{name}/{part}": getattr(index.rankings[name], part)
        for name in sorted(set(same_outputs(net).values()))
        for part in Ranking._fields
    }
    handle, partial = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, **arrays)
        os.replace(partial, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


def firing_most(net: Net, index: Index, layer: str, count: int) -> tuple[int, ...]:
    """The units of a layer with the largest mean over their best pictures, before their own ReLU; largest first."""
    values = index.rankings[model_layers.before_relu(net, layer)].values
    means = np.where(np.isfinite(values), values, 0).sum(1) / np.maximum(1, np.isfinite(values).sum(1))
    return _largest(means, count)


def firing_on(net: Net, x: torch.Tensor, layers: Sequence[str], count: int) -> dict[str, tuple[int, ...]]:
    """For each layer the units with the strongest single cell on one (1, C, H, W) input, before their own ReLU."""
    starts = {layer: model_layers.before_relu(net, layer) for layer in layers}
    with torch.no_grad():
        acts = partial.activations(net, x, tuple(set(starts.values())))
    return {
        layer: _largest(acts[start][0].flatten(1).amax(1).numpy(force=True), count) for layer, start in starts.items()
    }


def at_random(layer: Layer, count: int, seed: int) -> tuple[int, ...]:
    """Units of a layer drawn without looking at them, in the order of their numbers."""
    units = np.random.default_rng(seed).permutation(layer.out_shape[0])[:count]
    return tuple(sorted(int(unit) for unit in units))


def _largest(values: np.ndarray, count: int) -> tuple[int, ...]:
    return tuple(int(unit) for unit in np.argsort(-values, kind="stable")[:count])
