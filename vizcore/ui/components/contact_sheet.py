"""Contact sheets in the browser: groups of tiles in two halves, the patches and their drawings.

Under the pointer a tile and its partner in the other half are framed and named; a click on a group chooses it.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from vizcore.ui.components.register import register

_HTML = """<div class="sheet"><div class="titles"></div><div class="groups" role="group"></div>
<div class="label" aria-hidden="true"></div></div>"""

_component = register("contact_sheet", _HTML)


class Group(NamedTuple):
    """A unit, or a layer, and its tiles.

    Attributes:
        name, text: its heading.
        labels: one for each pair of tiles.
        image: which picture holds it; top: the row of tiles there at which it begins. The left half of the picture
            holds the patches, the right half the drawings.
        columns: tiles in a row of one half. cell: pixels of a tile.
    """

    name: str
    text: str
    labels: Sequence[str]
    image: int
    top: int
    columns: int
    cell: int


def contact(
    key: str,
    images: Sequence[bytes],
    groups: Sequence[Group],
    titles: tuple[str, str],
    take: Callable[[int], None],
    *,
    rows: bool = False,
    chosen: int | None = None,
    alt: str = "",
) -> None:
    """Draw contact sheets; `take(group)` is called with the number of the one clicked.

    A convenience beside widgets that choose the same; it works by keyboard too.

    Args:
        images: encoded pictures.
        titles: what stands left, what stands right.
        rows: one group below the other with its heading to the left; otherwise as many side by side as fit.
        chosen: the group with a frame.
        alt: what the sheet shows, for those who cannot see it.
    """
    name = 0
    for image in images:
        name = zlib.crc32(image, name)
    described = [
        group._asdict() | {"gap": max(2, group.cell // 32), "on": n == chosen} for n, group in enumerate(groups)
    ]
    words = json.dumps([[group.name, group.text, *group.labels] for group in groups])
    head = json.dumps(
        {
            "mode": "rows" if rows else "units",
            "groups": described,
            "titles": titles,
            "alt": alt,
            "sizes": [len(image) for image in images],
            "name": f"{zlib.crc32(words.encode(), name):x}",
        }
    ).encode()

    def clicked() -> None:
        number = st.session_state[key].chosen
        if isinstance(number, int) and 0 <= number < len(groups):
            take(number)

    _component(key=key, data=len(head).to_bytes(4, "big") + head + b"".join(images), on_chosen_change=clicked)
