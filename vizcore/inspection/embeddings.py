"""Projections: the numbers a layer gives for many pictures, drawn on a plane or in space; and what such a map is worth.

Three methods: PCA (Pearson 1901), t-SNE (van der Maaten & Hinton, JMLR 2008; by openTSNE), UMAP (McInnes, Healy &
Melville 2018; by umap-learn). Before t-SNE and UMAP, features of more than BEFORE numbers go through PCA: without it
t-SNE draws high-dimensional noise as a ball with a hollow rim.
"""

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from vizcore.types import Progress, report

METHODS = ("pca", "tsne", "umap")
BEFORE = 50  # numbers per picture that t-SNE and UMAP are given at most
FEWEST = 5  # pictures a map needs
EARLY, LATE, EVERY = 250, 500, 10  # t-SNE's iterations with and without exaggeration; between two reports
ROWS = 512  # of a distance matrix that are in memory at once

_one_umap = threading.Lock()  # numba's threads are shared; one of its layers ends the process when two callers meet

Seen = Callable[[np.ndarray], None]


class Axes(NamedTuple):
    """Principal components: `mean` (D,), `directions` (d, D), `explained` (d,), each direction's share of variance."""

    mean: np.ndarray
    directions: np.ndarray
    explained: np.ndarray

    def along(self, features: np.ndarray) -> np.ndarray:
        """(M, d): the features (M, D) in these axes."""
        return (features - self.mean) @ self.directions.T


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of N pictures.

    Attributes:
        method, seed, perplexity: how it was made; for UMAP the perplexity is its number of neighbours.
        coordinates: (N, dimensions) float32.
        axes: of the PCA that came first, or of the PCA that is the map; None where the features were few already.
        kl: t-SNE's final Kullback-Leibler divergence, as openTSNE reports it; NaN for the others.
    """

    method: str
    coordinates: np.ndarray
    seed: int = 0
    perplexity: float = 30
    axes: Axes | None = None
    kl: float = float("nan")
    given: np.ndarray = field(repr=False, default_factory=lambda: np.zeros((0, 0)))  # what t-SNE or UMAP was given
    _fitted: Any = field(repr=False, default=None)

    def place(self, new: np.ndarray) -> np.ndarray:
        """(M, dimensions) float32: new pictures (M, D) put into this map without moving the old ones.

        PCA: the same axes. t-SNE: each begins at the median of its 25 nearest pictures and then descends on its own
        Kullback-Leibler divergence to the fixed map (Poličar, Stražar & Zupan 2021). UMAP: its own `transform`.

        Raises:
            ValueError: another number of features, or numbers that are not finite.
        """
        new = np.asarray(new)
        wide = len(self.axes.mean) if self.axes is not None else self.given.shape[1]
        if new.ndim != 2 or new.shape[1] != wide:
            raise ValueError(f"This map was made of {wide} numbers per picture; the new ones have {new.shape[1:]}.")
        if not np.isfinite(new).all():
            raise ValueError("The new pictures have numbers that are not finite, so they have no place on the map.")
        reduced = new if self.axes is None else self.axes.along(new.astype(np.float64))
        if self.method == "pca":
            found = reduced
        elif self.method == "tsne":
            found = self._placed_by_tsne(reduced)
        else:
            with _one_umap, _quiet():
                found = self._fitted.transform(reduced.astype(np.float32))
        return np.asarray(found, dtype=np.float32)

    def _placed_by_tsne(self, reduced: np.ndarray) -> np.ndarray:
        known = _tsne_map(self.coordinates, self.given, self.perplexity, self.seed)
        placed = known.transform(reduced, perplexity=min(5, len(self.given) / 3), k=min(25, len(self.given)))
        # openTSNE centres its map before it places anything: back by as much.
        return np.asarray(placed) + (self.coordinates.max(0) + self.coordinates.min(0)) / 2


def project(
    features: np.ndarray,
    method: str = "tsne",
    dimensions: int = 2,
    seed: int = 0,
    perplexity: float = 30,
    progress: Progress | None = None,
    *,
    start: str = "pca",
    seen: Seen | None = None,
) -> Projection:
    """A map of pictures. The same features, settings and seed give the same map.

    Args:
        features: (N, D) numbers, a row for each picture.
        method: "pca", "tsne" or "umap". dimensions: 2 or 3.
        perplexity: of t-SNE; for UMAP the number of neighbours.
        progress: called with the share done; what it raises cancels the computation.
        start: where t-SNE begins: "pca", the two first principal components, or "random".
        seen: called with t-SNE's coordinates (N, dimensions) while it converges.

    Raises:
        ValueError: with a sentence: an unknown method, fewer than 5 pictures, one number per picture, numbers that are
            not finite, pictures that are all the same, a perplexity that is too large.
    """
    features = _checked(features, method, dimensions)
    count, wide = features.shape
    if method != "pca":
        check_perplexity(count, perplexity, "perplexity" if method == "tsne" else "number of neighbours")
    report(progress, 0.0)
    if method == "pca":
        axes = principal(features, dimensions)
        report(progress, 1.0)
        return Projection(method, axes.along(features).astype(np.float32), seed, perplexity, axes)
    first = principal(features, BEFORE) if wide > BEFORE else None
    given = features if first is None else first.along(features)
    if method == "tsne":
        coordinates, kl = _tsne(given, dimensions, seed, perplexity, start, progress, seen)
        return Projection(method, coordinates, seed, perplexity, first, kl, given.astype(np.float32))
    reducer = _umap(given, dimensions, seed, perplexity)
    report(progress, 1.0)
    return Projection(
        method,
        reducer.embedding_.astype(np.float32),
        seed,
        perplexity,
        first,
        given=given.astype(np.float32),
        _fitted=reducer,
    )


def check_perplexity(count: int, perplexity: float, name: str = "perplexity") -> None:
    """ValueError where so many pictures do not have so many neighbours."""
    if not 1 < perplexity < count - 1:
        raise ValueError(
            f"A {name} of {perplexity:g} does not fit {count} pictures: it is about the number of neighbours that "
            f"count, so it must be more than 1 and at most {count - 2}."
        )


def _checked(features: np.ndarray, method: str, dimensions: int) -> np.ndarray:
    """The features as float64; a sentence where there is nothing to draw."""
    features = np.asarray(features)
    if method not in METHODS:
        raise ValueError(f"There is no projection called '{method}'. Known: {', '.join(METHODS)}.")
    if dimensions not in (2, 3):
        raise ValueError(f"A map has 2 or 3 dimensions, not {dimensions}.")
    if features.ndim != 2 or not np.issubdtype(features.dtype, np.number):
        raise ValueError(f"Features are an (N, D) array, a row of numbers for each picture, not {features.shape}.")
    count, wide = features.shape
    if count < FEWEST:
        raise ValueError(f"A map needs at least {FEWEST} pictures; here are {count}.")
    if wide < dimensions:
        several = f"{wide} number{'s' if wide != 1 else ''}"
        raise ValueError(f"This layer gives {several} per picture, too few for {dimensions} dimensions.")
    features = features.astype(np.float64)
    if bad := int((~np.isfinite(features)).any(1).sum()):
        raise ValueError(f"{bad} of {count} pictures have numbers that are not finite (NaN or infinity).")
    if not np.ptp(features, axis=0).any():
        raise ValueError(f"All {count} pictures have the same numbers here, so there is nothing to tell apart.")
    return features


# PCA.


def principal(features: np.ndarray, count: int) -> Axes:
    """The first principal components of features (N, D), at most min(N, D) of them.

    The eigenvectors of the smaller of the two matrices X^T X and X X^T, X being the centred features; each has its
    sign so that its largest entry is positive. Equal to scikit-learn's PCA up to the sign.
    """
    from scipy.linalg import eigh

    features = np.asarray(features, dtype=np.float64)
    mean = features.mean(0)
    centred = features - mean
    many, wide = centred.shape
    count = min(count, many, wide)
    small = centred.T @ centred if wide <= many else centred @ centred.T
    ends = [len(small) - count, len(small) - 1]
    values, vectors = eigh(small, subset_by_index=ends)
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    if wide > many:
        vectors = centred.T @ vectors
        vectors /= np.maximum(np.linalg.norm(vectors, axis=0), np.finfo(float).tiny)
    directions = vectors.T
    directions = directions * np.sign(directions[np.arange(count), np.abs(directions).argmax(1)])[:, None]
    return Axes(mean, directions, values / max(float((centred**2).sum()), np.finfo(float).tiny))


# t-SNE.


def _affinities(given: np.ndarray, perplexity: float) -> Any:
    from openTSNE.affinity import PerplexityBasedNN

    # One thread: beside other work, two wait for each other and take ten times as long.
    return PerplexityBasedNN(given, perplexity, method="exact", n_jobs=1, random_state=0)


def _tsne_map(coordinates: np.ndarray, given: np.ndarray, perplexity: float, seed: int) -> Any:
    from openTSNE import TSNEEmbedding

    return TSNEEmbedding(
        coordinates.astype(np.float64),
        _affinities(given, perplexity),
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=seed,
    )


def start_of(given: np.ndarray, dimensions: int, seed: int, start: str = "pca") -> np.ndarray:
    """(N, dimensions) where t-SNE begins: spread by 1e-4, as usual."""
    generator = np.random.default_rng(seed)
    if start == "random":
        return 1e-4 * generator.standard_normal((len(given), dimensions))
    if start != "pca":
        raise ValueError(f"t-SNE starts from 'pca' or 'random', not from '{start}'.")
    first = principal(given, dimensions).along(given)
    first *= 1e-4 / max(float(first[:, 0].std()), np.finfo(float).tiny)
    return first + 1e-6 * generator.standard_normal(first.shape)


def _tsne(
    given: np.ndarray,
    dimensions: int,
    seed: int,
    perplexity: float,
    start: str,
    progress: Progress | None,
    seen: Seen | None,
) -> tuple[np.ndarray, float]:
    """The coordinates (N, dimensions) float32 and the divergence.

    Exaggeration 12 for 250 iterations, then 500 without; learning rate N / 12 (Belkina et al. 2019), but
    at least 200.
    """
    current = _tsne_map(start_of(given, dimensions, seed, start), given, perplexity, seed)
    done = 0

    def note(iteration: int, error: float, coordinates: np.ndarray) -> bool:
        report(progress, min(1.0, (done + iteration) / (EARLY + LATE)))
        if seen:
            seen(np.array(coordinates, dtype=np.float32))
        return False

    settings = {"callbacks": [note], "callbacks_every_iters": EVERY, "n_jobs": 1}
    rate = max(len(given) / 12, 200.0)  # scikit-learn's, whose gradient is four times as large
    current = current.optimize(n_iter=EARLY, exaggeration=12, momentum=0.5, learning_rate=rate, **settings)
    done = EARLY
    current = current.optimize(n_iter=LATE, momentum=0.8, learning_rate=rate, **settings)
    report(progress, 1.0)
    return np.asarray(current, dtype=np.float32), float(current.kl_divergence)


def divergence(given: np.ndarray, coordinates: np.ndarray, perplexity: float) -> float:
    """The exact Kullback-Leibler divergence of a map from the affinities of what t-SNE was given, in float64.

    KL(P || Q) = sum over pairs of p_ij log(p_ij / q_ij), P with the perplexity over all other points and made
    symmetric, Q of Student's t with one degree of freedom (van der Maaten & Hinton 2008, eqs. 1 to 5).
    """
    given, places = np.asarray(given, np.float64), np.asarray(coordinates, np.float64)
    count = len(given)
    wanted, joint = np.log(perplexity), np.zeros((count, count))
    for row, squared in _squared(given):
        others = np.delete(squared, row)
        others = others - others.min()
        low, high, beta = 0.0, np.inf, 1.0
        for _ in range(100):
            powers = np.exp(-beta * others)
            entropy = np.log(powers.sum()) + beta * (others * powers).sum() / powers.sum()
            if abs(entropy - wanted) < 1e-10:
                break
            low, high = (beta, high) if entropy > wanted else (low, beta)
            beta = 2 * beta if np.isinf(high) else (low + high) / 2
        joint[row, np.arange(count) != row] = powers / powers.sum()
    joint = (joint + joint.T) / (2 * count)
    kernel = np.stack([1 / (1 + squared) for _, squared in _squared(places)])
    np.fill_diagonal(kernel, 0)
    shares, some = kernel / kernel.sum(), joint > 0
    return float((joint[some] * np.log(joint[some] / np.maximum(shares[some], np.finfo(float).tiny))).sum())


# UMAP.


class _quiet(warnings.catch_warnings):
    """UMAP tells on every call that a seed costs it its threads."""

    def __enter__(self):
        found = super().__enter__()
        warnings.simplefilter("ignore")
        return found


def _umap(given: np.ndarray, dimensions: int, seed: int, neighbours: float) -> Any:
    with _one_umap, _quiet():
        from umap import UMAP

        first = "spectral" if len(given) >= BEFORE else "random"  # too few points for its eigenvectors
        reducer = UMAP(int(neighbours), dimensions, random_state=seed, init=first, n_jobs=1)
        return reducer.fit(given.astype(np.float32))


def warm() -> None:
    """Import what the methods need, and have UMAP compile: done once, in the background, before somebody waits."""
    noise = np.random.default_rng(0).standard_normal((80, 4))
    project(noise, "tsne", perplexity=5)
    project(noise, "umap", perplexity=5).place(noise[:2])


# What a map is worth.


def _squared(points: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Row by row the squared distances (N,) to all points, computed by blocks in float64."""
    points = np.asarray(points, dtype=np.float64)
    points = points - points.mean(0)
    norms = (points**2).sum(1)
    for first in range(0, len(points), ROWS):
        block = points[first : first + ROWS]
        found = np.maximum(norms[first : first + ROWS, None] + norms - 2 * block @ points.T, 0)
        found[np.arange(len(block)), first + np.arange(len(block))] = 0
        yield from enumerate(found, first)


