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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vizcore.images import gallery
from vizcore.models import Layer, Net, capture

VERSION, COUNT = 1, 9  # of the file's layout; pictures kept per unit
COLLECTIONS = {"gallery": ("gallery",), "all pictures": ("gallery", "photo", "cutout")}
Progress = Callable[[float], None]


class Collection(NamedTuple):
    """Pictures to search: their names, what identifies their content, and how to open one."""

    titles: tuple[str, ...]
    digests: tuple[str, ...]
    open: Callable[[int], Image.Image]


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
        shape = net.layer(layer).out_shape
        if layer not in self.rankings:
            raise ValueError(f"{layer} of {net.title} has no feature maps to search.")
        if not 0 <= unit < shape[0]:
            raise ValueError(f"{layer} has units 0 to {shape[0] - 1}, not {unit}.")
        values, pictures, cells = (part[unit, :count] for part in self.rankings[layer])
        return tuple(
            Hit(int(p), float(v), divmod(int(c), shape[2])) for v, p, c in zip(values, pictures, cells, strict=True)
            if p >= 0
        )  # fmt: skip


def collection(net: Net, name: str = "gallery") -> Collection:
    """The pictures of that name, cut-outs on grey; for a network of one grey channel the first 500 test digits.

    Raises:
        ValueError: an unknown name.
    """
    if net.channels == 1:
        _, _, x, y = gallery.digits()
        digests = tuple(hashlib.sha256(digit.tobytes()).hexdigest() for digit in x[:500])
        return Collection(tuple(f"digit {label}" for label in y[:500]), digests, lambda i: Image.fromarray(x[i]))
    if name not in COLLECTIONS:
        raise ValueError(f"There is no collection called '{name}'. Known: {', '.join(COLLECTIONS)}.")
    assets = [asset for kind in COLLECTIONS[name] for asset in gallery.records(kind)]
    return Collection(
        tuple(asset.title for asset in assets), tuple(asset.sha256 for asset in assets),
        lambda i: _opaque(gallery.open_image(assets[i])),
    )  # fmt: skip


def _opaque(image: Image.Image) -> Image.Image:
    """A cut-out on grey; other pictures as they are."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, (128, 128, 128, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


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
        middle = tuple((at + 0.5) * side / cells for at, cells in zip(cell, layer.out_shape[1:], strict=True))
    top, left = (min(max(round(at - limit / 2), 0), side - limit) for at in middle)
    return top, left, top + limit, left + limit


def cut(picture: Image.Image, box: tuple[int, int, int, int], fill: int = 128) -> Image.Image:
    """The part of a picture in the box; grey (`fill`) where the box reaches over the edge."""
    top, left, bottom, right = box
    patch = Image.new(picture.mode, (right - left, bottom - top), fill if picture.mode == "L" else (fill,) * 3)
    patch.paste(picture, (-left, -top))
    return patch


# The index.


def same_outputs(net: Net) -> dict[str, str]:
    """For every layer with maps the first layer that gives out the very same numbers; often itself.

    A block and its last layer are one tensor, and dropout and identity hand on what they got.
    """
    seen: dict[str, tuple[int, int]] = {}
    kept: list[Tensor] = []  # alive, so that no id is used twice

    def note(name: str, output: Tensor) -> None:
        kept.append(output)
        if output.ndim == 4:
            seen[name] = id(output), output._version

    with torch.no_grad(), capture.observing(note):
        net(torch.zeros(1, net.channels, net.input_size, net.input_size, device=net.device))
    first: dict[tuple[int, int], str] = {}
    return {name: first.setdefault(tensor, name) for name, tensor in seen.items()}


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
    strongest: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def note(name: str, output: Tensor) -> None:
        if name in values:
            flat = output[0].flatten(1)
            best = flat.amax(1).numpy(force=True)
            units = np.flatnonzero(best > values[name][:, -1])
            cells = flat[torch.from_numpy(units).to(flat.device)].argmax(1) if len(units) else flat[:0, 0]
            strongest[name] = units, best[units], cells.numpy(force=True)

    for number in range(len(pictures.titles)):
        x = net.preprocess(pictures.open(number))
        with torch.no_grad(), capture.observing(note):
            net(x)
        for name, (units, best, cells) in strongest.items():
            _insert(values[name], places[name], units, best, cells, number)
        if progress:
            progress((number + 1) / len(pictures.titles))
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
        VERSION, count, [(layer.name, layer.out_shape) for layer in net.layers],
        net.input_size, net.resize, net.mean, net.std, int(net.interpolation), pictures.digests,
    ]  # fmt: skip
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
