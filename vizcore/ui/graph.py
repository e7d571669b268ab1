"""A small graph whose boxes can be clicked: server-drawn SVG in the page's own colours."""

from collections.abc import Callable, Collection

import streamlit as st

_CSS = """
.graph { overflow-x: auto; }
svg { width: 100%; min-width: 640px; max-height: 27rem; display: block; font-family: var(--st-font);
  font-variant-numeric: tabular-nums; }
text { fill: var(--st-text-color); font-size: 21px; text-anchor: middle; }
.title { font-size: 18px; opacity: 0.8; }
.edge line { stroke: var(--st-text-color); stroke-width: 2; opacity: 0.55; }
.edge rect { fill: var(--st-background-color); }
.edge text { font-size: 17px; }
.edge.shut line { stroke-dasharray: 3 7; }
.node rect { fill: var(--st-secondary-background-color); stroke: var(--st-border-color); stroke-width: 2; }
.node.target rect { stroke: var(--st-primary-color); stroke-width: 4; }
.node .back { fill: var(--st-link-color); font-weight: 600; font-size: 23px; }
.away text { opacity: 0.45; }
.away line { opacity: 0.15; }
.node[data-node] { cursor: pointer; }
.node[data-node]:hover rect { stroke: var(--st-primary-color); }
.cut { stroke: var(--st-primary-color); stroke-width: 3; stroke-dasharray: 10 8; }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector('.graph')
  box.innerHTML = data.svg
  box.onclick = (event) => {
    const node = event.target.closest('[data-node]')
    if (node) setTriggerValue('chosen', node.dataset.node)
  }
}
"""

_graph = st.components.v2.component("vizcore.graph", html='<div class="graph"></div>', css=_CSS, js=_JS)


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
