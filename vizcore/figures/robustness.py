"""Charts of the page on robustness: accuracy against severity, and probability against the size of an attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vizcore.types import Mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = ("#2f8aa6", "#d0734a", "#7a68b0")  # legible on white and on near black
DASHES = ("solid", "dash", "dot")
_GREY = "#8a9499"


def severity_chart(
    curves: Mapping[str, Sequence[Mean]],
    means: Mapping[str, Sequence[float]],
    relative: bool,
    chosen: tuple[str, int] | None,
) -> Figure:
    """Accuracy in percent against severity, one line for each network, with 95 % intervals.

    Args:
        curves: by the network's title, the accuracy at severity 0 (clean) to 5.
        means: by the network's title, the mean curve of all corruptions; drawn thin, and not to be clicked.
        relative: as a share of the clean accuracy.
        chosen: the point that is marked: title and severity.
    """
    import plotly.graph_objects as go

    figure, top = go.Figure(), 0.0
    for number, (title, points) in enumerate(curves.items()):
        colour, dash, beside = COLOURS[number % 3], DASHES[number % 3], 0.05 * number  # so that no bar hides another
        whole = 0.01 if not relative else (points[0].mean or 1) / 100
        values = [point.mean / whole for point in points]
        above = [(point.high - point.mean) / whole for point in points]
        below = [(point.mean - point.low) / whole for point in points]
        top = max(top, *(v + a for v, a in zip(values, above, strict=True)))
        figure.add_scatter(
            x=[severity + beside for severity in range(len(points))],
            y=values,
            text=[f"severity {severity}" for severity in range(len(points))],
            name=title,
            mode="lines+markers",
            line={"color": colour, "width": 3, "dash": dash},
            marker={"size": 11},
            error_y={"type": "data", "array": above, "arrayminus": below, "thickness": 1.5, "width": 5},
            hovertemplate=f"{title}<br>%{{text}}: %{{y:.3g}} %<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
        if chosen and chosen[0] == title:
            at = chosen[1]
            figure.add_scatter(
                x=[at + beside],
                y=[values[at]],
                mode="markers",
                marker={"size": 20, "color": "rgba(0,0,0,0)", "line": {"width": 3, "color": colour}},
                hoverinfo="skip",
                showlegend=False,
            )
    for title, colour in zip(curves, COLOURS, strict=False):
        if title in means:
            whole = 0.01 if not relative else (means[title][0] or 1) / 100
            figure.add_scatter(
                x=list(range(len(means[title]))),
                y=[value / whole for value in means[title]],
                name=f"{title}, mean of all 19",
                mode="lines",
                line={"color": colour, "width": 1.5, "dash": "dot"},
                hovertemplate=f"{title}, mean of all 19<br>severity %{{x}}: %{{y:.3g}} %<extra></extra>",
            )
    figure.update_layout(
        height=360,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.18, "x": 0},
        xaxis={"title": "severity; 0 is the clean picture", "dtick": 1},
        yaxis={
            "title": "accuracy, % of the clean one" if relative else "accuracy (%)",
            "range": [-4, max(105.0, 1.05 * top)],
        },
        clickmode="event+select",
        dragmode=False,
        font_size=15,
    )
    return figure


def epsilon_chart(epsilons: Sequence[float], lines: Mapping[str, Sequence[float]], chosen: float) -> Figure:
    """Probabilities in percent against the bound of an attack, in grey levels; the bounds are evenly spaced.

    Args:
        lines: by name, a probability for each bound. chosen: the bound that is marked.
    """
    import plotly.graph_objects as go

    figure, steps = go.Figure(), list(range(len(epsilons)))
    for (name, values), colour, dash in zip(lines.items(), (*COLOURS[:2], _GREY), DASHES, strict=False):
        figure.add_scatter(
            x=steps,
            y=[100 * value for value in values],
            text=[f"ε = {epsilon:g}" for epsilon in epsilons],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 3, "dash": dash},
            hovertemplate=f"{name}<br>%{{text}}: %{{y:.3g}} %<extra></extra>",
        )
    figure.add_vline(list(epsilons).index(chosen), line_width=1.5, line_dash="dash", line_color="#808080")
    figure.update_layout(
        height=205,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.2, "x": 0},
        xaxis={
            "title": "ε, in grey levels of 255",
            "tickvals": steps,
            "ticktext": [f"{epsilon:g}" for epsilon in epsilons],
        },
        yaxis={"title": "probability (%)", "range": [-5, 105]},
        font_size=15,
    )
    return figure
