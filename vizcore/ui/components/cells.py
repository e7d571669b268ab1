"""A picture whose cells can be clicked: a map's positions, or the tiles of a sprite."""

from collections.abc import Callable

import streamlit as st
from PIL import Image

from vizcore.ui.components.register import register

_HTML = (
    '<figure><div class="picture"><img><div class="mark hover" hidden></div><div class="mark chosen" hidden></div>'
    "</div><figcaption></figcaption></figure>"
)
_component = register("cells", _HTML)


def cells(
    key: str,
    picture: Image.Image,
    rows: int,
    columns: int,
    chosen: tuple[int, int] | None,
    take: Callable[[int, int], None],
    *,
    labels: list[str] | None = None,
    caption: str = "",
    alt: str = "",
    room: int = 200,
) -> None:
    """Draw a picture of rows x columns equal cells; `take(row, column)` is called with the one clicked.

    A convenience beside widgets that work by keyboard. Under the pointer, a cell's label replaces the caption.

    Args:
        room: pixels of the window's height that it may not take, as in a figure.
    """
    from vizcore.figures import render

    def clicked() -> None:
        found = st.session_state[key].chosen
        if found and 0 <= int(found[0]) < rows and 0 <= int(found[1]) < columns:
            take(int(found[0]), int(found[1]))

    row, column = chosen or (-1, 0)
    _component(
        key=key,
        data={
            "source": render.data_uri(picture),
            "rows": rows,
            "columns": columns,
            "row": row,
            "column": column,
            "labels": labels or [],
            "caption": caption,
            "room": room,
            "alt": alt,
        },
        on_chosen_change=clicked,
    )
