"""A square to draw a digit in, with mouse, pen or finger."""

from collections.abc import Callable

import streamlit as st

from vizcore.ui.components.register import register

SIDE = 84  # pixels that come back, three for each of MNIST's 28

_HTML = """<div class="pad"><canvas width="196" height="196" role="img"></canvas>
<button type="button">Clear</button></div>"""

_pad = register("canvas", _HTML)


def draw_digit(
    key: str, ink: str, take: Callable[[str], None], *, chosen: bool = False, label: str = "Draw a digit here"
) -> None:
    """A pad with this ink on it; `take(ink)` is called after each stroke, with "" after Clear.

    Args:
        ink: base64 of SIDE x SIDE bytes (see :func:`vizcore.images.handwriting.read`), or "".
        chosen: whether the drawing is what is shown elsewhere: then the pad has the ring.
    """

    def drawn() -> None:
        sent = st.session_state[key].ink
        take(sent if isinstance(sent, str) else "")

    _pad(key=key, data={"side": SIDE, "label": label, "ink": ink, "chosen": chosen}, on_ink_change=drawn)
