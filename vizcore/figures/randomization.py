"""Figures of the tests with random weights, and of units that are switched off."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vizcore.types import Mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Legible on white and on near black; the controls are grey and dashed.
COLOURS = ("#2f8aa6", "#d0734a", "#5a9a4e", "#a065b5", "#b59a2f", "#c4536f", "#5f78c9", "#7d8a3c", "#b0704a", "#3f9a86")
GREY = "#8a9499"
_MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}


def similarity_chart(
    stages: Sequence[str], curves: Mapping[str, Sequence[Mean]], grey: Sequence[str], chosen: int, measure: str
) -> Figure:
    """Similarity with the trained network's map against the depth of randomization, with bands.

    Args:
        stages: what is random, step by step, after the trained network.
        curves: title to a mean and its band for each stage; the trained network, 1, is added in front.
        grey: titles of the controls. chosen: the step that is marked, 0 for the trained network.
        measure: name of the similarity, for the axis.
    """
    import plotly.graph_objects as go

    figure, steps, names = go.Figure(), list(range(len(stages) + 1)), ["trained", *stages]
    colours = iter(COLOURS * 2)
    for title, curve in curves.items():
        colour = GREY if title in grey else next(colours)
        full = [Mean(1.0, 1.0, 1.0), *curve]
        ends = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "x": steps}
        figure.add_scatter(y=[_gap(mean.low) for mean in full], name=f"{title}, from", **ends)
        figure.add_scatter(
            y=[_gap(mean.high) for mean in full], name=f"{title}, to", fill="tonexty", fillcolor=_faint(colour), **ends
        )
        figure.add_scatter(
            x=steps,
            y=[_gap(mean.mean) for mean in full],
            text=names,
            name=title,
            mode="lines+markers",
            marker={"size": 6},
            line={"color": colour, "width": 2.5, "dash": "dash" if title in grey else "solid"},
            hovertemplate="%{text}: %{y:.2f}",
        )
    figure.add_vline(chosen, line_width=1.5, line_dash="dash", line_color="#808080")
    figure.update_layout(
        height=380,
        margin=_MARGIN,
        legend={"orientation": "v"},
        xaxis={"title": "random weights, from the output down to", "tickvals": steps, "ticktext": names},
        yaxis={"title": measure, "range": [-0.35, 1.05]},
        hovermode="x unified",
        font_size=14,
    )
    return figure


def left_chart(ks: Sequence[int], curves: Mapping[str, Sequence[Mean]], before: Mean, channels: int) -> Figure:
    """The class's probability against the number of units, or directions, taken away; logarithmic, with bands."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for (title, curve), colour in zip(curves.items(), COLOURS, strict=False):
        ends = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "x": list(ks)}
        figure.add_scatter(y=[mean.low for mean in curve], name=f"{title}, from", **ends)
        figure.add_scatter(
            y=[mean.high for mean in curve], name=f"{title}, to", fill="tonexty", fillcolor=_faint(colour), **ends
        )
        figure.add_scatter(
            x=list(ks),
            y=[mean.mean for mean in curve],
            name=title,
            mode="lines+markers",
            marker={"size": 7},
            line={"color": colour, "width": 2.5},
            hovertemplate="%{y:.2f}",
        )
    figure.add_hline(before.mean, line_width=1.5, line_dash="dash", line_color="#808080")
    figure.update_layout(
        height=320,
        margin=_MARGIN,
        legend={"orientation": "h", "y": 1.14},
        xaxis={
            "title": f"taken away, of {channels}",
            "type": "log",
            "tickvals": list(ks),
            "ticktext": list(map(str, ks)),
        },
        yaxis={"title": "probability of the class, mean", "range": [0, 1]},
        hovermode="x unified",
        font_size=14,
    )
    return figure


class Verdict(NamedTuple):
    """One method in the two tests: MPRT's similarity (low is good) and eMPRT's rise (high is good)."""

    title: str
    level: Mean
    rise: Mean
    control: bool = False


def places(values: Sequence[float], best: str) -> list[int | None]:
    """The place of each value from 1, the smallest or the largest first; None for NaN."""
    known = sorted((v for v in values if not math.isnan(v)), reverse=best == "largest")
    return [None if math.isnan(v) else known.index(v) + 1 for v in values]


def two_tests(rows: Sequence[Verdict]) -> str:
    """The methods in the two tests, as a table with bars: places that differ much are marked."""
    first = places([row.level.mean for row in rows], "smallest")
    second = places([row.rise.mean for row in rows], "largest")
    span = max((abs(row.rise.mean) for row in rows if not math.isnan(row.rise.mean)), default=1.0) or 1.0
    lines = []
    order = sorted(range(len(rows)), key=lambda at: first[at] or len(rows) + 1)
    for at in order:
        row, one, other = rows[at], first[at], second[at]
        apart = one is not None and other is not None and abs(one - other) >= len(rows) / 2
        name = html.escape(row.title) + (" <small>(control)</small>" if row.control else "")
        lines.append(
            f'<tr{" class=apart" if apart else ""}><th scope="row">{name}</th><td>{_place(one)}</td>'
            f"<td>{_bar(row.level, 1.0, False)}</td><td>{_place(other)}</td><td>{_bar(row.rise, span, True)}</td></tr>"
        )
    heads = (
        '<th scope="col">Method</th><th scope="col" colspan="2">MPRT: similarity after randomization (low is good)</th>'
        '<th scope="col" colspan="2">eMPRT: rise of complexity (high is good)</th>'
    )
    return (
        f"{_STYLE}<div class='viz-tests' tabindex='0' role='region' aria-label='The methods in two tests'>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _place(place: int | None) -> str:
    return "–" if place is None else f"{place}."


def _bar(value: Mean, span: float, both: bool) -> str:
    """A bar from zero, and the number; with `both` the zero is in the middle."""
    if math.isnan(value.mean):
        return "<small>not defined: a blank map</small>"
    share = max(-1.0, min(1.0, value.mean / span))
    width = 50 * abs(share) if both else 100 * max(0.0, share)
    left = (50 + min(0.0, 50 * share)) if both else 0
    mean, low, high = (f"{round(100 * v) + 0:+d} %" if both else f"{round(v, 2) + 0.0:.2f}" for v in value)
    interval = "" if value.low == value.high else f" <small>{low} to {high}</small>"
    return f'<div class="track"><i style="left:{left:.1f}%;width:{width:.1f}%"></i></div><b>{mean}</b>{interval}'


def _gap(value: float) -> float | None:
    return None if math.isnan(value) else value


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


_STYLE = """<style>
.viz-tests { overflow-x: auto; }
.viz-tests table { border-collapse: collapse; width: 100%; min-width: 34rem; font-variant-numeric: tabular-nums; }
.viz-tests :is(th, td) { border: 0; padding: 0.16rem 0.7rem 0.16rem 0; text-align: left; font-size: 0.9rem; }
.viz-tests thead th { font-weight: 600; }
.viz-tests tbody th { font-weight: 400; white-space: nowrap; }
.viz-tests td:nth-child(even) { width: 2rem; text-align: right; }
.viz-tests .track { position: relative; display: inline-block; vertical-align: middle; height: 0.8rem; width: 45%;
  margin-right: 0.6rem; background: color-mix(in srgb, currentColor 9%, transparent); }
.viz-tests .track i { position: absolute; top: 0; bottom: 0; background: var(--st-primary-color, #1c6c86); }
.viz-tests small { opacity: 0.8; }
.viz-tests .apart { background: color-mix(in srgb, var(--st-primary-color, #1c6c86) 12%, transparent); }
</style>"""
