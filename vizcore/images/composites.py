"""Cut-outs laid over photographs: pictures whose object is known to the pixel."""

from __future__ import annotations

from itertools import cycle
from typing import NamedTuple

import numpy as np
from PIL import Image

from vizcore.images import gallery

SEED, TUNING = 11, 32  # of all choices; cut-outs kept apart for choosing the parameters
STEPS = (8, 19), (0, 21), (0, 21)  # of 5 %: size, across, down
GROUNDS = ("background", "photo")  # the gallery's kinds of pictures that composites are made on
PLAIN = ("tools", "household", "sports", "paintings")  # no scenes: things before a plain wall, and no photographs
TUNING_PHOTOS = 42  # photographs kept apart for choosing the parameters


def composite(
    cutout: Image.Image,
    background: Image.Image,
    size: int = 224,
    scale: float = 0.7,
    position: tuple[float, float] = (0.5, 0.5),
) -> tuple[Image.Image, np.ndarray]:
    """Put a cut-out on a background.

    The background is cropped to a centred square and resized to `size`. The cut-out's long side becomes
    `scale * size` pixels; `position` places it between the left and right edge and between top and bottom
    (0 touches the first, 1 the second, 0.5 is the middle).
    Returns the RGB picture (size x size) and a bool mask (size, size), True where the cut-out covers at least
    half of the pixel. Raises ValueError for a scale outside 0 to 1.
    """
    if not 0 < scale <= 1:
        raise ValueError(f"scale is {scale}; it must lie above 0 and at most at 1")
    factor = scale * size / max(cutout.size)
    width, height = (max(1, round(length * factor)) for length in cutout.size)
    piece = cutout.convert("RGBA").resize((width, height), Image.Resampling.BICUBIC)
    corner = (round((size - width) * position[0]), round((size - height) * position[1]))
    layer = Image.new("RGBA", (size, size))
    layer.paste(piece, corner)
    picture = Image.alpha_composite(_square(background, size).convert("RGBA"), layer).convert("RGB")
    return picture, np.asarray(layer)[..., 3] >= 128


def _square(image: Image.Image, size: int) -> Image.Image:
    """The centred square of a picture at `size` x `size` pixels, RGB."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.BICUBIC)


class Recipe(NamedTuple):
    """How a composite is made.

    Attributes:
        cutout, background: their ids.
        size: the cut-out's long side, in percent of the picture's.
        across, down: 0 at the left or upper edge, 100 at the right or lower one, 50 in the middle.
    """

    cutout: str
    background: str
    size: int = 70
    across: int = 50
    down: int = 50


def grounds(kind: str) -> list[gallery.Asset]:
    """What composites are made on: every picture of one material, or the photographs of scenes."""
    return [asset for asset in gallery.records(kind) if asset.category not in PLAIN]


def recipes(
    part: str = "test", ground: str = "background", count: int | None = None, seed: int = SEED
) -> tuple[Recipe, ...]:
    """Composites, always the same ones: every cut-out of a thing the 1000 classes know, on a random background.

    The long side is 40 to 90 % of the picture's, the place is anywhere. `part` is "tuning" (TUNING cut-outs, each
    twice) or "test" (all others, each once): no cut-out is in both. `ground` is one of GROUNDS: with "photo" the
    same cut-outs have the same sizes and places, each on a photograph; no photograph is in both parts, and every
    test composite has its own. `count` takes the first ones only.
    """
    dice = np.random.default_rng(seed)
    cutouts = [asset.id for asset in gallery.records("cutout") if asset.classes]
    materials = [asset.id for asset in grounds("background")]
    order = [cutouts[i] for i in dice.permutation(len(cutouts))]
    made = [
        Recipe(id, materials[dice.integers(len(materials))], *(int(5 * dice.integers(*ends)) for ends in STEPS))
        for id in (*order[:TUNING], *order)
    ]
    chosen = made[: 2 * TUNING] if part == "tuning" else made[2 * TUNING :]
    if ground == "photo":
        photos = grounds("photo")
        scenes = [photos[i].id for i in np.random.default_rng([seed, 1]).permutation(len(photos))]
        scenes = scenes[:TUNING_PHOTOS] if part == "tuning" else scenes[TUNING_PHOTOS:]
        chosen = [recipe._replace(background=id) for recipe, id in zip(chosen, cycle(scenes), strict=False)]
    return tuple(chosen[:count])


def ground(id: str) -> gallery.Asset:
    """The background of this id, of either kind."""
    return next(asset for kind in GROUNDS for asset in gallery.records(kind) if asset.id == id)


def build(recipe: Recipe, side: int) -> tuple[Image.Image, np.ndarray]:
    """The composite, side x side, and its true mask (side, side) bool."""
    cutout = gallery.open_image(gallery.find("cutout", recipe.cutout))
    below = gallery.open_image(ground(recipe.background))
    place = recipe.across / 100, recipe.down / 100
    return composite(cutout, below, side, recipe.size / 100, place)
