"""Figures of the questions page: numbers in, a piece of SVG or HTML out."""

import html
from collections.abc import Collection, Sequence

import numpy as np

from vizcore.figures import render
from vizcore.inspection import chain_rule
from vizcore.inspection.relu_step import Step
from vizcore.literature import Work

# A network of nine numbers as a graph.

_WIDTH, _HEIGHT, _BOX = 1120, 330, (132, 78)
_LEFT = (84, 320, 560, 800, 1036)  # middles of the columns
_TITLES = ("input x", "z = W x", "a = ReLU(z)", "m = V a", "score s")
_NAMES = {name: name[0] + {"1": "₁", "2": "₂", "": ""}[name[1:]] for column in chain_rule.COLUMNS for name in column}


def signed(value: float) -> str:
    """A short number with a real minus sign."""
    return render.number(value).replace("-", "−")


def symbol(node: str) -> str:
    """The node's name with a lowered index."""
    return _NAMES[node]


def _spot(node: str) -> tuple[int, int]:
    column = next(n for n, nodes in enumerate(chain_rule.COLUMNS) if node in nodes)
    return _LEFT[column], 180 if node == "s" else 95 if node.endswith("1") else 270


def _edge(graph: chain_rule.Graph, source: str, to: str, used: bool) -> str:
    slope = graph.slopes[source, to]
    (x, y), (right, end) = _spot(source), _spot(to)
    x, right = x + _BOX[0] / 2, right - _BOX[0] / 2
    at = 0.5 if y == end or to == "s" else 0.3
    text = signed(slope) if source[0] != "z" else "open, 1" if slope else "shut, 0"
    kind = "edge" + ("" if used else " away") + ("" if slope else " shut")
    wide = 12 + 10 * len(text)
    middle, height = x + at * (right - x), y + at * (end - y)
    return (
        f'<g class="{kind}"><line x1="{x}" y1="{y}" x2="{right}" y2="{end}"/>'
        f'<rect x="{middle - wide / 2:.0f}" y="{height - 14:.0f}" width="{wide}" height="28" rx="6"/>'
        f'<text x="{middle:.0f}" y="{height + 6:.0f}">{text}</text></g>'
    )


def chain_graph(graph: chain_rule.Graph, gradients: dict[str, float], target: str) -> str:
    """SVG: values in the boxes, local slopes on the edges, gradients of `target` below the values.

    Everything behind the cut is faint. Boxes that can be a target carry `data-node`; colours are CSS classes.
    """
    parts = [
        f'<text class="title" x="{x}" y="26">{title}</text>' for x, title in zip(_LEFT, _TITLES, strict=True)
    ]
    ordered = sorted(graph.slopes, key=lambda edge: edge[1] in gradients)
    parts += [_edge(graph, *edge, used=edge[1] in gradients) for edge in ordered]
    for node, value in graph.values.items():
        x, y = _spot(node)
        kind = "node" + (" target" if node == target else "" if node in gradients else " away")
        chosen = f' data-node="{node}"' if node in chain_rule.TARGETS else ""
        lines = f'<text x="{x}" y="{y - 9 if node in gradients else y + 7}">{symbol(node)} = {signed(value)}</text>'
        if node in gradients:
            lines += f'<text class="back" x="{x}" y="{y + 24}">{signed(gradients[node])}</text>'
        parts.append(
            f'<g class="{kind}"{chosen}><rect x="{x - _BOX[0] / 2}" y="{y - _BOX[1] / 2}" width="{_BOX[0]}" '
            f'height="{_BOX[1]}" rx="10"/>{lines}</g>'
        )
    line = _spot(target)[0] + _BOX[0] / 2 + 14
    parts.append(f'<line class="cut" x1="{line}" y1="40" x2="{line}" y2="{_HEIGHT - 12}"/>')
    words = f"Gradients of {target}: " + ", ".join(f"{n} {signed(v)}" for n, v in gradients.items())
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{words}">{"".join(parts)}</svg>'


def paths(graph: chain_rule.Graph, gradients: dict[str, float], target: str, node: str) -> str:
    """The last step at a node, written out as LaTeX: a sum over the edges that leave it."""
    edges = [(to, slope) for (source, to), slope in graph.slopes.items() if source == node and to in gradients]
    total = gradients.get(node, 0.0)
    left = rf"\frac{{\partial {_tex(target)}}}{{\partial {_tex(node)}}}"
    if not edges:
        return f"{left} = {total:g}"
    terms = " + ".join(f"{_bracket(slope)} \\cdot {_bracket(gradients[to])}" for to, slope in edges)
    return f"{left} = {terms} = {total:g}"


def _tex(node: str) -> str:
    return node[0] + (f"_{node[1]}" if node[1:] else "")


