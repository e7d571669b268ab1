"""Figures about receptive fields and single units: arrays in, a picture or a plotly figure out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from vizcore.figures import render
from vizcore.inspection.preferred import Preferred
from vizcore.methods import registry
from vizcore.models import Layer, Net

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Box = tuple[int, int, int, int]
THEORY, EFFECT = (255, 255, 255), (255, 176, 0)
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_LINE = ("#2f8aa6", "#d0734a")  # legible on white and on near black


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


def field_layers(net: Net) -> tuple[Layer, ...]:
    """The layers that make maps of their own, in order: convolutions, activation functions and pooling."""
    kinds = ("conv", "relu", "activation", "pool")
    return tuple(layer for layer in net.layers if layer.spatial and layer.kind in kinds)


def depth_chart(net: Net, layers: Sequence[Layer], chosen: str) -> "Figure":
    """Cells along a map's side and the size of the receptive field in pixels, layer by layer, on one log axis."""
    import plotly.graph_objects as go

    steps = list(range(1, len(layers) + 1))
    names = [layer.name for layer in layers]
    figure = go.Figure()
    series = (
        ("cells along a map's side", [layer.out_shape[1] for layer in layers], "cells", _LINE[0]),
        (
            "receptive field, pixels",
            [layer.receptive_field.size if layer.receptive_field else None for layer in layers], "pixels", _LINE[1],
        ),
    )  # fmt: skip
    for title, values, unit, colour in series:
        figure.add_scatter(
            x=steps, y=values, text=names, name=title, mode="lines", line={"color": colour, "width": 3, "shape": "hv"},
            hovertemplate=f"%{{text}}<br>%{{y}} {unit}<extra></extra>",
        )
        if chosen in names and values[names.index(chosen)] is not None:
            at = names.index(chosen)
            figure.add_scatter(
                x=[at + 1], y=[values[at]], mode="markers", marker={"size": 12, "color": colour}, text=[chosen],
                hovertemplate=f"%{{text}}<br>%{{y}} {unit}<extra></extra>", showlegend=False,
            )
    figure.add_scatter(
        x=[1, len(layers)], y=[net.input_size] * 2, mode="lines",
        line={"dash": "dot", "width": 1.5, "color": "#8a9499"}, hoverinfo="skip",
        name=f"the picture's side, {net.input_size} pixels",
    )  # fmt: skip
    numbers = [value for _, values, _, _ in series for value in values if value] + [net.input_size]
    ticks = [tick for tick in _TICKS if min(numbers) / 2 <= tick <= 2 * max(numbers)]
    figure.update_layout(
        height=360, margin={"l": 10, "r": 10, "t": 10, "b": 10}, legend={"orientation": "h", "y": 1.12, "x": 0},
        xaxis={"title": "layer, from input to output"}, yaxis={"type": "log", "tickvals": ticks},
    )  # fmt: skip
    return figure


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


def trace_chart(found: Preferred, before_relu: bool) -> "Figure":
    """What an ascent for one unit climbed, step by step."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scatter(
            x=list(range(1, len(found.trace) + 1)), y=found.trace[:, 0].tolist(), mode="lines",
            line={"color": _LINE[0], "width": 3}, hovertemplate="step %{x}<br>%{y:.3g}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        height=300, margin={"l": 10, "r": 10, "t": 10, "b": 10}, xaxis={"title": "step"}, showlegend=False,
        yaxis={"title": "mean of the map" + (", before its ReLU" if before_relu else "")},
    )  # fmt: skip
    return figure


def class_chart(names: Sequence[str], values: np.ndarray, unit: str) -> "Figure":
    """Signed horizontal bars, the largest first; red raises a score, blue lowers it, as in the signed colours."""
    import plotly.graph_objects as go

    colours = ["#c0473c" if value > 0 else "#3f6fb5" for value in values]
    figure = go.Figure(
        go.Bar(x=values.tolist(), y=list(range(len(values))), orientation="h", marker_color=colours,
               customdata=list(names), hovertemplate="%{customdata}<br>%{x:.3g}<extra></extra>")
    )  # fmt: skip
    figure.update_layout(
        height=80 + 28 * len(values), margin={"l": 10, "r": 10, "t": 10, "b": 10}, xaxis={"title": unit},
        yaxis={"autorange": "reversed", "tickmode": "array", "tickvals": list(range(len(values))),
               "ticktext": list(names)},
    )  # fmt: skip
    return figure


def pixels(image: np.ndarray) -> Image.Image:
    """An (S, S, C) uint8 array, grey or colour, as an RGB picture."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")


def gradient_patches(gradients: np.ndarray, boxes: Sequence[Box]) -> list[Image.Image]:
    """The boxes of (N, C, H, W) gradients as pictures, each on its own scale; grey is zero."""
    patches = []
    for gradient, (top, left, bottom, right) in zip(gradients, boxes, strict=True):
        height, width = gradient.shape[1:]
        patch = np.zeros((3, bottom - top, right - left), np.float32)
        inside = max(top, 0), min(bottom, height), max(left, 0), min(right, width)
        patch[:, inside[0] - top : inside[1] - top, inside[2] - left : inside[3] - left] = (
            gradient[:, inside[0] : inside[1], inside[2] : inside[3]]
        )
        patches.append(render.gradient_image(patch))
    return patches


def rule_notes(net: Net, rule: str | None) -> list[str]:
    """What the chosen way back cannot do in this network, in sentences."""
    if rule is None:
        return []
    if not registry.count_relus(net):
        return [f"{net.title} has no ReLU: this is the plain gradient."]
    if rule == "deconvnet" and not registry.has_max_pool(net):
        return [f"Deconvnet needs max-pooling to know the places; {net.title} has none, so the picture depends on the "
                "unit and hardly on what is in the patch."]  # fmt: skip
    return []
