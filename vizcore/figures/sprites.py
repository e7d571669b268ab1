"""Many small pictures in one, without gaps: what the tile picker in the browser cuts apart again."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from vizcore.figures.render import Colour, colours_of, finite, indices, scale_top


@dataclass(frozen=True)
class Layout:
    """Where the maps of a sprite lie: `count` cells of `cell` pixels, row by row, `gap` pixels between."""

    columns: int
    rows: int
    cell: int
    gap: int
    count: int

    def box(self, index: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of a map in pixels; right and bottom are the first pixels outside."""
        if not 0 <= index < self.count:
            raise IndexError(f"map {index} of {self.count}")
        row, column = divmod(index, self.columns)
        left, top = column * (self.cell + self.gap), row * (self.cell + self.gap)
        return left, top, left + self.cell, top + self.cell


def sprite(
    maps: np.ndarray,
    columns: int | None = None,
    cell: int = 64,
    gap: int = 4,
    shared: bool = False,
    signed: bool = False,
    background: Colour = (127, 127, 127),
    smooth: bool = False,
    vmax: float | None = None,
) -> tuple[Image.Image, Layout]:
    """Many maps (K, H, W) in one RGB picture, and the layout that finds a map again.

    `shared=True` puts all on one scale, `limits(maps, signed)`, and `vmax` on a scale of the caller's;
    otherwise each map has its own, and its colours cannot be compared with its neighbours'. Maps that are not
    square are centred in their cell. Enlarged cells are crisp or `smooth` (bilinear); reduced ones are
    averaged, so that no row is skipped.
    """
    maps = finite(maps)
    if maps.ndim != 3:
        raise ValueError(f"expected maps of shape (K, H, W), got {maps.shape}")
    if cell < 1 or gap < 0 or (columns is not None and columns < 1):
        raise ValueError(f"cell and columns are at least 1, gap at least 0, got {cell}, {columns}, {gap}")
    count, height, width = maps.shape
    columns = min(columns or 2 ** int(np.ceil(np.log2(count) / 2)), count)
    layout = Layout(columns, -(-count // columns), cell, gap, count)

    if shared or vmax is not None:
        top = scale_top(maps, signed, vmax, 100.0)
    else:
        top = (np.abs(maps) if signed else maps).max(axis=(1, 2), keepdims=True, initial=0)
    fit = cell / max(height, width)
    high, wide = max(1, round(height * fit)), max(1, round(width * fit))
    if smooth or fit < 1:
        cells = indices(_weights(height, high) @ maps @ _weights(width, wide).T, signed, top)
    else:
        rows, across = (np.arange(high) * height) // high, (np.arange(wide) * width) // wide
        cells = indices(maps, signed, top)[:, rows[:, None], across]

    step, down, right = cell + gap, (cell - high) // 2, (cell - wide) // 2
    canvas = np.empty((layout.rows, step, columns, step, 3), np.uint8)
    canvas[:] = background
    colours = np.empty((layout.rows * columns, high, wide, 3), np.uint8)
    colours[:count], colours[count:] = colours_of(signed)[cells], background
    canvas[:, down : down + high, :, right : right + wide] = colours.reshape(
        layout.rows, columns, high, wide, 3
    ).swapaxes(1, 2)
    picture = canvas.reshape(layout.rows * step, columns * step, 3)
    return Image.fromarray(picture[: layout.rows * step - gap, : columns * step - gap].copy()), layout


def _weights(source: int, target: int) -> np.ndarray:
    """(target, source) matrix: bilinear with half-pixel centres; when reducing, a wider triangle."""
    reach = max(1.0, source / target)
    centres = (np.arange(target) + 0.5) * source / target
    weights = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(source) - 0.5) / reach)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def atlas(tiles: np.ndarray) -> tuple[Image.Image, Layout]:
    """Pictures (K, H, W) or (K, H, W, 3) of grey levels 0 to 255 (uint8) in one, pixel by pixel, row by row.

    Returns:
        The picture, and where each tile lies; unused cells are black. Tiles that are not square are centred.
    """
    if tiles.ndim == 3:
        tiles = np.repeat(tiles[..., None], 3, axis=3)
    count, height, width = tiles.shape[:3]
    side = max(height, width)
    columns = 2 ** int(np.ceil(np.log2(count) / 2))
    layout = Layout(min(columns, count), -(-count // min(columns, count)), side, 0, count)
    cells = np.zeros((layout.rows * layout.columns, side, side, 3), np.uint8)
    down, right = (side - height) // 2, (side - width) // 2
    cells[:count, down : down + height, right : right + width] = tiles
    rows = cells.reshape(layout.rows, layout.columns, side, side, 3).swapaxes(1, 2)
    return Image.fromarray(rows.reshape(layout.rows * side, layout.columns * side, 3).copy()), layout


def map_atlas(
    maps: np.ndarray, shared: bool, side: int = 64, vmax: float | None = None, signed: bool | None = None
) -> tuple[Image.Image, Layout]:
    """Feature maps (K, H, W) in colour: one pixel per cell up to `side` pixels, larger maps averaged down.

    Args:
        shared: one scale for all; otherwise each map has its own.
        vmax: the end of the shared scale; that of the maps when omitted.
        signed: whether blue and red stand for below and above zero; when omitted, if a value is negative.
    """
    cell = min(side, max(maps.shape[1:]))
    signed = bool(maps.min() < 0) if signed is None else signed
    return sprite(maps, cell=cell, gap=0, shared=shared, signed=signed, vmax=vmax if shared else None)


def poster(tiles: np.ndarray, side: int = 512) -> Image.Image:
    """Colour tiles (K, 3, h, w) of grey levels 0 to 255 in one picture, each with a grey margin of one pixel,
    enlarged crisply to at most `side` pixels."""
    margins = ((0, 0), (0, 0), (1, 1), (1, 1))
    sprite, _ = atlas(np.moveaxis(np.pad(tiles, margins, constant_values=127), 1, -1))
    factor = max(1, side // sprite.width)
    return sprite.resize((sprite.width * factor, sprite.height * factor), Image.Resampling.NEAREST)
