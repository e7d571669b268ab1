"""Charts with hover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vizcore.figures import render
from vizcore.figures.graph import short

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from vizcore.inspection.preferred import Preferred
    from vizcore.models import Layer, Net

REMOVALS = {"most": "Most salient first", "random": "Random pixels", "least": "Least salient first"}


def removal_chart(shares: Sequence[float], scores: Mapping[str, np.ndarray], chosen: float, name: str):
    """Lines of the score against the share of pixels removed, as a plotly figure.

    Args:
        shares: 0 to 1.
        scores: from "most", "random" and "least" to one score per share.
        chosen: the share that is marked.
        name: of the score, for the axis.
    """
    import plotly.graph_objects as go

    dashes = {"most": "solid", "random": "dash", "least": "dot"}
    figure = go.Figure(
        [
            go.Scatter(
                x=[100 * share for share in shares],
                y=scores[key].tolist(),
                name=title,
                mode="lines+markers",
                line={"dash": dashes[key], "width": 3},
                hovertemplate="%{x:.3g} %: %{y:.3g}",
            )
            for key, title in REMOVALS.items()
        ]
    )
    figure.add_vline(100 * chosen, line_width=1.5, line_dash="dash", line_color="#808080")
    figure.update_layout(
        height=380,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.12},
        xaxis_title="Pixels removed (%)",
        yaxis_title=name,
        hovermode="x unified",
        font_size=15,
    )
    return figure


_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


_LINE = ("#2f8aa6", "#d0734a")  # legible on white and on near black


def depth_chart(net: Net, layers: Sequence[Layer], chosen: str) -> Figure:
    """Cells along a map's side and the size of the receptive field in pixels, layer by layer, on one log axis."""
    import plotly.graph_objects as go

    steps = list(range(1, len(layers) + 1))
    names = [layer.name for layer in layers]
    figure = go.Figure()
    series = (
        ("cells along a map's side", [layer.out_shape[1] for layer in layers], "cells", _LINE[0]),
        (
            "receptive field, pixels",
            [layer.receptive_field.size if layer.receptive_field else None for layer in layers],
            "pixels",
            _LINE[1],
        ),
    )
    for title, values, unit, colour in series:
        figure.add_scatter(
            x=steps,
            y=values,
            text=names,
            name=title,
            mode="lines",
            line={"color": colour, "width": 3, "shape": "hv"},
            hovertemplate=f"%{{text}}<br>%{{y}} {unit}<extra></extra>",
        )
        if chosen in names and values[names.index(chosen)] is not None:
            at = names.index(chosen)
            figure.add_scatter(
                x=[at + 1],
                y=[values[at]],
                mode="markers",
                marker={"size": 12, "color": colour},
                text=[chosen],
                hovertemplate=f"%{{text}}<br>%{{y}} {unit}<extra></extra>",
                showlegend=False,
            )
    figure.add_scatter(
        x=[1, len(layers)],
        y=[net.input_size] * 2,
        mode="lines",
        line={"dash": "dot", "width": 1.5, "color": "#8a9499"},
        hoverinfo="skip",
        name=f"the picture's side, {net.input_size} pixels",
    )
    numbers = [value for _, values, _, _ in series for value in values if value] + [net.input_size]
    ticks = [tick for tick in _TICKS if min(numbers) / 2 <= tick <= 2 * max(numbers)]
    figure.update_layout(
        height=360,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        xaxis={"title": "layer, from input to output"},
        yaxis={"type": "log", "tickvals": ticks},
    )
    return figure


