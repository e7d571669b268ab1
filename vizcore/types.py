"""The small types that several rooms share. Nothing heavy is imported here."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

INPUT = "input"  # the picture's name among a network's layers, before the first
SCORE = "score"  # the class score's, after the last

Box = tuple[int, int, int, int]  # top, left, bottom, right; bottom and right exclusive
Cell = tuple[int, int]  # row, column of a feature map
Progress = Callable[[float], None]  # called with the share done; what it raises cancels the computation


# What GrabCut is told of a pixel, as OpenCV numbers it: GC_BGD, GC_FGD, GC_PR_BGD and GC_PR_FGD.
BACKGROUND, CORE, UNDECIDED, FOREGROUND = 0, 1, 2, 3


class OtherNetworkError(ValueError):
    """The chosen network cannot do what was asked, and another can; the message says what it lacks."""


class Mean(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray, resamples: int = 4000) -> "Mean":
        """The mean, and the 2.5th and 97.5th percentile of the means of seeded bootstrap resamples (Efron 1979)."""
        values = np.asarray(values, dtype=float)
        picks = np.random.default_rng(0).integers(len(values), size=(resamples, len(values)))
        low, high = np.percentile(values[picks].mean(1), [2.5, 97.5])
        return cls(float(values.mean()), float(low), float(high))


def report(progress: Progress | None, share: float) -> None:
    """Tell a progress callback the share done; what it raises cancels the computation."""
    if progress:
        progress(share)
