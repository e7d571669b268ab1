"""Choosing a handwritten digit: a test digit by number or tile, or one drawn with the mouse."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from vizcore.ui.canvas import draw_digit
from vizcore.ui.sheet import tiles


class Digit(NamedTuple):
    """A digit for a network: `pixels` (28, 28) uint8, 0 ground to 255 ink, and what to call it."""

    pixels: np.ndarray
    title: str


def choose_digit(key: str = "digit") -> Digit:
    """Draw the picker and the canvas; a drawing goes before the test digit until it is cleared.

    The test digit is in the address as `?digit=`; a drawing stays in the visitor's session.
    """
    from vizcore.figures import render
    from vizcore.figures.sprites import atlas
    from vizcore.images import gallery

    images, labels = gallery.digits()[2:]
    shown = np.concatenate([np.flatnonzero(labels == name)[:5] for name in range(10)])

    def take(position: int) -> None:
        st.session_state[key] = int(shown[position])

    picker, pad = st.columns([3, 1], gap="large")
    with picker:
        typed = st.number_input(
            "Test digit", 0, len(images) - 1, None, 1, key=key, bind="query-params", width=150,
            placeholder=str(shown[0]), help="One of the 2000 digits the networks were not trained on.",
        )  # fmt: skip
        index = int(shown[0]) if typed is None else typed
        sprite, layout = atlas(images[shown])
        at = np.flatnonzero(shown == index)
        tiles(
            render.encode(sprite, "png"), layout, [f"test digit {k}: a {labels[k]}" for k in shown],
            f"{key}_tiles", selected=int(at[0]) if len(at) else None, take=take, height=220, largest=44,
            smallest=28, alt="Fifty test digits, five of each",
        )  # fmt: skip
    with pad:
        st.caption("Or draw one: mouse, pen or finger")
        drawn = draw_digit("pad")
        if drawn is not None:
            st.caption("The drawing is used until you clear it.")
            return Digit(drawn, "Your drawing, sized and centred as in MNIST")
    return Digit(images[index], f"Test digit {index}, a “{labels[index]}”")
