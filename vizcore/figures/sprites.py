"""Many small pictures in one, without gaps: what the tile picker in the browser cuts apart again."""

import numpy as np
from PIL import Image

from vizcore.figures import render
from vizcore.figures.render import Layout


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
    cells[:count, down:down + height, right:right + width] = tiles
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
    return render.sprite(maps, cell=cell, gap=0, shared=shared, signed=signed, vmax=vmax if shared else None)


def poster(tiles: np.ndarray, side: int = 512) -> Image.Image:
    """Colour tiles (K, 3, h, w) of grey levels 0 to 255 in one picture, each with a grey margin of one pixel,
    enlarged crisply to at most `side` pixels."""
    margins = ((0, 0), (0, 0), (1, 1), (1, 1))
    sprite, _ = atlas(np.moveaxis(np.pad(tiles, margins, constant_values=127), 1, -1))
    factor = max(1, side // sprite.width)
    return sprite.resize((sprite.width * factor, sprite.height * factor), Image.Resampling.NEAREST)
