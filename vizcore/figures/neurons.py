"""Figures of one neuron: arrays in, a picture or a piece of HTML out."""

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from vizcore.figures import patches as patch_figures
from vizcore.figures import render
from vizcore.inspection import top_patches

Box = tuple[int, int, int, int]
SIDE = 512


class Card(NamedTuple):
    """One column of the sheet: a picture with its title and a line of text, below it (label, gradient) pairs."""

    picture: Image.Image
    title: str
    text: str
    gradients: Sequence[tuple[str, Image.Image]]


def top_of(gradient: np.ndarray, box: Box) -> float:
    """The end of the scale of a (C, H, W) gradient: 99.5 of 100 values in the box lie within it."""
    part = gradient[:, box[0] : box[2], box[1] : box[3]]
    return render.limits(part, True, 99.5)[1] if part.size else 1.0


def drawn(gradient: np.ndarray, top: float) -> Image.Image:
    """A gradient, pixel by pixel: (3, H, W) in colour around grey, (1, H, W) blue and red around near-white."""
    return render.colorize(gradient[0], True, top) if len(gradient) == 1 else render.gradient_image(gradient, vmax=top)


def placed(picture: Image.Image, field: Box, window: Box | None, crisp: bool) -> Image.Image:
    """The picture at 512 pixels with its field outlined; or, given a window, only what lies in it.

    Args:
        picture: S x S pixels, what the network sees or a gradient of that size.
        field: the part the neuron sees; the rest of a photograph is dimmed.
        window: what to cut out; grey where it reaches over the edge.
        crisp: pixels stay squares, and nothing is dimmed: for gradients.
    """
    how = Image.Resampling.NEAREST if crisp else Image.Resampling.BICUBIC
    picture = picture.convert("RGB")
    if window is None:
        if field == (0, 0, picture.height, picture.width):
            return picture.resize((SIDE, SIDE), how)
        if not crisp:
            seen = picture.crop((field[1], field[0], field[3], field[2]))
            picture = Image.fromarray(np.asarray(picture) // 3)
            picture.paste(seen, (field[1], field[0]))
        large = picture.resize((SIDE, SIDE), how)
        return patch_figures.with_boxes(large, picture.width, [(field, patch_figures.THEORY)])
    patch = top_patches.cut(picture, window)
    factor = SIDE / max(patch.size)
    patch = patch.resize(tuple(max(1, round(length * factor)) for length in patch.size), how)
    square = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    square.paste(patch, ((SIDE - patch.width) // 2, (SIDE - patch.height) // 2))
    return square


def sheet(cards: Sequence[Card], side: int = 288) -> str:
    """HTML: one column for each card, as many side by side as there is room for."""
    def image(picture: Image.Image, alt: str) -> str:
        address = render.data_uri(picture.resize((side, side), Image.Resampling.BICUBIC))
        return f'<img alt="{html.escape(alt)}" style="width:100%;display:block;border-radius:2px" src="{address}">'

    columns = []
    for card in cards:
        parts = [image(card.picture, card.title), f"<b>{html.escape(card.title)}</b><br>{html.escape(card.text)}"]
        for label, gradient in card.gradients:
            parts += [image(gradient, f"{card.title}, {label}"), html.escape(label)]
        lines = (
            f'<div style="font-size:0.9rem;line-height:1.4;margin:0.2rem 0 0.7rem">{part}</div>' if n % 2 else part
            for n, part in enumerate(parts)
        )
        columns.append(f'<figure style="margin:0;min-width:0">{"".join(lines)}</figure>')
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(12rem,45%),1fr));gap:1.25rem 1rem"
    return f'<div style="{grid}">{"".join(columns)}</div>'


def step_chart(steps: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> str:
    """HTML: the activation along the gradient, what happens against the straight line the gradient promises.

    Args:
        steps: rising, in grey levels, symmetric around 0. predicted, actual: the activation there.
    """
    low, high = (float(end) for end in (min(predicted.min(), actual.min()), max(predicted.max(), actual.max())))
    room = (high - low or 1.0) * 0.06
    low, high = low - room, high + room

    def at(values: np.ndarray) -> np.ndarray:
        return 100 * (1 - (np.asarray(values) - low) / (high - low))

    across = 100 * (steps - steps[0]) / (steps[-1] - steps[0])

    def band(values: np.ndarray, colour: str, half: float) -> str:
        heights = at(values)
        edge = [*zip(across, heights - half, strict=True), *zip(across[::-1], heights[::-1] + half, strict=True)]
        points = ",".join(f"{x:.2f}% {y:.2f}%" for x, y in edge)
        return f'<div style="position:absolute;inset:0;background:{colour};clip-path:polygon({points})"></div>'

    start = len(steps) // 2
    line = "position:absolute;background:color-mix(in srgb,currentColor 30%,transparent)"
    say = "position:absolute;font-size:0.85rem;line-height:1;opacity:0.8;white-space:nowrap"
    dots = "".join(
        f'<div title="{html.escape(f"step {render.number(steps[n])}: {render.number(actual[n])}")}" style="'
        f"position:absolute;left:{across[n]:.2f}%;top:{at(actual[n]):.2f}%;width:9px;height:9px;margin:-5px;"
        'border-radius:50%;background:#d0734a"></div>'
        for n in range(len(steps))
    )
    said = (
        f"Activation for steps from {render.number(steps[0])} to {render.number(steps[-1])} grey levels: promised "
        f"{render.number(predicted[0])} to {render.number(predicted[-1])}, found {render.number(actual[0])} to "
        f"{render.number(actual[-1])}"
    )
    key = "display:inline-block;width:1.4rem;height:0.25rem;vertical-align:middle;margin:0 0.4rem 0 0"
    return (
        '<div style="font-variant-numeric:tabular-nums;max-width:44rem">'
        f'<div style="font-size:0.9rem;margin-bottom:0.6rem"><span style="{key};background:#2f8aa6"></span>what the '
        f'gradient promises &nbsp; <span style="{key};background:#d0734a"></span>what happens</div>'
        f'<div role="img" aria-label="{html.escape(said)}" style="position:relative;height:15rem;margin:0 0 0 3.6rem">'
        f'<div style="{line};left:0;right:0;top:{at(actual[start]):.2f}%;height:1px"></div>'
        f'<div style="{line};left:50%;top:0;bottom:0;width:1px"></div>'
        f'<div style="{line};left:0;right:0;bottom:0;height:1px"></div>'
        + band(predicted, "#2f8aa6", 0.8) + band(actual, "#d0734a", 0.8) + dots
        + "".join(
            f'<div style="{say};right:calc(100% + 0.5rem);top:calc({at(value):.2f}% - 0.4rem)">'
            f"{render.number(value)}</div>"
            for value in _apart(predicted, actual, start)
        )
        + f'</div><div style="display:flex;justify-content:space-between;font-size:0.85rem;opacity:0.8;'
        f'margin:0.3rem 0 0 3.6rem"><span>{render.number(steps[0])}</span><span>0: the picture itself</span>'
        f"<span>{render.number(steps[-1])}</span></div>"
        '<div style="font-size:0.85rem;opacity:0.8;margin:0.2rem 0 0 3.6rem">step, in grey levels of 255 at the pixel '
        "value that moves most; upwards: the activation</div></div>"
    )  # fmt: skip


def _apart(predicted: np.ndarray, actual: np.ndarray, start: int) -> list[float]:
    """Numbers for the axis: the start's, and the two ends where they do not stand on one another."""
    everything = np.concatenate([predicted, actual])
    extent = float(np.ptp(everything)) or 1.0
    kept = [float(actual[start])]
    for value in (float(everything.max()), float(everything.min())):
        if all(abs(value - other) > 0.1 * extent for other in kept):
            kept.append(value)
    return kept
