"""Small figures about the layers of a network, as HTML that follows the page's theme."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vizcore.figures import render
from vizcore.figures.render import signed
from vizcore.types import Mean

if TYPE_CHECKING:
    from vizcore.inspection.likeness import Likeness
    from vizcore.inspection.signs import Signs


class Column(NamedTuple):
    """One bar: its height from 0 to 1, its label, whether it is chosen, and a stronger part of it."""

    height: float
    label: str
    chosen: bool = False
    part: float = 0.0


def columns(bars: Sequence[Column], title: str, top: str, ends: tuple[str, str]) -> str:
    """Upright bars, one per layer, from the input (left) to the output; pointing at one names it.

    Args:
        title: what is drawn, also for those who cannot see it. top: what a full-height bar means.
        ends: the words below the first and the last bar.
    """
    drawn = "".join(
        f'<span title="{html.escape(bar.label)}"{" class=on" if bar.chosen else ""}>'
        f'<i style="height:{100 * bar.height:.1f}%">'
        f'<b style="height:{100 * bar.part / (bar.height or 1):.1f}%"></b></i></span>'
        for bar in bars
    )
    left, right = map(html.escape, ends)
    spoken = html.escape(f"{title}: {'; '.join(bar.label for bar in bars)}")
    return (
        f'<figure class="viz-columns"><figcaption>{html.escape(title)}</figcaption>'
        f'<div class="top">{html.escape(top)}</div>'
        f'<div class="plot" role="img" aria-label="{spoken}">'
        f'{drawn}</div><div class="ends"><span>{left}</span><span>{right}</span></div></figure>'
    )


def bars(
    names: Sequence[str],
    shares: Sequence[float] | np.ndarray,
    chosen: int | None = None,
    ranks: Sequence[int] = (),
    label: str = "Probabilities",
) -> str:
    """Lying bars with percentages, one line each.

    Args:
        chosen: position of the one that is marked.
        ranks: of each, from 1; said where it is below the fifth.
        label: of the list, for those who cannot see it.
    """
    lines = []
    for at, (name, share) in enumerate(zip(names, shares, strict=True)):
        rank = f" <small>rank {ranks[at]}</small>" if ranks and ranks[at] > 5 else ""
        marked = ' aria-current="true"' if at == chosen else ""
        lines.append(
            f"<li{marked}><span>{html.escape(name)}{rank}</span>"
            f'<b>{html.escape(percent(share))}</b><i style="width:{100 * share:.1f}%"></i></li>'
        )
    return f'<ol class="viz-bars" aria-label="{html.escape(label)}">{"".join(lines)}</ol>'


def percent(share: float) -> str:
    """Three significant digits at most."""
    return "< 0.01 %" if share < 1e-4 else f"{100 * share:.3g} %"


def weight_bars(weights: np.ndarray, means: np.ndarray, count: int = 14) -> str:
    """The largest and the smallest weights as bars, a gap between; hover tells the channel and the numbers; HTML.

    Args:
        weights: (K,) alphas. means: (K,) means of the feature maps.
        count: bars at each end; all weights where there are no more than twice as many.
    """
    weights, means = np.asarray(weights, dtype=float), np.asarray(means, dtype=float)
    order = np.argsort(-weights, kind="stable")
    groups = [order] if len(order) <= 2 * count else [order[:count], order[-count:]]
    high, low = max(float(weights.max()), 0.0), min(float(weights.min()), 0.0)
    span = high - low or 1.0
    red, blue = ("#{:02x}{:02x}{:02x}".format(*render.DIVERGING[i].tolist()) for i in (208, 48))
    columns = []
    for group in groups:
        for k in group.tolist():
            w = weights[k]
            title = (
                f"unit {k}: α {render.number(weights[k])}, mean of its map {render.number(means[k])}, "
                f"α × mean {render.number(weights[k] * means[k])}"
            )
            place = f"top:{100 * (high - max(w, 0)) / span:.2f}%;height:{100 * abs(w) / span:.2f}%"
            columns.append(
                f'<div title="{title}" style="flex:1;min-width:0"><div style="position:relative;height:13rem">'
                f'<i style="position:absolute;left:8%;right:8%;{place};background:{red if w > 0 else blue}"></i></div>'
                f'<small style="writing-mode:vertical-rl;width:100%;line-height:1;padding-top:0.4rem">{k}</small></div>'
            )
        columns.append('<div style="flex:1.5"></div>')
    zero = f"top:calc({high / span:.4f} * 13rem)"
    scale = "".join(
        f'<small style="position:absolute;right:0.5rem;top:calc({(high - value) / span:.4f} * 13rem - 0.6em)">'
        f"{render.number(value)}</small>"
        for value in sorted({high, 0.0, low})
    )
    return (
        '<div role="img" aria-label="Weights of the feature maps" style="display:flex"><div '
        f'style="position:relative;width:4.5rem">{scale}</div><div style="position:relative;flex:1;display:flex">'
        f'<i style="position:absolute;left:0;right:0;{zero};border-top:1px solid #8888"></i>'
        f"{''.join(columns[:-1])}</div></div>"
        "<small>weight α of each unit; below each bar its number</small>"
    )


def weight_column(channels: Sequence[int], weights: np.ndarray) -> str:
    """The maps' weights as horizontal bars from a common zero, red above it and blue below; HTML."""
    high, low = max(float(weights.max()), 0.0), min(float(weights.min()), 0.0)
    span = high - low or 1.0
    red, blue = ("#{:02x}{:02x}{:02x}".format(*render.DIVERGING[i].tolist()) for i in (208, 48))
    lines = []
    for channel, weight in zip(channels, weights.tolist(), strict=True):
        left = 100 * (min(weight, 0.0) - low) / span
        lines.append(
            f'<div style="display:flex;align-items:center;gap:0.5rem;margin:0.5rem 0" title="unit {channel}">'
            f'<span style="width:2.6rem;text-align:right">{channel}</span><span style="position:relative;flex:1;'
            f'height:1.3rem"><i style="position:absolute;top:0;bottom:0;left:{left:.1f}%;'
            f'width:{100 * abs(weight) / span:.1f}%;background:{red if weight > 0 else blue}"></i></span>'
            f'<span style="width:4.6rem;font-variant-numeric:tabular-nums">{signed(weight)}</span></div>'
        )
    return f'<div role="img" aria-label="Weights of maps {", ".join(map(str, channels))}">{"".join(lines)}</div>'


