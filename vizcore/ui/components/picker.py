"""A grid of thumbnails that works as one radio group: arrow keys move, Enter and a click choose.

A convenience beside the select box, which holds the truth.
"""

import base64
import io
from collections.abc import Callable, Sequence

import streamlit as st
from PIL import Image, ImageOps

from vizcore.ui.components.register import register

CELL, COLUMNS = 72, 6

_grid = register("picker", '<div role="radiogroup"></div>')


@st.cache_data(max_entries=4, show_spinner=False)
def _sprite(kind: str) -> str:
    """All thumbnails of a kind as one JPEG, as a data address."""
    from vizcore.images import gallery

    assets = gallery.records(kind)
    sheet = Image.new("RGB", (COLUMNS * CELL, -(-len(assets) // COLUMNS) * CELL))
    for index, asset in enumerate(assets):
        thumbnail = ImageOps.fit(gallery.open_image(asset), (CELL, CELL))
        sheet.paste(thumbnail, (index % COLUMNS * CELL, index // COLUMNS * CELL))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def thumbnails(key: str, ids: Sequence[str], titles: Sequence[str], selected: str, take: Callable[[str], None]) -> None:
    """Draw the grid of the gallery; `take(id)` is called with the picture chosen."""

    def chosen() -> None:
        if st.session_state[key].chosen in ids:
            take(st.session_state[key].chosen)

    _grid(
        key=key,
        data={
            "sprite": _sprite("gallery"),
            "columns": COLUMNS,
            "ids": list(ids),
            "titles": list(titles),
            "selected": selected,
            "label": "Pictures",
        },
        on_chosen_change=chosen,
    )
