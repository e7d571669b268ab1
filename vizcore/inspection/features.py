"""What layers give for every picture of a collection, as rows of numbers: what projections are made of.

One pass through the network serves all the layers asked for, and its predictions. Maps of many cells are averaged
over blocks first, so that a row has at most MOST numbers.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from vizcore.images.collection import Collection
from vizcore.inspection import top_patches
from vizcore.inspection.squares import in_order
from vizcore.models import Net, partial
from vizcore.models.layers import stops
from vizcore.types import INPUT, Progress, report

VERSION = 1  # of the file's layout
MOST = 512  # numbers per picture and layer, where a layer has maps of more
BATCH = 16


class Features(NamedTuple):
    """Of N pictures: `rows`, by layer name (N, D) float16; `predicted` (N,) int32, the class with the largest logit."""

    rows: dict[str, np.ndarray]
    predicted: np.ndarray


def offered(net: Net) -> tuple[str, ...]:
    """The layers worth a map: the pixels, one layer for each map handed on from block to block, and all vectors."""
    few = set(stops(net))
    vectors = [layer for layer in net.layers if len(layer.out_shape) == 1]
    kept = {layer.name for at, layer in enumerate(vectors) if layer.kind != "flatten" or at == len(vectors) - 1}
    return INPUT, *(layer.name for layer in net.layers if layer.name in few | kept)


def shape(net: Net, layer: str) -> tuple[int, ...]:
    """(C, H, W) or (C,): what the layer gives for one picture; the pixels are a layer too."""
    return (net.channels, net.input_size, net.input_size) if layer == INPUT else net.layer(layer).out_shape


def cells(of: tuple[int, ...]) -> tuple[int, int]:
    """(rows, columns) to which maps of this shape are averaged: as many as fit into MOST numbers, at least one."""
    if len(of) < 3:
        return 1, 1
    channels, height, width = of
    if channels * height * width <= MOST:
        return height, width
    side = max(1, int((MOST / channels) ** 0.5))
    return min(height, side), min(width, side)


def row(output: Tensor) -> Tensor:
    """(N, D) float16: a layer's output (N, C, H, W) or (N, C), its maps averaged to :func:`cells`.

    What is beyond float16 stays infinite, so that it is found.
    """
    if output.ndim == 4:
        output = adaptive_avg_pool2d(output, cells(tuple(output.shape[1:])))
    return output.flatten(1).to(torch.float16)


def of_picture(net: Net, x: Tensor, layer: str) -> np.ndarray:
    """(1, D) float32: the row of one (1, C, S, S) input."""
    with torch.no_grad():
        output = x if layer == INPUT else partial.activation(net, x, layer)
        return row(output).float().numpy(force=True)


def gather(net: Net, pictures: Collection, layers: Sequence[str], progress: Progress | None = None) -> Features:
    """The rows of these layers for every picture of a collection, and the network's predictions.

    Args:
        layers: names, or "input" for the pixels as the network takes them.
        progress: called with the share done; what it raises cancels.

    Raises:
        ValueError: an unknown layer.
    """
    inner = [name for name in layers if name != INPUT]
    for name in inner:
        net.layer(name)
    count = len(pictures.titles)

    def run(first: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        numbers = range(first, min(first + BATCH, count))
        x = torch.cat([net.preprocess(pictures.open(number)) for number in numbers])
        with torch.no_grad():
            logits, outputs = net.forward(x, capture=inner)
        rows = {name: row(x if name == INPUT else outputs[name]).numpy(force=True) for name in layers}
        return rows, logits.argmax(1).numpy(force=True)

    done = []
    for found in in_order(run, range(0, count, BATCH)):
        done.append(found)
        report(progress, min(1.0, len(done) * BATCH / count))
    joined = {name: np.concatenate([rows[name] for rows, _ in done]) for name in layers}
    return Features(joined, np.concatenate([predicted for _, predicted in done]).astype(np.int32))


# The copy on disk, which may be deleted at any time.


def identity(net: Net, pictures: Collection, layers: Sequence[str]) -> str:
    """A digest of all that the rows depend on."""
    about = json.dumps([VERSION, MOST, list(layers), top_patches.identity(net, pictures)])
    return hashlib.sha256(about.encode()).hexdigest()[:32]


def load_or_gather(
    net: Net, pictures: Collection, layers: Sequence[str], progress: Progress | None = None, folder: Path | None = None
) -> Features:
    """The rows from disk; gathered, and kept there where the disk allows it, when they are missing or damaged.

    Args:
        folder: of the copies; the cache folder when omitted.
    """
    file = (folder or top_patches.directory()) / f"features-{identity(net, pictures, layers)}.npz"
    if found := read(file, layers, len(pictures.titles)):
        return found
    found = gather(net, pictures, layers, progress)
    with contextlib.suppress(OSError):  # a read-only or full disk: it goes on in memory
        write(file, found)
    return found


def read(file: Path, layers: Sequence[str], count: int) -> Features | None:
    """The rows of a file that is there, whole and fits; otherwise None."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = Features({name: arrays[f"row/{name}"] for name in layers}, arrays["predicted"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    whole = all(len(rows) == count and rows.ndim == 2 for rows in found.rows.values())
    return found if whole and found.predicted.shape == (count,) else None


def write(file: Path, found: Features) -> None:
    """Write beside the file, then put it in its place, so that no reader sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {"predicted": found.predicted} | {f"row/{name}": rows for name, rows in found.rows.items()}
    handle, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]  # its stub takes the names for its own
        os.replace(unfinished, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
