"""A figure in the browser: pictures of one size in rows, their captions, and each colour bar under its own pictures.

The pictures stay in place from run to run and only change their content. One button shows the whole figure, captions
and bars included, full screen.
"""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from vizcore.ui.components.register import register

_HTML = """<div class="viz-figure"><div class="rows"></div>
<button class="full" type="button" aria-label="Full screen" title="Full screen"><svg viewBox="0 0 24 24"
aria-hidden="true"><path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/></svg></button></div>"""

_component = register("figure", _HTML, isolate=False)  # the colour bars are those of the page


class Picture(NamedTuple):
    """An encoded picture, its size in pixels, and a name of its content."""

    file: bytes
    width: int
    height: int
    name: str


class Bar(NamedTuple):
    """A colour bar.

    Attributes:
        ramp: its colours, as CSS. ticks: the numbers at its left end, in the middle and at its right end.
        label: what the numbers are. top: the exact end, so that only equal scales are one.
    """

    ramp: str
    ticks: tuple[str, str, str]
    label: str
    top: float

    @property
    def name(self) -> str:
        """What it is, for those who cannot see it."""
        return f"Colour scale, {self.ticks[0]} to {self.ticks[2]} {self.label}"


class Shown(NamedTuple):
    """A picture as it stands in the figure; `bars` are those it is read with."""

    picture: Picture
    caption: str
    alt: str
    bars: tuple[Bar, ...] = ()


def figure(key: str, shown: Sequence[Shown], columns: int, room: int) -> None:
    """Draw pictures in rows; neighbours that are read with the same bar stand above it.

    Args:
        key: keeps the pictures in place from run to run.
        columns: pictures in a row, where the window is wide enough.
        room: pixels of the window's height that no picture may take; 0 for what stands above the figure, as measured.
    """
    rows = [shown[start : start + columns] for start in range(0, len(shown), columns)]
    head = {
        "columns": columns,
        "narrow": min(2, len(shown)),
        "room": room,
        "shape": min(one.picture.width / one.picture.height for one in shown),
        "rows": [_groups(row, below) for row, below in zip(rows, [*rows[1:], []], strict=True)],
    }
    data = json.dumps(head).encode()
    files = b"".join(one.picture.file for one in shown)
    _component(key=key, data=len(data).to_bytes(4, "big") + data + files)


def _groups(row: Sequence[Shown], below: Sequence[Shown]) -> list[dict[str, Any]]:
    """The pictures of a row, neighbours on one scale together; a bar that comes again in the row below stands there."""
    again = {one.bars for one in below}
    return [
        {
            "panels": [
                one.picture._asdict() | {"file": len(one.picture.file), "caption": one.caption, "alt": one.alt}
                for one in group
            ],
            "bars": [] if bars in again else [bar._asdict() | {"name": bar.name} for bar in bars],
        }
        for bars, group in groupby(row, lambda one: one.bars)
    ]
