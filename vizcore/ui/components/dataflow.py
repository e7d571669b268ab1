"""The network's graph in the browser, zoomed and clicked."""

from collections.abc import Callable

import streamlit as st

from vizcore.ui.components.register import register

_HTML = """<div class="flow" role="listbox" tabindex="0" aria-activedescendant="at"><svg aria-hidden="true"></svg>
<div class="tip" aria-hidden="true"></div><div class="option" id="at" role="option"></div>
<div class="bar"><span>Click a layer to choose it. Drag to move, Ctrl + wheel to zoom.</span>
<button type="button" data-do="in" aria-label="Zoom in">+</button>
<button type="button" data-do="out" aria-label="Zoom out">−</button>
<button type="button" data-do="find" aria-label="Show the chosen layer">Layer</button>
<button type="button" data-do="fit" aria-label="Show the whole graph">All</button></div></div>"""

_flow = register("dataflow", _HTML)


def flow(
    key: str, wide: dict, narrow: dict, name: str, alt: str, take: Callable[[str], None], height: int = 560
) -> None:
    """Draw a graph; `take(name)` is called with the layer clicked, before the page runs again.

    Args:
        wide, narrow: what :func:`vizcore.figures.graph.drawing` returns, for a wide and for a narrow window.
        name: while it stays the same, so does the visitor's zoom.
        height: page pixels at most; a larger graph is made smaller until it is zoomed.
    """

    def clicked() -> None:
        found = st.session_state[key].chosen
        if isinstance(found, str) and any(node["name"] == found for node in wide["nodes"]):
            take(found)

    _flow(
        key=key,
        data={"wide": wide, "narrow": narrow, "name": name, "alt": alt, "height": height},
        on_chosen_change=clicked,
    )
