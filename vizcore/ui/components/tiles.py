"""Hundreds of small pictures as one element: hover names a tile, a click or Enter chooses it.

The pictures travel as one encoded sprite; the browser cuts it and fits columns and tile size to its width.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from vizcore.ui.components.register import register

if TYPE_CHECKING:
    from vizcore.figures.sprites import Layout

_HTML = """<div class="box" role="listbox" tabindex="0" aria-activedescendant="active">
<canvas aria-hidden="true"></canvas><div class="ring"></div><div class="ring over"></div>
<div class="label" aria-hidden="true"></div><div class="option" id="active" role="option"></div></div>"""

_sheet = register("tiles", _HTML)


def tiles(
    sprite: bytes,
    layout: "Layout",
    labels: Sequence[str],
    key: str,
    *,
    selected: int | None = None,
    alt: str = "",
    smooth: bool = False,
    height: int = 520,
    largest: int = 128,
    smallest: int = 22,
    gap: int = 2,
    take: Callable[[int], None] | None = None,
) -> int | None:
    """Draw the tiles of a sprite; the position of the tile just chosen, or None.

    Args:
        sprite: the encoded picture. layout: its tiles, without gaps (see :func:`vizcore.figures.sprites.atlas`).
        labels: one per tile, shown where the mouse or the keyboard points.
        selected: position of the tile with a ring. alt: what the sheet shows, for those who cannot see it.
        smooth: bilinear enlargement in the browser; otherwise crisp.
        height: the tiles shrink, down to `smallest`, until they fit into so many page pixels; 0 for what the first
            screen leaves, with a colour bar below.
        gap: page pixels between the tiles.
        take: called with the position before the page runs again: the place to set a widget's value.

    Raises:
        ValueError: not one label per tile, or a sprite with gaps.
    """
    if len(labels) != layout.count or layout.gap:
        raise ValueError(f"{len(labels)} labels and a gap of {layout.gap} for {layout.count} tiles")
    head = json.dumps(
        {
            "columns": layout.columns,
            "cell": layout.cell,
            "labels": list(labels),
            "alt": alt,
            "smooth": smooth,
            "selected": -1 if selected is None else selected,
            "height": height,
            "largest": largest,
            "smallest": smallest,
            "gap": gap,
            "name": f"{zlib.crc32(sprite):x}",
        }
    ).encode()

    def chosen() -> None:
        index = st.session_state[key].chosen
        if take and isinstance(index, int) and 0 <= index < layout.count:
            take(index)

    result = _sheet(key=key, data=len(head).to_bytes(4, "big") + head + sprite, on_chosen_change=chosen)
    index = result.chosen
    return index if isinstance(index, int) and 0 <= index < layout.count else None
