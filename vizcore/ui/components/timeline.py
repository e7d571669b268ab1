"""The timeline in the browser: point at a work to read its idea, click it or press Enter to choose it."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from vizcore.ui.components.register import register

_HTML = """<div class="holder"><div class="frame"><div class="scroll" role="group"></div></div>
<div class="tip" hidden></div>
<div class="key" aria-hidden="true"><span><i class="full"></i>runs here</span>
<span><i></i>to read about</span><span>Point at a work for its idea, click it for the rest</span>
<span class="more" hidden>← scroll for earlier years</span></div></div>"""

_component = register("timeline", _HTML)


def timeline(
    key: str,
    charts: Sequence[tuple[int, str]],
    tips: Mapping[str, Sequence[str]],
    take: Callable[[str], None],
    *,
    chosen: str = "",
    label: str = "",
) -> None:
    """Draw the widest of these charts that fits; `take(key)` is called with the work clicked.

    Args:
        charts: of :func:`vizcore.figures.timeline.charts`. Where none fits, the narrowest one scrolls.
        tips: by key, three lines to show at the pointer. chosen: the key that the tab key reaches first.
        label: what the chart shows, for those who cannot see it.
    """

    def clicked() -> None:
        if (found := st.session_state[key].chosen) in tips:
            take(found)

    _component(
        key=key,
        on_chosen_change=clicked,
        data={
            "charts": list(charts),
            "tips": {name: list(lines) for name, lines in tips.items()},
            "chosen": chosen,
            "label": label,
        },
    )
