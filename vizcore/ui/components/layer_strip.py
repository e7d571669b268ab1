"""A network as a strip of blocks from input to output, one for each layer that may be chosen."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from vizcore.ui.components.register import register

LOW, HIGH = 9, 36  # page pixels of the block of the smallest and of the largest map

_HTML = """<div class="holder"><div class="strip"><span class="label" aria-hidden="true"></span>
<button type="button" class="step" data-by="-1" aria-label="Previous layer">‹</button>
<div class="window"><div class="cells" role="radiogroup" aria-label="Layer"></div></div>
<button type="button" class="step" data-by="1" aria-label="Next layer">›</button>
<select aria-label="Layer, by name"></select><div class="tip" aria-hidden="true" hidden></div></div></div>"""

_strip = register("layer_strip", _HTML)


class Cell(NamedTuple):
    """A layer: what it is called, what it gives out in words, its kind, and the shape of that."""

    name: str
    text: str
    kind: str
    height: int
    width: int
    channels: int


def layer_strip(key: str, layers: Sequence[Cell], chosen: str, take: Callable[[str], None], label: str) -> None:
    """Draw the strip; `take(name)` is called with the layer chosen, before the page runs again.

    A click, the arrow keys, Home and End choose, as do the two buttons at its ends, the comma and the full stop
    anywhere on the page, and the list of names beside it.

    Args:
        label: what is chosen, for instance "Layer".
    """
    names = [cell.name for cell in layers]

    def clicked() -> None:
        found = st.session_state[key].chosen
        if found in names:
            take(found)

    data = {
        "names": names,
        "texts": [f"{cell.name}: {cell.text}" for cell in layers],
        "kinds": [cell.kind for cell in layers],
        "heights": heights(layers),
        "grow": [round(math.log2(1 + cell.channels), 1) for cell in layers],
        "chosen": names.index(chosen),
        "label": label,
    }
    _strip(key=key, data=data, on_chosen_change=clicked)


def heights(layers: Sequence[Cell]) -> list[int]:
    """Page pixels of each block: equal steps where the side of a map halves."""
    sides = [math.log(max(1.0, math.sqrt(cell.height * cell.width))) for cell in layers]
    span = max(sides) - min(sides) or 1.0
    return [round(HIGH - (HIGH - LOW) * (max(sides) - side) / span) for side in sides]
