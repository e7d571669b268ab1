"""A digit drawn with the mouse, made to look like those of MNIST."""

import base64
import binascii

import numpy as np
from PIL import Image

SIDE, BOX = 28, 20  # MNIST: the digit fits a box of 20 pixels, its centre of mass in the middle of 28


def read(ink: str | None, side: int) -> np.ndarray | None:
    """(side, side) uint8 from base64 of its bytes, row by row; None where nothing or something else came."""
    try:
        pixels = base64.b64decode(ink or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(pixels) != side * side or not any(pixels):
        return None
    return np.frombuffer(pixels, np.uint8).reshape(side, side)


def normalize(ink: np.ndarray) -> np.ndarray:
    """(28, 28) uint8: the ink (H, W), 0 ground to 255, fitted into 20 x 20 pixels and centred by its mass.

    Source: LeCun, Cortes & Burges, The MNIST database: size-normalized to 20 x 20 with the proportions kept,
    then centred in 28 x 28 by the centre of mass.
    """
    rows, columns = np.nonzero(ink.max(1))[0], np.nonzero(ink.max(0))[0]
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    part = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    shrink = BOX / max(part.shape)
    size = tuple(max(1, round(length * shrink)) for length in part.shape[::-1])
    small = np.asarray(
        Image.fromarray(part).resize(size, Image.Resampling.BOX if shrink < 1 else Image.Resampling.BILINEAR),
        dtype=np.float64,
    )
    height, width = small.shape
    mass = small.sum() or 1.0
    middle = ((small.sum(1) @ np.arange(height)) / mass, (small.sum(0) @ np.arange(width)) / mass)
    top, left = (
        int(np.clip(round((SIDE - 1) / 2 - centre), 0, SIDE - length))
        for centre, length in zip(middle, small.shape, strict=True)
    )
    page = np.zeros((SIDE, SIDE), np.uint8)
    page[top : top + height, left : left + width] = np.rint(small)
    return page
