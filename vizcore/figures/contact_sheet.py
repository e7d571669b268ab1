"""Contact sheets as pictures: the patches of a layer's units on the left, their drawings on the right."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from vizcore.figures import patches as patch_figures
from vizcore.figures import render

if TYPE_CHECKING:
    from vizcore.inspection.contact_sheet import Strip
    from vizcore.inspection.top_patches import Hit

FIRST = 112  # pixels of a tile in the row that shows the first patch of each unit


class Sheet(NamedTuple):
    """One layer's contact sheet.

    Attributes:
        layer: its name.
        units: the unit numbers; hits: for each unit its strongest cells, strongest first.
        sprite: JPEG; for each unit a band of rows: left its patches, right their drawings, tile by tile.
        first: JPEG of one row: the first patch of each unit, then the first drawing of each.
        side: pixels of a tile in `sprite`; in `first` a tile has FIRST.
        columns, rows: of one unit's patches.
        titles: the names of the pictures, as `hits`.
        alike: mean correlation of two drawings of one unit; 1 where the picture in the patch does not matter.
    """

    layer: str
    units: tuple[int, ...]
    hits: "tuple[tuple[Hit, ...], ...]"
    sprite: bytes
    first: bytes
    side: int
    columns: int
    rows: int
    titles: tuple[tuple[str, ...], ...]
    alike: float


def draw(strip: "Strip", patches: int = 9) -> Sheet:
    """The sheet of a layer; each drawing has its own scale around mid grey.

    Args:
        patches: places for pictures of each unit; a square number fills the sheet.
    """
    rows = [
        (parts, [_drawn(values) for values in drawings])
        for parts, drawings in zip(strip.patches, strip.drawings, strict=True)
    ]
    columns = int(np.ceil(np.sqrt(patches)))
    side, high = 288 // columns, -(-max(map(len, strip.hits)) // columns)
    firsts = [[row[half][0] for row in rows if row[half]] for half in (0, 1)]
    return Sheet(
        strip.layer,
        strip.units,
        strip.hits,
        _sprite(rows, columns, high, side),
        _sprite([firsts], len(strip.units), 1, FIRST),
        side,
        columns,
        high,
        strip.titles,
        strip.alike,
    )


def _drawn(values: np.ndarray) -> Image.Image:
    """A gradient (C, h, w) on its own scale; that of a grey picture in grey."""
    return render.gradient_image(np.broadcast_to(values, (3, *values.shape[1:])))


def _sprite(rows: Sequence[Sequence[Sequence[Image.Image]]], columns: int, high: int, side: int) -> bytes:
    """JPEG: for each row a left and a right grid of tiles, without gaps; missing tiles are mid grey."""
    cells = np.full((len(rows), high, 2 * columns, side, side, 3), 128, np.uint8)
    for number, row in enumerate(rows):
        for half, grid in enumerate(row):
            for place, tile in enumerate(patch_figures.tiles(grid, side)):
                cells[number, place // columns, half * columns + place % columns] = tile
    picture = cells.swapaxes(2, 3).reshape(len(rows) * high * side, 2 * columns * side, 3)
    return render.encode(Image.fromarray(picture), "jpeg")
