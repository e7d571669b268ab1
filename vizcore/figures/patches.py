"""Figures about receptive fields and single units: arrays in, a picture or a plotly figure out."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from vizcore.figures import render
from vizcore.images.collection import cut
from vizcore.types import Box

THEORY, EFFECT = (255, 255, 255), (255, 176, 0)


def with_boxes(picture: Image.Image, side: int, boxes: Sequence[tuple[Box | None, render.Colour]]) -> Image.Image:
    """The picture at 512 pixels with outlined boxes; each is (top, left, bottom, right) on a grid of side x side."""
    size, factor = 512, 512 / side
    image = picture.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for box, colour in boxes:
        if box is None or box[0] >= box[2] or box[1] >= box[3]:
            continue
        top, left, bottom, right = (round(v * factor) for v in box)
        outer = (left, top, max(left + 5, right - 1), max(top + 5, bottom - 1))
        draw.rectangle(outer, outline=(0, 0, 0), width=5)
        draw.rectangle((outer[0] + 1, outer[1] + 1, outer[2] - 1, outer[3] - 1), outline=colour, width=3)
    return image


def tiles(patches: Sequence[Image.Image], side: int) -> np.ndarray:
    """Patches as (K, side, side, 3) uint8, each enlarged into the square and centred on grey."""
    sheet = np.full((len(patches), side, side, 3), 128, np.uint8)
    for tile, patch in zip(sheet, patches, strict=True):
        factor = side / max(patch.size)
        wide, high = (max(1, round(length * factor)) for length in patch.size)
        how = Image.Resampling.NEAREST if factor >= 6 else Image.Resampling.BICUBIC
        down, right = (side - high) // 2, (side - wide) // 2
        tile[down : down + high, right : right + wide] = np.asarray(patch.convert("RGB").resize((wide, high), how))
    return sheet


def pixels(image: np.ndarray) -> Image.Image:
    """An (S, S, C) uint8 array, grey or colour, as an RGB picture."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")


def gradient_patches(gradients: np.ndarray | Sequence[np.ndarray], boxes: Sequence[Box]) -> list[Image.Image]:
    """The boxes of N gradients (C, H, W) as pictures, each on its own scale; grey is zero."""
    patches = []
    for gradient, (top, left, bottom, right) in zip(gradients, boxes, strict=True):
        height, width = gradient.shape[1:]
        patch = np.zeros((3, bottom - top, right - left), np.float32)
        inside = max(top, 0), min(bottom, height), max(left, 0), min(right, width)
        patch[:, inside[0] - top : inside[1] - top, inside[2] - left : inside[3] - left] = gradient[
            :, inside[0] : inside[1], inside[2] : inside[3]
        ]
        patches.append(render.gradient_image(patch))
    return patches


SIDE = 512


class Card(NamedTuple):
    """One column of the sheet: a picture with its title and a line of text; below it rows of gradients, side by side,
    each row with its label."""

    picture: Image.Image
    title: str
    text: str
    gradients: Sequence[tuple[str, Sequence[Image.Image]]]


def top_of(gradient: np.ndarray, box: Box) -> float:
    """The end of the scale of a (C, H, W) gradient: 99.5 of 100 values in the box lie within it."""
    part = gradient[:, box[0] : box[2], box[1] : box[3]]
    return render.limits(part, True, 99.5)[1] if part.size else 1.0


def gradient_patch(gradient: np.ndarray, top: float) -> Image.Image:
    """A gradient, pixel by pixel: (3, H, W) in colour around grey, (1, H, W) blue and red around near-white."""
    return render.colorize(gradient[0], True, top) if len(gradient) == 1 else render.gradient_image(gradient, vmax=top)


def boxed(picture: Image.Image, field: Box, window: Box | None, crisp: bool) -> Image.Image:
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
        return with_boxes(large, picture.width, [(field, THEORY)])
    patch = cut(picture, window)
    factor = SIDE / max(patch.size)
    width, height = (max(1, round(length * factor)) for length in patch.size)
    patch = patch.resize((width, height), how)
    square = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    square.paste(patch, ((SIDE - patch.width) // 2, (SIDE - patch.height) // 2))
    return square


def cards(cards: Sequence[Card], side: int = 288) -> str:
    """HTML: one column for each card, as many side by side as there is room for."""

    def image(picture: Image.Image, alt: str) -> str:
        address = render.data_uri(picture.resize((side, side), Image.Resampling.BICUBIC))
        return f'<img alt="{html.escape(alt)}" style="flex:1;min-width:0;width:100%;display:block" src="{address}">'

    columns = []
    for card in cards:
        parts = [image(card.picture, card.title), f"<b>{html.escape(card.title)}</b><br>{html.escape(card.text)}"]
        for label, gradients in card.gradients:
            row = "".join(image(gradient, f"{card.title}, {label}") for gradient in gradients)
            parts += [f'<div style="display:flex;gap:0.3rem">{row}</div>', html.escape(label)]
        lines = (
            f'<div style="font-size:0.9rem;line-height:1.4;margin:0.2rem 0 0.7rem">{part}</div>' if n % 2 else part
            for n, part in enumerate(parts)
        )
        columns.append(f'<figure style="margin:0;min-width:0">{"".join(lines)}</figure>')
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(12rem,45%),1fr));gap:1.25rem 1rem"
    return f'<div style="{grid}">{"".join(columns)}</div>'
