"""Choosing a handwritten digit: one of the test digits, in the address as `?digit=`, or a visitor's own drawing.

A drawing lives in the session only. It is kept when a test digit is chosen, and used again at the next stroke.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from vizcore.images import gallery, handwriting
from vizcore.ui import widgets
from vizcore.ui.components import Choice, Sheet, draw_digit
from vizcore.ui.components.canvas import SIDE

KEY = "digit"


class Digit(NamedTuple):
    """A digit for a network: `pixels` (28, 28) uint8, 0 ground to 255 ink, and what to call it.

    `place`: where it stands among the test digits; None for a drawing.
    """

    pixels: np.ndarray
    title: str
    place: int | None


@functools.cache
def sample(each: int) -> np.ndarray:
    """The first test digits of each class, by class."""
    labels = gallery.digits()[3]
    return np.concatenate([np.flatnonzero(labels == name)[:each] for name in range(10)])


def number(**kwargs) -> None:
    """The field for the number of a test digit; it holds `?digit=`, and begins with the first zero."""
    widgets.number_input(
        "Test digit",
        0,
        len(gallery.digits()[2]) - 1,
        _first(),
        key=KEY,
        help="One of the 2000 digits the networks were not trained on.",
        on_change=_put_aside,
        **kwargs,
    )


def pad(key: str, then: Callable[[Digit], None] | None = None) -> None:
    """The pad to draw on, with a ring while the drawing is what is chosen.

    Args:
        then: called with a drawing just made, before the page runs again.
    """

    def take(ink: str) -> None:
        drawn = handwriting.read(ink, SIDE) is not None
        st.session_state["drawing"], st.session_state["use_drawing"] = (ink, True) if drawn else ("", False)
        if drawn and then:
            then(chosen())

    draw_digit(key, st.session_state.get("drawing", ""), take, chosen=chosen().place is None)


def take(index: int) -> None:
    """Choose a test digit; to be called before the page runs again."""
    st.session_state[KEY] = index
    _put_aside()


def step(by: int) -> None:
    """Choose the test digit so many places on; to be called before the page runs again."""
    take((_typed() + by) % len(gallery.digits()[2]))


def chosen() -> Digit:
    """The digit chosen: the visitor's drawing until it is cleared or a test digit is taken."""
    if st.session_state.get("use_drawing"):
        ink = handwriting.read(st.session_state.get("drawing"), SIDE)
        if ink is not None:
            return Digit(handwriting.normalize(ink), "Your drawing", None)
    index = _typed()
    images, labels = gallery.digits()[2:]
    return Digit(images[index], f"Test digit {index}, a “{labels[index]}”", index)


def choices() -> tuple[list[Choice], Sheet]:
    """Ten test digits of each class, as thumbnails to choose from."""
    labels = gallery.digits()[3]
    listed = [
        Choice(str(index), f"Digit {index}: a “{labels[index]}”", str(labels[index])) for index in map(int, sample(10))
    ]
    return listed, _sheet()


@functools.cache
def _sheet() -> Sheet:
    from vizcore.figures import render
    from vizcore.figures.sprites import atlas

    sprite, layout = atlas(gallery.digits()[2][sample(10)])
    return Sheet(render.encode(sprite, "png"), "png", layout.columns, layout.rows, crisp=True)


def picture(digit: Digit) -> Image.Image:
    """The digit as an RGB picture, white on black, as the networks for digits were trained."""
    return Image.fromarray(digit.pixels).convert("RGB")


def _typed() -> int:
    typed = st.session_state.get(KEY)
    return _first() if typed is None else int(typed)


def _first() -> int:
    """The test digit that is shown until another is chosen: a zero."""
    return int(sample(1)[0])


def _put_aside() -> None:
    st.session_state["use_drawing"] = False