def trace_chart(found: Preferred, before_relu: bool) -> Figure:
    """What an ascent for one unit climbed, step by step."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scatter(
            x=list(range(1, len(found.trace) + 1)),
            y=found.trace[:, 0].tolist(),
            mode="lines",
            line={"color": _LINE[0], "width": 3},
            hovertemplate="step %{x}<br>%{y:.3g}<extra></extra>",
        )
    )
    figure.update_layout(
        height=300,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": "step"},
        showlegend=False,
        yaxis={"title": "mean of the map" + (", before its ReLU" if before_relu else "")},
    )
    return figure


def class_chart(names: Sequence[str], values: np.ndarray, unit: str) -> Figure:
    """Signed horizontal bars, the largest first; red raises a score, blue lowers it, as in the signed colours."""
    import plotly.graph_objects as go

    colours = ["#c0473c" if value > 0 else "#3f6fb5" for value in values]
    figure = go.Figure(
        go.Bar(
            x=values.tolist(),
            y=list(range(len(values))),
            orientation="h",
            marker_color=colours,
            customdata=list(names),
            hovertemplate="%{customdata}<br>%{x:.3g}<extra></extra>",
        )
    )
    figure.update_layout(
        height=80 + 28 * len(values),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": unit},
        yaxis={
            "autorange": "reversed",
            "tickmode": "array",
            "tickvals": list(range(len(values))),
            "ticktext": list(names),
        },
    )
    return figure


def gradient_chart(
    names: Sequence[str], shapes: Sequence[tuple[int, ...]], values: Sequence[float], chosen: str | None, title: str
) -> Figure:
    """The size of the gradient from the picture (left) to the score (right), on a logarithmic axis; zeros left out."""
    import plotly.graph_objects as go

    steps = list(range(len(names)))
    texts = [f"{name}<br>{' × '.join(map(str, shape))}" for name, shape in zip(names, shapes, strict=True)]
    figure = go.Figure(
        go.Scatter(
            x=steps,
            y=[value or None for value in values],
            text=texts,
            mode="lines+markers",
            connectgaps=False,
            line={"color": _LINE[0], "width": 2},
            marker={"size": 5},
            hovertemplate="%{text}<br>%{y:.3g}<extra></extra>",
        )
    )
    if chosen is not None and chosen in names and values[names.index(chosen)]:
        at = names.index(chosen)
        figure.add_scatter(
            x=[at], y=[values[at]], mode="markers", marker={"size": 14, "color": _LINE[1]}, hoverinfo="skip"
        )
        figure.add_vline(
            at,
            line={"color": _LINE[1], "dash": "dot", "width": 1.5},
            annotation_text=short(chosen, 30),
            annotation_position="top",
        )
    figure.update_layout(
        height=340,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        showlegend=False,
        xaxis={"title": "layer, from the picture to the score"},
        yaxis={"type": "log", "title": title, "exponentformat": "power", "dtick": 1},
    )
    return figure


def error_chart(steps: Sequence[float], errors: Sequence[float], rounding: Sequence[float], chosen: float) -> Figure:
    """Relative error of the central difference against its step, both axes logarithmic, with the rounding expected."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_scatter(
        x=list(steps),
        y=list(rounding),
        mode="lines",
        name="float32 rounding, ε |s| / h",
        line={"dash": "dot", "color": "#8a9499", "width": 2},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=list(steps),
        y=[error or None for error in errors],
        mode="lines+markers",
        name="relative difference",
        line={"color": _LINE[0], "width": 3},
        marker={"size": 8},
        hovertemplate="h = %{x:.3g}<br>%{y:.3g}<extra></extra>",
    )
    at = list(steps).index(chosen)
    if errors[at]:
        figure.add_scatter(
            x=[chosen],
            y=[errors[at]],
            mode="markers",
            marker={"size": 15, "color": _LINE[1]},
            hoverinfo="skip",
            showlegend=False,
        )
    axis = {"type": "log", "exponentformat": "power", "dtick": 1}
    figure.update_layout(
        height=260,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.14, "x": 0},
        xaxis=axis | {"title": "step h, normalized units"},
        yaxis=axis | {"title": "relative difference"},
    )
    return figure


# A chart's numbers.


def table(figure: Figure) -> tuple[list[str], list[list[Any]]]:
    """The numbers of a chart of lines, bars or one heat map: the heads of the columns, and the rows below them.

    Lines share the column of their x, and one of names where their points have them. Traces with fewer points than
    the longest are marks in the chart and left out; a gap is None.
    """
    traces, layout = list(figure.data), figure.layout
    across, up = layout.xaxis.title.text or "x", layout.yaxis.title.text or "y"
    if traces[0].type == "heatmap":
        cells = np.asarray(traces[0].z)
        columns = range(cells.shape[1]) if traces[0].x is None else traces[0].x
        lines = range(cells.shape[0]) if traces[0].y is None else traces[0].y
        return [up, *map(str, columns)], [[name, *row] for name, row in zip(lines, cells.tolist(), strict=True)]
    if traces[0].type == "bar" and traces[0].orientation == "h":
        names = traces[0].y if traces[0].customdata is None else traces[0].customdata
        return ["name", across], [list(row) for row in zip(names, _numbers(traces[0].x), strict=True)]
    longest = max(len(trace.x) for trace in traces)
    kept = [trace for trace in traces if len(trace.x) == longest]
    rows: dict[Any, dict[str, Any]] = {}
    named = next((trace.text for trace in kept if trace.text is not None and not isinstance(trace.text, str)), None)
    heads = ["name"] * (named is not None) + [across]
    for trace in kept:
        if (trace.name or up) in heads:
            continue
        heads.append(trace.name or up)
        for at, (x, y) in enumerate(zip(_numbers(trace.x), _numbers(trace.y), strict=True)):
            row = rows.setdefault(x, {across: x} | ({} if named is None else {"name": named[at].replace("<br>", ", ")}))
            row[heads[-1]] = y
    return heads, [[row.get(head) for head in heads] for row in rows.values()]


def _numbers(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def said(value: Any) -> str:
    """A cell of a table as people read it: three significant digits, a dash for a gap."""
    if value is None:
        return "–"
    return render.number(value) if isinstance(value, float) else str(value)
