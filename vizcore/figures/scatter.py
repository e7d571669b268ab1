"""Points on a plane as a small picture, and the colours of their labels."""

import colorsys
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

GROUND = (250, 250, 248)
HUES = ("4477aa", "ee6677", "228833", "ccbb44", "66ccee", "aa3377", "e08214", "7f7f7f", "8c6d4f", "5b4fc4")


def colours(names: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """A colour for each of these names, in their order: as the map in the browser gives them."""
    if len(names) <= len(HUES):
        found = [tuple(int(hue[at : at + 2], 16) for at in (0, 2, 4)) for hue in HUES[: len(names)]]
    else:
        found = [
            tuple(
                round(255 * part)
                for part in colorsys.hls_to_rgb((at * 137.5 % 360) / 360, (0.42, 0.6, 0.5)[at % 3], 0.62)
            )
            for at in range(len(names))
        ]
    return dict(zip(names, found, strict=True))  # type: ignore[arg-type]


def scatter(coordinates: np.ndarray, labels: Sequence[str], side: int = 360, radius: float = 2.5) -> Image.Image:
    """A square picture of points (N, 2) or (N, 3), of which the first two axes are drawn, coloured by label."""
    places = np.asarray(coordinates, np.float64)[:, :2]
    low, high = places.min(0), places.max(0)
    places = (places - (low + high) / 2) / max(float((high - low).max()), 1e-12)
    places = side / 2 + places * (side - 6 * radius) * (1, -1)
    of = colours(sorted(set(labels)))
    scale = 2  # drawn twice as large, then averaged: smooth edges
    picture = Image.new("RGB", (scale * side, scale * side), GROUND)
    brush = ImageDraw.Draw(picture)
    for (x, y), label in zip(places, labels, strict=True):
        box = [scale * (x - radius), scale * (y - radius), scale * (x + radius), scale * (y + radius)]
        brush.ellipse(box, fill=of[label])
    return picture.resize((side, side), Image.Resampling.BOX)
