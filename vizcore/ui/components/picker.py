"""Large thumbnails to choose from, with a search field and groups; all of it works by keyboard.

It filters in the browser: nothing is asked of the server until something is chosen.
"""

import base64
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from vizcore.ui.components.register import register

CELL = 112  # page pixels of a thumbnail

_HTML = """<div class="bar"><input type="search" autocomplete="off" spellcheck="false">
<span class="count" role="status"></span></div>
<div class="groups" role="group" aria-label="Groups"></div><div class="grid" role="radiogroup"></div>"""

_picker = register("picker", _HTML)


class Choice(NamedTuple):
    """A thumbnail to choose.

    Attributes:
        id: what is handed back. title: its caption. group: what it can be filtered by.
        words: further words that the search finds.
        picture: its own picture as a data address; without one it is cut from the sheet.
    """

    id: str
    title: str
    group: str
    words: str = ""
    picture: str = ""


class Sheet(NamedTuple):
    """The thumbnails of the choices that have no picture of their own, in their order, row by row.

    Attributes:
        file: an encoded picture of square cells. kind: "jpeg" or "png". crisp: whether its pixels stay visible.
    """

    file: bytes
    kind: str
    columns: int
    rows: int
    crisp: bool = False


def picker(
    key: str,
    choices: Sequence[Choice],
    sheet: Sheet,
    selected: str | None,
    take: Callable[[str], None],
    label: str = "Pictures",
) -> bool:
    """Draw the thumbnails; whether one was just chosen. `take(id)` is called before the page runs again."""
    ids = {choice.id for choice in choices}

    def chosen() -> None:
        if st.session_state[key].chosen in ids:
            take(st.session_state[key].chosen)

    result = _picker(
        key=key,
        data={
            "sheet": f"data:image/{sheet.kind};base64,{base64.b64encode(sheet.file).decode()}",
            "columns": sheet.columns,
            "rows": sheet.rows,
            "crisp": sheet.crisp,
            "cell": CELL,
            "choices": [choice._asdict() for choice in choices],
            "selected": selected,
            "label": label,
        },
        on_chosen_change=chosen,
    )
    return result.chosen in ids