def nearest(points: np.ndarray, k: int) -> np.ndarray:
    """(N, k) int32: for each point its k nearest others, nearest first."""
    found = np.empty((len(points), k), np.int32)
    for row, squared in _squared(points):
        squared[row] = np.inf
        few = np.argpartition(squared, k - 1)[:k]
        found[row] = few[np.argsort(squared[few], kind="stable")]
    return found


def trust(features: np.ndarray, coordinates: np.ndarray, k: int = 10) -> np.ndarray:
    """(N,) trustworthiness of each point; the mean is the map's (Venna & Kaski 2001, scikit-learn's formula).

    Each of the k nearest on the map that is not among the k nearest by the features costs its rank there, less k: the
    i-th point has 1 - 2 / (k (2 N - 3 k - 1)) of the sum. 1: no false neighbour; a random map has about 0.5.

    Raises:
        ValueError: k is not less than half of the pictures, or the arrays do not belong together.
    """
    count = len(features)
    _check_pair(features, coordinates, k)
    shown, cost = nearest(coordinates, k), np.empty(count)
    for row, squared in _squared(features):
        squared[row] = -1
        ranks = np.array([np.count_nonzero(squared < squared[other]) for other in shown[row]])
        cost[row] = np.maximum(ranks - k, 0).sum()
    return 1 - 2 / (k * (2 * count - 3 * k - 1)) * cost


