"""How alike two maps are."""

import numpy as np
import torch

from vizcore.methods import cam


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson correlation of two arrays of one shape, value by value; None where one of them is constant."""
    a, b = (np.asarray(v, dtype=np.float64).ravel() - np.mean(v, dtype=np.float64) for v in (first, second))
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else None


def share_of_variance(part: np.ndarray, whole: np.ndarray) -> float:
    """The variance of `part` as a share of that of `whole`; 1 where `whole` is constant and has none to lose."""
    variance = np.var(whole, dtype=np.float64)
    return float(np.var(part, dtype=np.float64) / variance) if variance > 0 else 1.0


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two arrays of equal shape, -1 to 1; equal values share their mean rank.

    NaN where one of them is constant: then there is no order to compare.

    Raises:
        ValueError: the shapes differ.
    """
    return Ranked(a).spearman(b)


class Ranked:
    """An array whose ranks are known, to be compared with many others of its shape."""

    def __init__(self, values: np.ndarray) -> None:
        self._shape, self._ranks = np.shape(values), _centred_ranks(values)

    def spearman(self, other: np.ndarray) -> float:
        """As :func:`spearman` of the two arrays."""
        if np.shape(other) != self._shape:
            raise ValueError(f"The arrays must have the same shape, not {self._shape} and {np.shape(other)}.")
        x, y = self._ranks, _centred_ranks(other)
        # Sums, not `x @ y`: the threads of a matrix library wait for each other on a busy machine.
        scale = np.sqrt((x * x).sum() * (y * y).sum())
        return float((x * y).sum() / scale) if scale > 0 else float("nan")


def ssim(first: np.ndarray, second: np.ndarray, span: float = 1.0, window: int = 7) -> float:
    r"""Structural similarity of two grey pictures, -1 to 1, averaged over all windows that lie inside.

    $$\frac{(2 \mu_a \mu_b + c_1)(2 \sigma_{ab} + c_2)}{(\mu_a^2 + \mu_b^2 + c_1)(\sigma_a^2 + \sigma_b^2 + c_2)}$$

    Wang, Bovik, Sheikh & Simoncelli (IEEE TIP 2004), with the defaults of scikit-image: a uniform square window,
    sample covariances, c_1 = (0.01 span)^2, c_2 = (0.03 span)^2.

    Args:
        first, second: (H, W) of one shape. span: largest minus smallest value that a picture may have.
        window: its side in pixels, odd.

    Raises:
        ValueError: the shapes differ, or the window does not fit.
    """
    a, b = (torch.from_numpy(np.array(v, dtype=np.float64)) for v in (first, second))
    if a.shape != b.shape or a.ndim != 2 or min(a.shape) < window:
        raise ValueError(f"Two pictures of one shape, at least {window} wide, not {a.shape} and {b.shape}.")
    several = torch.stack([a, b, a * a, b * b, a * b])[:, None]
    along = torch.nn.functional.avg_pool2d(several, (window, 1), 1)
    mean_a, mean_b, aa, bb, ab = torch.nn.functional.avg_pool2d(along, (1, window), 1)[:, 0]
    correction = window**2 / (window**2 - 1)
    var_a, var_b = correction * (aa - mean_a**2), correction * (bb - mean_b**2)
    covariance = correction * (ab - mean_a * mean_b)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float((above / below).mean())


def in_words(correlation: float) -> str:
    """The number with two digits, three where it is nearly 1, or that there is none."""
    if np.isnan(correlation):
        return "undefined"
    if 0.9995 <= correlation < 1 - 1e-9:
        return "> 0.999"
    return f"{correlation:.3f}" if 0.99 < correlation < 1 - 1e-9 else f"{round(correlation, 2) + 0.0:.2f}"


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """(n,) float64 ranks of all values, their mean taken off; equal values get the mean of theirs."""
    flat = np.ravel(values)
    order = np.argsort(flat)
    ordered = flat[order]
    new = ordered[1:] != ordered[:-1]
    mean = np.arange(len(flat)) - (len(flat) - 1) / 2
    if not new.all():
        starts = np.flatnonzero(np.concatenate([[True], new]))
        counts = np.diff(np.append(starts, len(flat)))
        mean = np.repeat(starts + (counts - 1) / 2 - (len(flat) - 1) / 2, counts)
    ranks = np.empty(len(flat))
    ranks[order] = mean
    return ranks


def likeness(first: np.ndarray, second: np.ndarray, side: int) -> float:
    """Rank correlation of two results of one picture, pixel by pixel; NaN where one of them is constant.

    Args:
        first, second: (h, w) maps, enlarged bilinearly; or (C, H, W) gradients, of which the sizes are added.
        side: of the picture, in pixels.
    """
    if not np.ptp(first) or not np.ptp(second):  # enlarged, a constant map has an order of rounding errors
        return float("nan")
    return spearman(_on_pixels(first, side), _on_pixels(second, side))


def _on_pixels(values: np.ndarray, side: int) -> np.ndarray:
    if values.ndim == 3:
        return np.abs(values).sum(0)
    return cam.upsample(torch.from_numpy(values)[None], (side, side))[0].numpy()
