"""The note in the window's corner that names the step that is running: always seen, and nothing jumps."""

import contextlib
from collections.abc import Hashable, Iterator
from contextvars import ContextVar

import streamlit as st

REMEMBERED = 20_000  # steps that are known to have been done

line: ContextVar[st.delta_generator.DeltaGenerator | None] = ContextVar("line", default=None)


@contextlib.contextmanager
def working(step: str) -> Iterator[None]:
    """Name the step while the block runs; a step shorter than a tenth of a second stays silent."""
    slot = line.get()
    with slot or contextlib.nullcontext(), st.spinner(step):
        yield


@contextlib.contextmanager
def progress_here() -> Iterator[None]:
    """Within the block, what is slow shows its progress here and not in the corner: beside what is waited for."""
    token = line.set(st.empty())
    try:
        yield
    finally:
        line.reset(token)


_done: set[Hashable] = set()


@contextlib.contextmanager
def first_time(step: str, key: Hashable) -> Iterator[None]:
    """As :func:`working`, but silent where this server has done the step of this key before.

    What is kept comes back at once, and to name a step costs a thread and three messages.
    """
    if key in _done:
        yield
        return
    with working(step):
        yield
    if len(_done) >= REMEMBERED:
        _done.clear()
    _done.add(key)