def _check_pair(features: np.ndarray, coordinates: np.ndarray, k: int) -> None:
    if np.ndim(features) != 2 or np.ndim(coordinates) != 2 or len(features) != len(coordinates):
        raise ValueError(
            f"Features {np.shape(features)} and coordinates {np.shape(coordinates)} do not belong together."
        )
    if not 1 <= k < len(features) / 2:
        raise ValueError(f"{k} neighbours are too many for {len(features)} pictures: less than half of them can be.")
    if not (np.isfinite(features).all() and np.isfinite(coordinates).all()):
        raise ValueError("Numbers that are not finite (NaN or infinity) have no neighbours.")


def vote(neighbours: np.ndarray, labels: np.ndarray | Sequence) -> np.ndarray:
    """(N,) the most frequent label among each point's neighbours (N, k); the first in order where several are."""
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    counts = np.zeros((len(neighbours), len(names)), np.int32)
    np.add.at(counts, (np.arange(len(neighbours))[:, None], codes[neighbours]), 1)
    return names[counts.argmax(1)]


def quality(features: np.ndarray, coordinates: np.ndarray, labels: np.ndarray | Sequence, k: int = 10) -> dict:
    """How far a map may be believed, and how well neighbours tell the label, in the features and on the map.

    Args:
        features: (N, D), as the layer gave them: not what PCA left. coordinates: (N, dimensions). labels: (N,).

    Returns:
        "trustworthiness" (scikit-learn's) and "per_point" (N,), whose mean it is; "knn_original" and "knn_projected":
        the share of pictures whose k nearest others vote for their own label, by the features and on the map. Each 0
        to 1.

    Raises:
        ValueError: as :func:`trust`; or not one label for each picture.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(features),):
        raise ValueError(f"{len(features)} pictures need as many labels, not {labels.shape}.")
    each = trust(features, coordinates, k)
    voted = {
        name: float((vote(nearest(points, k), labels) == labels).mean())
        for name, points in (("knn_original", features), ("knn_projected", coordinates))
    }
    return {"trustworthiness": float(each.mean()), "per_point": each} | voted


def chance(labels: np.ndarray | Sequence) -> float:
    """The k-NN accuracy to expect where neighbours know nothing: the sum of squared shares of the labels.

    So it is for one neighbour; many of them vote for the largest label, whose share is then the accuracy.
    """
    shares = np.unique(np.asarray(labels), return_counts=True)[1] / len(labels)
    return float((shares**2).sum())


def noise_twin(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, D) Gaussian noise with the mean and spread of each number: as many pictures, and no structure."""
    features = np.asarray(features, dtype=np.float64)
    noise = np.random.default_rng([seed, 1]).standard_normal(features.shape)
    return features.mean(0) + noise * features.std(0)


