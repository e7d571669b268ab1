"""Figures of the Grad-CAM pages: arrays in, a picture or a piece of HTML out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vizcore.figures import render

if TYPE_CHECKING:
    from vizcore.inspection.cam_steps import Unrolled

# Blue and orange: told apart with every common colour vision deficiency.
FIRST, SECOND = (43, 124, 224), (255, 140, 26)
OPACITY = 0.75  # of the strongest evidence


def two_classes(
    photo: Image.Image,
    first: np.ndarray,
    second: np.ndarray,
    tops: tuple[float, float],
    opacity: float = OPACITY,
    smooth: bool = True,
    side: int = 512,
) -> Image.Image:
    """Two maps on one photograph: the first in blue, the second in orange; `side` pixels high and wide, RGB.

    The photograph is greyed, so that all colour in the picture is evidence. Opacity grows with the value;
    where both maps are strong the two colours mix.

    Args:
        first, second: (h, w) maps, values below zero count as zero.
        tops: where the scale of each ends.
        opacity: at the end of the scale.
        smooth: bilinear enlargement, or crisp cells.
    """
    size = (side, side)
    grey = photo.convert("L").resize(size, Image.Resampling.BICUBIC).convert("RGB")
    strength = np.stack(
        [
            np.clip(render.enlarge(m, size, smooth) / (top or 1.0), 0, 1) * opacity
            for m, top in zip((first, second), tops, strict=True)
        ]
    )
    cover = 1 - (1 - strength[0]) * (1 - strength[1])
    share = strength / np.maximum(strength.sum(0), 1e-12)
    colour = np.tensordot(share, np.array([FIRST, SECOND], dtype=np.float64), axes=(0, 0))
    pixels = (1 - cover[..., None]) * np.asarray(grey, dtype=np.float64) + cover[..., None] * colour
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def ramp(hue: render.Colour) -> tuple[render.Colour, render.Colour]:
    """The two ends of the scale of a class in :func:`two_classes`: no evidence, and the most, on a mid grey."""
    red, green, blue = (round((1 - OPACITY) * 127 + OPACITY * part) for part in hue)
    return (127, 127, 127), (red, green, blue)


def tiles(steps: "Unrolled", chosen: Sequence[int], vmax: float) -> str:
    """The weighted maps of these channels as small pictures, in as many columns as fit; HTML.

    Under each stand the channel, its alpha and its share of all maps' contributions.

    Args:
        vmax: end of the signed scale they share, in raw units.
    """
    cells = []
    for k in chosen:
        picture = render.colorize(steps.contributions[k].cpu().numpy(), signed=True, vmax=vmax)
        alpha, mean, total = (
            render.number(float(v)) for v in (steps.weights[k], steps.activations[k].mean(), steps.totals[k])
        )
        title = f"Unit {k}: α {alpha} × mean {mean} = {total}"
        cells.append(
            f'<figure style="margin:0" title="{title}"><img alt="{title}" '
            f'src="{render.data_uri(picture, "png")}" '
            'style="width:100%;image-rendering:pixelated;border-radius:2px;display:block">'
            '<figcaption style="font-size:0.85rem;line-height:1.35;padding-top:0.2rem">'
            f"<b>{k}</b><br>α {alpha}<br>{100 * float(steps.shares[k]):.2g} %"
            "</figcaption></figure>"
        )
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(6.2rem,1fr));gap:0.75rem"
    return f'<div style="{grid}">{"".join(cells)}</div>'


def stages(steps: "Unrolled", side: int = 448) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The signed sum and the map as crisp cells, and the map enlarged bilinearly; each (side, side)."""
    before, after = steps.before_relu.cpu().numpy(), steps.map.cpu().numpy()
    size = (side, side)
    return (
        render.enlarge(before, size, smooth=False),
        render.enlarge(after, size, smooth=False),
        render.enlarge(after, size, smooth=True),
    )


def zoom_box(values: np.ndarray, factor: int) -> tuple[int, int, int, int]:
    """The square, 1 / `factor` of the picture, with most |value| in it; (left, top, right, bottom).

    Args:
        values: (C, H, W) or (H, W).

    Raises:
        ValueError: a factor below 1.
    """
    if factor < 1:
        raise ValueError(f"The zoom factor is at least 1, not {factor}.")
    strength = np.abs(np.asarray(values, dtype=np.float64))
    strength = strength.sum(0) if strength.ndim == 3 else strength
    high, wide = (max(1, side // factor) for side in strength.shape)
    sums = np.pad(strength.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    top, left = np.unravel_index(windows.argmax(), windows.shape)
    return int(left), int(top), int(left) + wide, int(top) + high
