"""Figures of the questions page: numbers in, a piece of SVG or HTML out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vizcore.figures.render import signed

if TYPE_CHECKING:
    from vizcore.inspection.chain_rule import Graph

# A network of nine numbers as a graph.

_WIDTH, _HEIGHT, _BOX = 1120, 330, (132, 78)
_LEFT = (84, 320, 560, 800, 1036)  # middles of the columns
_TITLES = ("input x", "z = W x", "a = ReLU(z)", "m = V a", "score s")
COLUMNS = (("x1", "x2"), ("z1", "z2"), ("a1", "a2"), ("m1", "m2"), ("s",))
_NAMES = {name: name[0] + {"1": "₁", "2": "₂", "": ""}[name[1:]] for column in COLUMNS for name in column}


def symbol(node: str) -> str:
    """The node's name with a lowered index."""
    return _NAMES[node]


def _spot(node: str) -> tuple[float, float]:
    column = next(n for n, nodes in enumerate(COLUMNS) if node in nodes)
    return _LEFT[column], 180 if node == "s" else 95 if node.endswith("1") else 270


def _edge(graph: Graph, source: str, to: str, used: bool) -> str:
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


def chain_graph(graph: Graph, gradients: dict[str, float], target: str) -> str:
    """SVG: values in the boxes, local slopes on the edges, gradients of `target` below the values.

    Everything behind the cut is faint. Boxes that can be a target carry `data-node`; colours are CSS classes.
    """
    parts = [f'<text class="title" x="{x}" y="26">{title}</text>' for x, title in zip(_LEFT, _TITLES, strict=True)]
    ordered = sorted(graph.slopes, key=lambda edge: edge[1] in gradients)
    parts += [_edge(graph, *edge, used=edge[1] in gradients) for edge in ordered]
    for node, value in graph.values.items():
        x, y = _spot(node)
        kind = "node" + (" target" if node == target else "" if node in gradients else " away")
        chosen = f' data-node="{node}"' if node not in COLUMNS[0] else ""
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


def paths(graph: Graph, gradients: dict[str, float], target: str, node: str) -> str:
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


# A table of publications.
