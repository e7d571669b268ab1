"""The network's graph in the browser, laid out for the width there is, zoomed, scrolled and clicked."""

from collections.abc import Callable

import streamlit as st

from vizcore.ui.components.register import register

_HTML = """<div class="flow"><div class="stage" role="listbox" tabindex="0" aria-activedescendant="at">
<svg aria-hidden="true"></svg><div class="option" id="at" role="option"></div></div>
<div class="tip" aria-hidden="true"></div>
<div class="bar"><span>Click a layer to choose it. <b hidden>Scroll or drag for the rest.</b></span>
<button type="button" data-do="in" aria-label="Zoom in">+</button>
<button type="button" data-do="out" aria-label="Zoom out">−</button>
<button type="button" data-do="find">Chosen layer</button>
<button type="button" data-do="fit">Whole graph</button></div></div>"""

_flow = register("dataflow", _HTML)


def flow(key: str, drawn: dict, name: str, alt: str, take: Callable[[str], None]) -> None:
    """Draw a graph; `take(name)` is called with the layer clicked, before the page runs again.

    Its letters have their own size wherever the width allows a row of two layers; a graph higher than the window
    leaves room for scrolls.

    Args:
        drawn: what :func:`vizcore.figures.graph.drawing` returns.
        name: while it stays the same, so does the visitor's zoom.
    """

    def clicked() -> None:
        found = st.session_state[key].chosen
        if isinstance(found, str) and any(node["name"] == found for node in drawn["nodes"]):
            take(found)

    _flow(key=key, data={**drawn, "name": name, "alt": alt}, on_chosen_change=clicked)