# Several maps.


def align(coordinates: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The coordinates (N, d) turned, mirrored, scaled and moved onto a reference (N, d), with the least squared error.

    Procrustes (Schönemann 1966): the rotation is U V^T of the singular value decomposition of the centred product.
    """
    places, goal = np.asarray(coordinates, np.float64), np.asarray(reference, np.float64)
    own, other = places - places.mean(0), goal - goal.mean(0)
    left, values, right = np.linalg.svd(own.T @ other)
    scale = values.sum() / max(float((own**2).sum()), np.finfo(float).tiny)
    return (scale * own @ (left @ right) + goal.mean(0)).astype(np.float32)


class Stability(NamedTuple):
    """How alike several maps of the same pictures are, on average over all pairs, 0 to 1.

    Attributes:
        places: share of the variance of one map that the other explains after :func:`align`.
        neighbours: of a picture's k nearest on one map, the share that are among its k nearest on the other.
        by_chance: what `neighbours` would be for two maps that have nothing in common.
    """

    places: float
    neighbours: float
    by_chance: float


def stability(maps: Sequence[np.ndarray], k: int = 10) -> Stability:
    """Of at least two maps (N, d) of the same N pictures."""
    if len(maps) < 2:
        raise ValueError("Stability compares at least two maps.")
    near = [nearest(each, k) for each in maps]
    places, shared = [], []
    for one, two in combinations(range(len(maps)), 2):
        goal = np.asarray(maps[two], np.float64)
        error = ((align(maps[one], goal) - goal) ** 2).sum() / ((goal - goal.mean(0)) ** 2).sum()
        places.append(1 - error)
        shared.append(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(near[one], near[two], strict=True)]))
    return Stability(float(np.mean(places)), float(np.mean(shared)), k / (len(maps[0]) - 1))
