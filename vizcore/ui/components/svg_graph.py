"""A small graph whose boxes can be clicked: server-drawn SVG in the page's own colours."""

from collections.abc import Callable, Collection

import streamlit as st

from vizcore.ui.components.register import register

_graph = register("svg_graph", '<div class="graph"></div>')


def graph(svg: str, key: str, nodes: Collection[str], take: Callable[[str], None]) -> None:
    """Draw the SVG; `take(node)` is called with the `data-node` clicked, before the page runs again.

    A convenience beside a widget that works by keyboard.

    Args:
        svg: made on the server, without a visitor's text.
        nodes: what may be chosen.
    """

    def clicked() -> None:
        node = st.session_state[key].chosen
        if node in nodes:
            take(node)

    _graph(key=key, data={"svg": svg}, on_chosen_change=clicked)
