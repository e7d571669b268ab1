"""The line under the title that names the step that is running. Its height is reserved, so nothing jumps."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import streamlit as st

line: ContextVar[st.delta_generator.DeltaGenerator | None] = ContextVar("line", default=None)


@contextlib.contextmanager
def working(step: str) -> Iterator[None]:
    """Name the step while the block runs; a step shorter than a tenth of a second stays silent."""
    slot = line.get()
    with slot or contextlib.nullcontext(), st.spinner(step):
        yield


@contextlib.contextmanager
def progress_here() -> Iterator[None]:
    """Within the block, what is slow shows its progress here and not under the title: on this page that is far off."""
    token = line.set(st.empty())
    try:
        yield
    finally:
        line.reset(token)
