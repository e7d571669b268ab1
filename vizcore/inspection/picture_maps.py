"""Maps that are ready to be shown: coordinates with all that says how far to believe them; and those kept in a file."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vizcore.inspection import embeddings
from vizcore.inspection.embeddings import Projection, Seen
from vizcore.types import Progress

NEAR = 10  # neighbours that are compared


class Map(NamedTuple):
    """A map of N pictures, judged.

    Attributes:
        coordinates: (N, dimensions). trust: (N,), each point's trustworthiness. neighbours: (N, k) by the features.
        original, projected: k-NN accuracy by the features and on the map. width: numbers per picture.
        projection: to place pictures; None where the map comes from a file.
    """

    coordinates: np.ndarray
    trust: np.ndarray
    neighbours: np.ndarray
    original: float
    projected: float
    width: int
    projection: Projection | None = None

    @property
    def trustworthiness(self) -> float:
        return float(self.trust.mean())

    @property
    def false_neighbours(self) -> np.ndarray:
        """(N,) how many of the nearest on the map are none of the nearest by the features."""
        near = self.neighbours.shape[1]
        plane = embeddings.nearest(self.coordinates, near)
        return np.array([near - len(np.intersect1d(a, b)) for a, b in zip(plane, self.neighbours, strict=True)])


def make(
    rows: np.ndarray,
    labels: Sequence[str],
    method: str = "tsne",
    dimensions: int = 2,
    seed: int = 0,
    perplexity: float = 30,
    progress: Progress | None = None,
    *,
    start: str = "pca",
    seen: Seen | None = None,
) -> Map:
    """Project rows (N, D) and judge the map by all their numbers; arguments and errors as for `embeddings.project`."""
    near = min(NEAR, (len(rows) - 1) // 2)
    made = embeddings.project(rows, method, dimensions, seed, perplexity, progress, start=start, seen=seen)
    judged = embeddings.quality(rows, made.coordinates, labels, near)
    return Map(
        made.coordinates,
        judged["per_point"].astype(np.float32),
        embeddings.nearest(rows, near).astype(np.uint16),
        judged["knn_original"],
        judged["knn_projected"],
        rows.shape[1],
        made,
    )


class Kept(NamedTuple):
    """Maps in a file: of one network and collection, by layer; with the default settings.

    Attributes:
        identity: of the network, the pictures and the layers (`features.identity`). size: digits, or 0.
        maps: by layer, and whether of the noise twin. predicted: (N,) the network's classes.
    """

    identity: str
    size: int
    maps: Mapping[tuple[str, bool], Map]
    predicted: np.ndarray


def to_file(kept: Kept) -> dict[str, np.ndarray]:
    """The arrays that :func:`from_file` reads."""
    arrays: dict[str, np.ndarray] = {"predicted": kept.predicted.astype(np.int16)}
    numbers = {}
    for (layer, noise), found in kept.maps.items():
        at = f"{layer}/{'noise' if noise else 'map'}"
        numbers[at] = [found.original, found.projected, found.width]
        arrays[f"{at}/coordinates"] = found.coordinates.astype(np.float32)
        arrays[f"{at}/trust"] = found.trust.astype(np.float16)
        arrays[f"{at}/neighbours"] = found.neighbours.astype(np.uint16)
    about = {"identity": kept.identity, "size": kept.size, "numbers": numbers}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    return arrays


def from_file(file: Path) -> Kept:
    """The maps of a file that came with the dashboard."""
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        maps = {}
        for at, (original, projected, width) in about["numbers"].items():
            layer, _, kind = at.rpartition("/")
            coordinates, trust, near = (arrays[f"{at}/{part}"] for part in ("coordinates", "trust", "neighbours"))
            trust = trust.astype(np.float32)
            maps[layer, kind == "noise"] = Map(coordinates, trust, near, original, projected, width)
        return Kept(about["identity"], about["size"], maps, arrays["predicted"])