def _bracket(value: float) -> str:
    return f"({value:g})" if value < 0 else f"{value:g}"


# One row of numbers through a ReLU.


def relu_row(step: Step) -> str:
    """HTML table of (1, n) numbers: forward, the arriving gradient, and what each rule sends on."""
    rows = [
        ("Forward: input f", step.f, None), ("ReLU(f)", step.out, step.open),
        ("Backward: R arrives", step.gradient, None), ("Backprop: f > 0", step.back["backprop"], step.open),
        ("Deconvnet: R > 0", step.back["deconvnet"], step.positive),
        ("Guided: both", step.back["guided"], step.open * step.positive),
    ]  # fmt: skip
    lines = []
    for number, (title, values, kept) in enumerate(rows):
        marks = [1.0] * values.shape[1] if kept is None else kept[0].tolist()
        cells = "".join(
            f'<td class="{("on" if kept is not None else "") if mark else "out"}">{signed(value + 0.0)}</td>'
            for value, mark in zip(values[0].tolist(), marks, strict=True)
        )
        space = "padding-top:0.6rem;" if number == 2 else ""
        head = f'<th scope="row" style="{space}text-align:left;font-weight:400;padding-right:1rem;white-space:nowrap">'
        lines.append(f"<tr>{head}{html.escape(title)}</th>{cells}</tr>")
    return f'<div class="viz-grid" style="overflow-x:auto"><table><tbody>{"".join(lines)}</tbody></table></div>'


def weight_column(channels: Sequence[int], weights: np.ndarray) -> str:
    """The maps' weights as horizontal bars from a common zero, red above it and blue below; HTML."""
    high, low = max(float(weights.max()), 0.0), min(float(weights.min()), 0.0)
    span = high - low or 1.0
    red, blue = ("#{:02x}{:02x}{:02x}".format(*render.DIVERGING[i].tolist()) for i in (208, 48))
    lines = []
    for channel, weight in zip(channels, weights.tolist(), strict=True):
        left = 100 * (min(weight, 0.0) - low) / span
        lines.append(
            f'<div style="display:flex;align-items:center;gap:0.5rem;margin:0.5rem 0" title="map {channel}">'
            f'<span style="width:2.6rem;text-align:right">{channel}</span><span style="position:relative;flex:1;'
            f'height:1.3rem"><i style="position:absolute;top:0;bottom:0;left:{left:.1f}%;'
            f'width:{100 * abs(weight) / span:.1f}%;background:{red if weight > 0 else blue}"></i></span>'
            f'<span style="width:4.6rem;font-variant-numeric:tabular-nums">{signed(weight)}</span></div>'
        )
    return f'<div role="img" aria-label="Weights of maps {", ".join(map(str, channels))}">{"".join(lines)}</div>'


# A table of publications.


def works_table(works: Sequence[Work], runs: Collection[str]) -> str:
    """HTML: year, method with its link, venue, what it does and its known failure, newest first.

    Args:
        runs: the works' keys that run here; they are marked.
    """
    cell = 'style="padding:0.45rem 0.9rem 0.45rem 0;vertical-align:top;{}"'
    wide, narrow = cell.format(""), cell.format("white-space:nowrap")
    heads = ("Year", "Method", "Published", "What it does", "Known failure")
    tag = (
        "display:inline-block;margin-left:0.4rem;padding:0 0.4rem;border-radius:0.6rem;"
        "background:color-mix(in srgb,var(--st-primary-color,#3d93ae) 28%,transparent)"
    )
    rows = [
        "".join(f'<th scope="col" {narrow.replace("vertical-align:top", "text-align:left")}>{h}</th>' for h in heads)
    ]
    for work in sorted(works, key=lambda work: -work.year):
        name = html.escape(work.name)
        if work.url:
            name = f'<a href="{work.url}" target="_blank" rel="noopener" style="color:inherit">{name}</a>'
        mark = f' <span style="{tag}">runs here</span>' if work.key in runs else ""
        rows.append(
            f"<td {narrow}>{work.year}</td><td {narrow}><b>{name}</b><br><small>{html.escape(_short(work.authors))}"
            f"{mark}</small></td><td {wide}>{html.escape(work.venue)}</td><td {wide}>{html.escape(work.idea)}</td>"
            f"<td {wide}>{html.escape(work.failure)}</td>"
        )
    line = "border-top:1px solid color-mix(in srgb,currentColor 18%,transparent)"
    body = "".join(f'<tr style="{line if n else ""}">{row}</tr>' for n, row in enumerate(rows))
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:0.9rem;line-height:1.4;'
        f'min-width:46rem">{body}</table></div>'
    )


def _short(authors: str) -> str:
    first, *others = authors.replace(" & ", ", ").split(", ")
    return f"{first} et al." if len(others) > 1 else authors
