"""A network's graph as a drawing: places of nodes and edges, colours for the gradient at each, charts beside it.

Everything here is plain numbers and words; the browser draws them (:mod:`vizcore.ui.components.dataflow`).
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vizcore.figures import render
from vizcore.types import INPUT, SCORE

if TYPE_CHECKING:
    from vizcore.inspection.layer_gradients import Size
    from vizcore.models.graph import Graph, Node

WIDE, HIGH, ROUND = 102, 42, 26  # a layer's box, and a join's circle, in page pixels where the drawing is not zoomed
LETTERS = 14  # of a name that fit into a box
PER_ROW = (2, 4, 6, 8)  # layers in a row: for a phone, a small window, a projector, a wide window
_GAP, _LANE, _ARC, _BETWEEN = 19, 52, 10, 30
_LINE = ("#2f8aa6", "#d0734a")  # legible on white and on near black
NO_GRADIENT = "#8a9499"


@dataclass(frozen=True)
class Places:
    """Where things lie: the centre of each node, the corners of each edge's way, and the size of it all."""

    nodes: tuple[tuple[float, float], ...]
    edges: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


def columns(graph: Graph) -> list[int]:
    """The column of each node: the length of the longest way from the picture to it."""
    found: list[int] = []
    for node in graph.nodes:
        found.append(1 + max((found[source] for source in node.inputs), default=-1))
    return found