class Bar(NamedTuple):
    """A line of the chart: what was measured, how well it did, and whether it is drawn in full colour."""

    label: str
    value: Mean
    strong: bool = True


def grouped(groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
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


def likeness_bars(rows: Sequence[tuple[str, str, Likeness, float, float]]) -> str:
    """HTML: for each layer (name, what it sees, likeness, `Sheet.alike`, a unit's drawing against another unit's)
    four bars, with a mark where chance ends; no bar for NaN."""

    def bar(value: float, text: str, chance: float | None = None) -> str:
        track = "position:relative;height:0.75rem;background:color-mix(in srgb,currentColor 12%,transparent)"
        fill = f"height:100%;width:{100 * _share(value):.1f}%;background:var(--st-primary-color,#1c6c86)"
        mark = (
            ""
            if chance is None
            else (
                f'<div style="position:absolute;top:0;bottom:-0.25rem;left:{100 * _share(chance):.1f}%;width:2px;'
                'background:currentColor"></div>'
            )
        )
        return (
            f'<td style="width:25%;{_CELL}"><div style="padding-bottom:0.15rem">{text}</div>'
            f'<div style="{track}"><div style="{fill}"></div>{mark}</div></td>'
        )

    heads = (
        "Sees",
        "Patches alike in their pixels",
        "Pictures of one kind",
        "One unit, two patches",
        "One patch, two units",
    )
    body = "".join(
        f'<tr><th style="{_CELL};font-weight:600;text-align:left;white-space:nowrap">{html.escape(name)}</th>'
        f'<td style="{_CELL};white-space:nowrap">{html.escape(sees)}</td>'
        + bar(row.pixels, f"{row.pixels:.2f}, chance {row.pixels_chance:.2f}", row.pixels_chance)
        + bar(row.kind, f"{100 * row.kind:.0f} %, chance {100 * row.kind_chance:.0f} %", row.kind_chance)
        + bar(drawings, f"{drawings:.2f}")
        + bar(others, "none" if np.isnan(others) else f"{others:.2f}")
        + "</tr>"
        for name, sees, row, drawings, others in rows
    )
    head = "<td></td>" + "".join(
        f'<th style="{_CELL};text-align:left;font-weight:400;opacity:0.8">{text}</th>' for text in heads
    )
    return (
        f'<div style="overflow-x:auto"><table style="border-collapse:collapse;width:100%;min-width:44rem;'
        f'font-size:0.9rem;font-variant-numeric:tabular-nums"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


_CELL = "padding:0.3rem 0.8rem 0.3rem 0;border:0"


def _share(value: float) -> float:
    return min(1.0, max(0.0, value)) if value == value else 0.0  # NaN is not equal to itself


def sign_bars(rows: Sequence[tuple[str, Signs]], heads: tuple[str, str, str]) -> str:
    """HTML: for each gradient (name, signs) two bars, how many of its numbers and how much of its size are positive
    (red) and negative (blue); what is left of a bar is zero.

    Args:
        heads: above the names, the numbers and the sizes.
    """
    red, blue = ("#{:02x}{:02x}{:02x}".format(*render.DIVERGING[at].tolist()) for at in (216, 40))

    def said(share: float) -> str:
        return percent(share) if share else "0 %"

    def bar(up: float, down: float) -> str:
        parts = "".join(
            f'<i style="width:{100 * share:.2f}%;background:{c}"></i>' for share, c in ((up, red), (down, blue))
        )
        return (
            f'<td style="width:40%;{_CELL}"><div style="padding-bottom:0.15rem">{said(up)} increase, {said(down)} '
            'decrease</div><div style="display:flex;height:0.75rem;background:color-mix(in srgb,currentColor 12%,'
            f'transparent)">{parts}</div></td>'
        )

    body = "".join(
        f'<tr><th style="{_CELL};font-weight:600;text-align:left">{html.escape(name)}</th>'
        f"{bar(found.up, found.down)}{bar(found.size_up, found.size_down)}</tr>"
        for name, found in rows
    )
    head = "".join(
        f'<th style="{_CELL};text-align:left;font-weight:400;opacity:0.8">{html.escape(text)}</th>'
        if text
        else "<td></td>"
        for text in heads
    )
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;width:100%;font-size:0.9rem;'
        f'font-variant-numeric:tabular-nums"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def step_chart(steps: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> str:
    """HTML: the activation along the gradient, what happens against the straight line the gradient promises.

    Args:
        steps: rising, in grey levels, symmetric around 0. predicted, actual: the activation there.
    """
    low, high = (float(end) for end in (min(predicted.min(), actual.min()), max(predicted.max(), actual.max())))
    room = (high - low or 1.0) * 0.06
    low, high = low - room, high + room

    def at(values: float | np.ndarray) -> np.ndarray:
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
        + band(predicted, "#2f8aa6", 0.8)
        + band(actual, "#d0734a", 0.8)
        + dots
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
    )


def _apart(predicted: np.ndarray, actual: np.ndarray, start: int) -> list[float]:
    """Numbers for the axis: the start's, and the two ends where they do not stand on one another."""
    everything = np.concatenate([predicted, actual])
    extent = float(np.ptp(everything)) or 1.0
    kept = [float(actual[start])]
    for value in (float(everything.max()), float(everything.min())):
        if all(abs(value - other) > 0.1 * extent for other in kept):
            kept.append(value)
    return kept
