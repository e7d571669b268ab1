"""A square to draw a digit in, with mouse, pen or finger."""

import numpy as np

from vizcore.ui.components.register import register

SIDE = 84  # pixels that come back, three for each of MNIST's 28

_HTML = """<div class="pad"><canvas width="196" height="196" role="img"></canvas>
<button type="button">Clear</button></div>"""

_pad = register("canvas", _HTML)


def draw_digit(key: str, label: str = "Draw a digit here") -> np.ndarray | None:
    """The drawing, (28, 28) uint8 sized and centred like MNIST (white on black); None while it is empty.

    It stays in the visitor's session and is not part of the address.
    """
    from vizcore.images import handwriting

    result = _pad(key=key, data={"side": SIDE, "label": label}, default={"ink": ""}, on_ink_change=lambda: None)
    ink = handwriting.read(result.ink, SIDE)
    return None if ink is None else handwriting.normalize(ink)
