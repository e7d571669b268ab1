"""Figures of the segmentation page: masks in, a picture or a piece of HTML out."""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from vizcore.evaluation.segmentation import BACKGROUND, CORE, FOREGROUND, UNDECIDED
from vizcore.evaluation.segmentation_bench import Mean, Row, interval
from vizcore.figures.cam import FIRST, SECOND

SIDE, SQUARE = 512, 16  # pixels: of a picture, of the checkerboard
OBJECT, GROUND = SECOND, FIRST  # orange and blue


def seeds_picture(picture: Image.Image, labels: np.ndarray) -> Image.Image:
    """The picture in grey, its object seeds in orange and its background seeds in blue; 512 pixels."""
    grey = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = np.asarray(grey.convert("RGB"), dtype=np.float32)
    large = np.asarray(Image.fromarray(labels).resize((SIDE, SIDE), Image.Resampling.NEAREST))
    tint, share = np.zeros((4, 3), np.float32), np.zeros(4, np.float32)
    tint[BACKGROUND], tint[FOREGROUND], tint[CORE], tint[UNDECIDED] = GROUND, OBJECT, OBJECT, (128, 128, 128)
    share[BACKGROUND], share[FOREGROUND], share[CORE], share[UNDECIDED] = 0.6, 0.55, 0.85, 0.3
    share = share[large][..., None]
    return Image.fromarray(np.rint((1 - share) * pixels + share * tint[large]).astype(np.uint8))


def cutout(picture: Image.Image, mask: np.ndarray, side: int = SIDE) -> Image.Image:
    """What the mask keeps, on a checkerboard, with an orange outline."""
    photo = picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    large = np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
    square = max(2, side * SQUARE // SIDE)
    rows, columns = np.indices((side, side)) // square
    board = np.where((rows + columns) % 2 == 0, 205, 235).astype(np.uint8)[..., None].repeat(3, axis=2)
    pixels = np.where(large[..., None], np.asarray(photo), board)
    pixels[edge(large, max(1, side // 170))] = OBJECT
    return Image.fromarray(pixels)


def edge(mask: np.ndarray, width: int) -> np.ndarray:
    """(H, W) bool: the pixels outside the mask that lie within `width` steps of it."""
    grown = mask.copy()
    for _ in range(width):
        padded = np.pad(grown, 1)
        grown = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown & ~mask


class Bar(NamedTuple):
    """A line of the chart: what was measured, how well it did, and whether it is drawn in full colour."""

    label: str
    value: Mean
    strong: bool = True


def bars(groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Horizontal bars of mean IoU from 0 to 1 with their 95 % intervals, in titled groups; HTML."""
    lines = []
    for title, group in groups:
        lines.append(f'<b style="grid-column:1/-1;padding-top:0.5rem">{html.escape(title)}</b>')
        for label, (mean, low, high), strong in group:
            colour = "var(--st-primary-color,#1c6c86)"
            fill = colour if strong else "color-mix(in srgb, currentColor 30%, transparent)"
            name = f"{label}: mean IoU {mean:.2f}, 95 % interval {low:.2f} to {high:.2f}"
            lines.append(
                f'<span>{html.escape(label)}</span><div role="img" aria-label="{html.escape(name)}" '
                f'title="{html.escape(name)}" style="position:relative;height:1.05rem;'
                'background:color-mix(in srgb, currentColor 7%, transparent)">'
                f'<i style="position:absolute;inset:0 auto 0 0;width:{100 * mean:.2f}%;background:{fill}"></i>'
                f'<i style="position:absolute;left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%;'
                'top:calc(50% - 1px);height:2px;background:currentColor"></i></div>'
                f'<span style="font-variant-numeric:tabular-nums"><b>{mean:.2f}</b> '
                f'<small style="opacity:0.8">{low:.2f} to {high:.2f}</small></span>'
            )
    return (
        '<div style="display:grid;grid-template-columns:minmax(7rem,15rem) minmax(5rem,1fr) 8.5rem;'
        f'gap:0.25rem 0.9rem;align-items:center;max-width:60rem">{"".join(lines)}</div>'
    )


def outlined(picture: Image.Image, mask: np.ndarray, side: int = SIDE) -> Image.Image:
    """The picture with what the mask leaves out dimmed, and an orange outline."""
    photo = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
    large = np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
    pixels = np.where(large[..., None], photo, 0.45 * photo)
    pixels[edge(large, max(1, side // 110))] = OBJECT
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def without_network(measured: Mapping[str, Mapping[str, Sequence[Row]]], titles: Mapping[str, str]) -> str:
    """What GrabCut reaches from a plain box, beside the best source, for each kind of background.

    Args:
        measured: for each background's name the rows of every source, and of "box".
        titles: the sources by their titles.
    """
    said = []
    for name, rows in measured.items():
        cuts = {title: np.array([row.cut for row in rows[source]]) for title, source in titles.items()}
        box = np.array([row.cut for row in rows["box"]])
        best = max(cuts, key=lambda title: cuts[title].mean())
        _, low, high = interval(cuts[best] - box)
        found = "the map is better" if low > 0 else "the box is better" if high < 0 else "no difference beyond chance"
        said.append(f"on {name.lower()} {box.mean():.2f}, from the seeds of the best map ({best}) "
                    f"{cuts[best].mean():.2f}: {found}")  # fmt: skip
    return f"GrabCut does much of the work. Started from a plain box, without a network, it reaches {'; '.join(said)}."


def alone(title: str, on: str, rows: Sequence[Row], boxes: Sequence[Row]) -> str:
    """How much a method's strongest pixels overlap the object without any cut, beside a box in the middle."""
    ours, box = (np.array([row.threshold for row in found]) for found in (rows, boxes))
    _, low, high = interval(ours - box)
    word = "more than" if low > 0 else "less than" if high < 0 else "about as much as"
    return (
        f"Without any cut, the strongest pixels of {title}, {on}, overlap the object {word} a box in the middle does "
        f"(IoU {ours.mean():.2f} and {box.mean():.2f})."
    )


def verdict(title: str, rows: Sequence[Row], boxes: Sequence[Row]) -> str:
    """What the rows say about GrabCut from a method's seeds, against three simpler tools on the same composites."""
    ours = np.array([row.cut for row in rows])
    others = {
        "the threshold of the same map": [row.threshold for row in rows],
        "GrabCut from the centre box": [row.cut for row in boxes],
        "the centre box": [row.threshold for row in boxes],
    }
    said = []
    for name, values in others.items():
        gain, low, high = interval(ours - np.array(values))
        word = "better" if gain >= 0 else "worse"
        sure = "" if low > 0 or high < 0 else ", so it could be chance"
        better = int((ours > np.array(values)).sum())
        said.append(f"{abs(gain):.2f} {word} than {name} ({low:+.2f} to {high:+.2f}{sure}; better on {better})")
    return f"**{title}**, GrabCut, on the same {len(ours)} composites: {', '.join(said[:-1])}, and {said[-1]}."
