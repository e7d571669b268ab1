"""Charts of the bias lab: accuracy, and a map's share on the background, against the strength of the tie."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vizcore.types import Mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLOURS = ("#2f8aa6", "#d0734a", "#8a6bb0")  # legible on white and on near black
_X = "p, share of the training pictures with their class's trait"


def _line(name: str, strengths: Sequence[float], values: Sequence[Mean], colour: str, dash: str = "solid") -> dict:
    """A line with its 95 % intervals, in percent."""
    return {
        "x": list(strengths),
        "y": [100 * value.mean for value in values],
        "error_y": {
            "type": "data",
            "array": [100 * (value.high - value.mean) for value in values],
            "arrayminus": [100 * (value.mean - value.low) for value in values],
            "thickness": 1.5,
            "width": 3,
        },
        "name": name,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 3, "dash": dash},
        "hovertemplate": "p = %{x:.3g}: %{y:.3g} %<extra></extra>",
    }


def _laid_out(figure: Figure, title: str, chosen: float) -> Figure:
    figure.add_vline(chosen, line_width=1.5, line_dash="dash", line_color="#808080")
    figure.update_layout(
        height=340,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.14, "x": 0},
        xaxis={"title": _X, "range": [0.47, 1.03], "tickvals": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]},
        yaxis={"title": title},
        font_size=14,
    )
    return figure


def accuracy_chart(strengths: Sequence[float], several: Mapping[str, Sequence[Mean]], chosen: float) -> Figure:
    """Accuracy by name of the test, in percent; `chosen` is marked."""
    import plotly.graph_objects as go

    figure, dashes = go.Figure(), ("solid", "solid", "dot")
    for (name, values), colour, dash in zip(several.items(), _COLOURS, dashes, strict=False):
        figure.add_scatter(**_line(name, strengths, values, colour, dash))
    _laid_out(figure, "right answers (%)", chosen)
    figure.update_yaxes(range=[-4, 104])
    return figure


def share_chart(
    strengths: Sequence[float],
    name: str,
    shares: Sequence[Mean],
    band: tuple[float, float],
    area: float,
    chosen: float,
    threshold: float | None,
) -> Figure:
    """A map's share on the background, in percent, with the band of networks without bias.

    Args:
        area: the background's share of the pictures: what a map without any preference has.
        threshold: the strength from which on the share lies outside the band; None where there is none.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    low, high = (100 * end for end in band)
    figure.add_hrect(low, high, fillcolor=_COLOURS[0], opacity=0.16, line_width=0)
    figure.add_annotation(
        x=0.475, y=high, text="band of networks without bias", showarrow=False, xanchor="left", yanchor="bottom"
    )
    figure.add_scatter(**_line(name, strengths, shares, _COLOURS[0]))
    figure.add_hline(100 * area, line_dash="dot", line_width=1.5, line_color="#808080")
    figure.add_annotation(
        x=0.475, y=100 * area, text="area of the background", showarrow=False, xanchor="left", yanchor="bottom"
    )
    _laid_out(figure, f"{name}, on the background (%)", chosen)
    if threshold is not None:
        figure.add_vline(threshold, line_width=2, line_color=_COLOURS[1])
        figure.add_annotation(
            x=threshold,
            yref="paper",
            y=0.02,
            text=f"threshold {threshold:g} ",
            showarrow=False,
            xanchor="right",
            font_color=_COLOURS[1],
        )
    lowest = min(low, 100 * min(value.low for value in shares))
    figure.update_yaxes(range=[max(0, lowest - 8), 104])
    figure.update_layout(showlegend=False)
    return figure


def rates(title: str, several: Mapping[str, Mean]) -> str:
    """Shares in percent with their 95 % intervals, a line for each; HTML."""
    lines = "".join(
        f"<span>{html.escape(name)}</span><b>{100 * found.mean:.0f} %</b>"
        f'<small style="opacity:0.8">{100 * found.low:.0f} to {100 * found.high:.0f}</small>'
        for name, found in several.items()
    )
    return (
        f'<div style="font-size:0.9rem">{html.escape(title)}</div><div style="display:grid;font-size:0.9rem;'
        f'grid-template-columns:auto auto auto;gap:0.15rem 0.5rem;align-items:baseline">{lines}</div>'
    )