def rows(graph: Graph, column: Sequence[int], per_row: int) -> list[int]:
    """The first column of each row of the drawing, at most `per_row` wide: broken where few edges cross."""
    last = max(column)
    crossing = [0] * (last + 2)
    for source, to in graph.edges:
        for at in range(column[source] + 1, column[to] + 1):
            crossing[at] += 1
    starts = [0]
    while starts[-1] + per_row <= last:
        ends = range(starts[-1] + max(2, per_row // 2), starts[-1] + per_row + 1)
        starts.append(min(ends, key=lambda at: (crossing[at], -at)))
    return starts


def lanes(graph: Graph, column: Sequence[int]) -> list[int]:
    """The lane of each node in its column, from 0: that of its first input where it is free."""
    taken: dict[int, set[int]] = {}
    found: list[int] = []
    for number, node in enumerate(graph.nodes):
        used = taken.setdefault(column[number], set())
        wanted = found[node.inputs[0]] if len(node.inputs) == 1 else min((found[at] for at in node.inputs), default=0)
        lane = next(at for at in [wanted, *range(len(graph.nodes))] if at not in used)
        used.add(lane)
        found.append(lane)
    return found


def place(graph: Graph, per_row: int = 8) -> Places:
    """Lay the graph out like a text: in rows from left to right, branches below each other, shortcuts above."""
    column, lane = columns(graph), None
    lane = lanes(graph, column)
    starts = rows(graph, column, per_row)
    row = [sum(at >= start for start in starts) - 1 for at in column]
    wide = [ROUND] * (max(column) + 1)
    for number, node in enumerate(graph.nodes):
        if node.names:
            wide[column[number]] = WIDE
    left: list[float] = []
    for at in range(len(wide)):
        left.append(2 * _GAP if at in starts else left[-1] + wide[at - 1] + _GAP)
    right = max(start + width for start, width in zip(left, wide, strict=True))
    blocked = {(column[number], lane[number]) for number in range(len(graph.nodes))}
    arcs = _arc_levels(graph, column, lane, row, blocked)
    top, y = [], 0.0
    for number in range(len(starts)):
        above = max((level + 1 for edge, level in arcs.items() if row[edge[0]] == number), default=0)
        y += above * _ARC + HIGH / 2 + 4
        top.append(y)
        y += max(lane[at] for at in range(len(lane)) if row[at] == number) * _LANE + HIGH / 2 + _BETWEEN
    centre = [
        (left[column[at]] + wide[column[at]] / 2, top[row[at]] + lane[at] * _LANE) for at in range(len(graph.nodes))
    ]
    ways = [_way(graph, edge, centre, row, top, arcs.get(edge), right) for edge in graph.edges]
    return Places(tuple(centre), tuple(ways), right + 2 * _GAP, y - _BETWEEN + 6)


def _arc_levels(graph, column, lane, row, blocked) -> dict[tuple[int, int], int]:
    """The height of the arc of each edge that would run over another node, or leaves its row too early."""
    last = {number: max(column[at] for at in range(len(row)) if row[at] == number) for number in set(row)}
    spans = []
    for source, to in graph.edges:
        same = row[source] == row[to]
        end = column[to] if same else last[row[source]] + 1
        between = range(column[source] + 1, end)
        level = lane[to] if same and not any((at, lane[to]) in blocked for at in between) else lane[source]
        if any((at, level) in blocked for at in between):
            spans.append((end - column[source], column[source], end, (source, to)))
    levels: dict[tuple[int, int], int] = {}
    busy: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for _, start, end, edge in sorted(spans):
        level = next(
            at
            for at in range(10**6)
            if at == 7 or all(end <= a or start >= b for a, b in busy.get((row[edge[0]], at), []))
        )
        busy.setdefault((row[edge[0]], level), []).append((start, end))
        levels[edge] = level
    return levels


def _way(graph, edge, centre, row, top, arc, right) -> tuple[tuple[float, float], ...]:
    source, to = edge
    (x1, y1), (x2, y2) = centre[source], centre[to]
    x1 += _half(graph.nodes[source])
    x2 -= _half(graph.nodes[to])
    out, into = x1 + _GAP / 2, x2 - _GAP / 2
    points = [(x1, y1), (out, y1)]
    height = None if arc is None else top[row[source]] - HIGH / 2 - (arc + 1) * _ARC + 3
    if row[source] == row[to]:
        if height is not None:
            points += [(out, height), (into, height)]
        elif y1 != y2:  # change lanes close to the end that is alone in its lane
            turn = into if y1 > y2 else out
            points += [(turn, y1), (turn, y2)]
    else:
        channel = top[row[to]] - HIGH / 2 - _BETWEEN / 2 - _head(graph, row, edge)
        if height is not None:
            points += [(out, height), (right + _GAP / 2, height)]
        else:
            points.append((right + _GAP / 2, y1))
        points += [(right + _GAP / 2, channel), (_GAP, channel), (_GAP, y2)]
    return tuple(dict.fromkeys([*points, (into, y2), (x2, y2)]))


def _head(graph, row, edge) -> float:
    """How much lower than the others an edge from row to row runs, so that several can be told apart."""
    crossing = [e for e in graph.edges if row[e[1]] == row[edge[1]] and row[e[0]] != row[e[1]]]
    return 5.0 * min(crossing.index(edge), 3) - 6


def _half(node: Node) -> float:
    return (WIDE if node.names else ROUND) / 2


def rounded(points: Sequence[tuple[float, float]], radius: float = 9) -> str:
    """The way through these points as an SVG path with rounded corners."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        near = min(radius, math.dist(before, at) / 2, math.dist(at, after) / 2)
        a, b = (_towards(at, other, near) for other in (before, after))
        path += f"L{a[0]:.1f} {a[1]:.1f}Q{at[0]:.1f} {at[1]:.1f} {b[0]:.1f} {b[1]:.1f}"
    return path + f"L{points[-1][0]:.1f} {points[-1][1]:.1f}"


def _towards(at: tuple[float, float], other: tuple[float, float], length: float) -> tuple[float, float]:
    whole = math.dist(at, other) or 1.0
    return at[0] + (other[0] - at[0]) * length / whole, at[1] + (other[1] - at[1]) * length / whole


# Colours.


def span(values: Sequence[float]) -> tuple[float, float]:
    """Ends of a logarithmic scale around the values above zero; (1, 10) where there are none."""
    positive = [value for value in values if value > 0]
    if not positive:
        return 1.0, 10.0
    low, high = min(positive), max(positive)
    return (low, high) if high > 1.5 * low else (low / 1.5, high * 1.5)


def colour(value: float | None, ends: tuple[float, float]) -> tuple[str, str]:
    """(fill, letters): the colour of a value on the logarithmic scale; grey for zero or no gradient."""
    if not value:
        return NO_GRADIENT, "#000000"
    low, high = ends
    share = math.log(value / low) / math.log(high / low)
    red, green, blue = render.HEAT[round(255 * min(1.0, max(0.0, share)))].tolist()
    light = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    return f"#{red:02x}{green:02x}{blue:02x}", "#000000" if light else "#ffffff"


def legend(ends: tuple[float, float], unit: str) -> str:
    """HTML of the logarithmic colour bar with numbers."""
    low, high = ends
    colours = render.HEAT[np.linspace(0, 255, 17).astype(int)].tolist()
    stops = ",".join("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours)
    ticks = [render.number(low * (high / low) ** (at / 4)) for at in range(5)]
    label = html.escape(unit)
    return (
        f'<div class="viz-scale" role="img" aria-label="Logarithmic colour scale, {ticks[0]} to {ticks[-1]} {label}">'
        f'<div class="ramp" style="background:linear-gradient(to right,{stops})"></div>'
        f'<div class="ticks">{"".join(f"<span>{tick}</span>" for tick in ticks)}</div>'
        f'<div class="label">{label}</div></div>'
    )


# The drawing as the browser gets it.


def drawing(
    graph: Graph,
    sizes: Mapping[str, Size | None],
    norm: str,
    chosen: str,
    score: tuple[str, str],
    cut: bool,
    whole: Graph | None = None,
) -> dict:
    """Boxes, ways and words of the graph, coloured by the gradient at each layer, laid out for each of `PER_ROW`.

    Args:
        sizes: by layer name; layers that are missing or None are grey.
        norm: "rms" or "l2".
        chosen: the layer with the frame. score: the two lines in the last box.
        cut: draw all that the chosen layer is not computed from as cut off, and the way to it highlighted.
        whole: the graph with all layers, where `graph` shows only some: names are looked up there.

    Returns:
        {"wide", "high", "nodes", "edges", "layouts"} of plain values; each layout has its width and height, the centre
        of each node and the way of each edge. Narrower layouts come first.
    """
    at = graph.find(chosen)
    if at is None and whole is not None:
        there = whole.find(chosen)
        names = () if there is None else whole.nodes[there].names
        at = next((graph.find(name) for name in names if graph.find(name) is not None), None)
    alive = graph.before(at) if cut and at is not None else frozenset(range(len(graph.nodes)))
    ends = span(shown_sizes(graph, sizes, norm))
    nodes = []
    for number, node in enumerate(graph.nodes):
        value = size_at(node, sizes, norm) if number in alive else None
        fill, ink = colour(value, ends)
        plain = node.name == SCORE or not node.names
        nodes.append(
            {
                "name": "" if node.name in (INPUT, SCORE) else node.name,
                "round": not node.names,
                "lines": [node.join]
                if not node.names
                else [score[0], short(score[1], 16)]
                if node.name == SCORE
                else _lines(node),
                "join": node.join if node.names else "",
                "fill": "" if plain else fill,
                "ink": "" if plain else ink,
                "title": _title(node, value, norm, score),
                "chosen": number == at,
                "off": number not in alive,
            }
        )
    edges = [{"off": to not in alive, "on": cut and to in alive} for _, to in graph.edges]
    layouts = [
        {"width": found.width, "height": found.height, "at": found.nodes, "ways": [rounded(way) for way in found.edges]}
        for found in (place(graph, per_row) for per_row in PER_ROW)
    ]
    return {"wide": WIDE, "high": HIGH, "nodes": nodes, "edges": edges, "layouts": layouts}


def size_at(node: Node, sizes: Mapping[str, Size | None], norm: str) -> float | None:
    """The gradient's size at a node; None where there is none."""
    found = next((sizes[name] for name in node.names if sizes.get(name)), None)
    return None if found is None else getattr(found, norm)


def shown_sizes(graph: Graph, sizes: Mapping[str, Size | None], norm: str) -> list[float]:
    """The sizes at the nodes of the graph that have one."""
    return [value for node in graph.nodes if (value := size_at(node, sizes, norm)) is not None]


def short(name: str, letters: int = LETTERS) -> str:
    """A layer's name cut to its last parts, with the first ones left out."""
    parts = name.split(".")
    while len(".".join(parts)) > letters and len(parts) > 1:
        parts = parts[1:]
    text = ".".join(parts)
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _lines(node: Node) -> list[str]:
    return ["picture" if node.name == INPUT else short(node.name), " × ".join(map(str, node.shape))]


def _title(node: Node, value: float | None, norm: str, score: tuple[str, str]) -> str:
    if not node.names:
        return {"+": "addition", "concat": "concatenation", "×": "product"}.get(node.join, node.join)
    if node.name == SCORE:
        return ": ".join(filter(None, score))
    shape, name = " × ".join(map(str, node.shape)), "the picture" if node.name == INPUT else node.name
    joined = f", joined by {node.join}" if node.join else ""
    return f"{name}{joined} · {shape} · " + (
        "no gradient here" if value is None else f"gradient {'RMS' if norm == 'rms' else 'L2'} {render.number(value)}"
    )


# Charts.
