"""Figures of the segmentation page: masks in, a picture or a piece of HTML out."""

import numpy as np
from PIL import Image

from vizcore.figures.cam import FIRST, SECOND
from vizcore.types import BACKGROUND, CORE, FOREGROUND, UNDECIDED

SIDE, SQUARE = 512, 16  # pixels: of a picture, of the checkerboard
OBJECT, GROUND = SECOND, FIRST  # orange and blue


def seeds_picture(picture: Image.Image, labels: np.ndarray) -> Image.Image:
    """The picture in grey, its object seeds in orange and its background seeds in blue; 512 pixels."""
    grey = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = np.asarray(grey.convert("RGB"), dtype=np.float32)
    large = np.asarray(Image.fromarray(labels).resize((SIDE, SIDE), Image.Resampling.NEAREST))
    tint, share = np.zeros((4, 3), np.float32), np.zeros(4, np.float32)
    tint[BACKGROUND], tint[FOREGROUND], tint[CORE], tint[UNDECIDED] = GROUND, OBJECT, OBJECT, (128, 128, 128)
    share[BACKGROUND], share[FOREGROUND], share[CORE], share[UNDECIDED] = 0.6, 0.55, 0.85, 0.3
    share = share[large][..., None]
    return Image.fromarray(np.rint((1 - share) * pixels + share * tint[large]).astype(np.uint8))


def cutout(picture: Image.Image, mask: np.ndarray, side: int = SIDE) -> Image.Image:
    """What the mask keeps, on a checkerboard, with an orange outline."""
    photo = picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    large = np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
    square = max(2, side * SQUARE // SIDE)
    rows, columns = np.indices((side, side)) // square
    board = np.where((rows + columns) % 2 == 0, 205, 235).astype(np.uint8)[..., None].repeat(3, axis=2)
    pixels = np.where(large[..., None], np.asarray(photo), board)
    pixels[edge(large, max(1, side // 170))] = OBJECT
    return Image.fromarray(pixels)


def edge(mask: np.ndarray, width: int) -> np.ndarray:
    """(H, W) bool: the pixels outside the mask that lie within `width` steps of it."""
    grown = mask.copy()
    for _ in range(width):
        padded = np.pad(grown, 1)
        grown = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown & ~mask


def outlined(picture: Image.Image, mask: np.ndarray, side: int = SIDE) -> Image.Image:
    """The picture with what the mask leaves out dimmed, and an orange outline."""
    photo = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
    large = np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
    pixels = np.where(large[..., None], photo, 0.45 * photo)
    pixels[edge(large, max(1, side // 110))] = OBJECT
    return Image.fromarray(np.rint(pixels).astype(np.uint8))
