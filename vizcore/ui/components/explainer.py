"""A small network in the browser: all its maps, one step of the way forward or back written out, stepped by keys.

After the first load it asks nothing of the server. It writes what it shows into the address itself: `?focus=`, the
layer, unit, row, column and incoming map, and `?way=`, forward or the rule of the way back.
"""

import json
from typing import TYPE_CHECKING

import numpy as np

from vizcore.ui.components.register import register

if TYPE_CHECKING:
    from vizcore.inspection.explainer import Explained, Stage

KEYS = ("focus", "way")

_HTML = """<div class="explainer"><p class="first">The interactive figure needs JavaScript. The last part of this page,
“On paper”, has the same numbers as pictures and tables.</p></div>"""

_component = register("explainer", _HTML)


def explainer(key: str, buffer: bytes, show: dict[str, str] | None = None, count: int = 0) -> None:
    """Draw a network; `buffer` is what :func:`encode` returned.

    Args:
        show: settings of KEYS to go to, once for each new `count`.
    """
    order = json.dumps({"show": show or {}, "count": count}).encode()
    _component(key=key, data=len(order).to_bytes(4, "big") + order + buffer)


def encode(explained: "Explained", categories: tuple[str, ...], title: str) -> bytes:
    """All numbers as one buffer: the length of a head, the head as JSON, and the arrays as float32.

    Args:
        categories: names of the classes. title: what the picture is called.
    """
    from vizcore.figures import render

    arrays: list[np.ndarray] = []

    def put(values: np.ndarray) -> list[int]:
        start = sum(array.size for array in arrays)
        arrays.append(np.ascontiguousarray(values, dtype="<f4").ravel())
        return [start, values.size]

    head = {
        "title": title,
        "categories": list(categories),
        "target": explained.target,
        "stages": [_facts(stage) | {"arrays": _arrays(stage, put)} for stage in explained.stages],
        "probabilities": put(explained.probabilities),
        "heat": render.HEAT.ravel().tolist(),
        "diverging": render.DIVERGING.ravel().tolist(),
    }
    data = json.dumps(head, separators=(",", ":")).encode()
    return len(data).to_bytes(4, "big") + data + b"".join(array.tobytes() for array in arrays)


def _facts(stage: "Stage") -> dict:
    return {
        "name": stage.name,
        "kind": stage.kind,
        "shape": list(stage.values.shape),
        "kernel": stage.kernel,
        "stride": stage.stride,
        "padding": stage.padding,
        "dilation": stage.dilation,
        "ceiling": stage.ceiling if np.isfinite(stage.ceiling) else None,
        "countsPadding": stage.counts_padding,
        "divisor": stage.divisor,
    }


def _arrays(stage: "Stage", put) -> dict[str, list[int]]:
    several = {"values": stage.values, "weight": stage.weight, "bias": stage.bias, "switches": stage.switches}
    several |= stage.gradients
    return {name: put(values) for name, values in several.items() if values is not None}
