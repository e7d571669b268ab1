"""Sets of pictures to search, and cutting a box out of one."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from vizcore.images import gallery

COLLECTIONS = {"gallery": ("gallery",), "all pictures": ("gallery", "photo", "cutout")}


class Collection(NamedTuple):
    """Pictures to search: their names, what identifies their content, and how to open one."""

    titles: tuple[str, ...]
    digests: tuple[str, ...]
    open: Callable[[int], Image.Image]


def open_collection(name: str = "gallery", channels: int = 3) -> Collection:
    """The pictures of that name, cut-outs on grey; for one grey channel the first 500 test digits.

    Raises:
        ValueError: an unknown name.
    """
    if channels == 1:
        _, _, x, y = gallery.digits()
        digests = tuple(hashlib.sha256(digit.tobytes()).hexdigest() for digit in x[:500])
        return Collection(tuple(f"digit {label}" for label in y[:500]), digests, lambda i: Image.fromarray(x[i]))
    if name not in COLLECTIONS:
        raise ValueError(f"There is no collection called '{name}'. Known: {', '.join(COLLECTIONS)}.")
    assets = [asset for kind in COLLECTIONS[name] for asset in gallery.records(kind)]
    return Collection(
        tuple(asset.title for asset in assets),
        tuple(asset.sha256 for asset in assets),
        lambda i: _opaque(gallery.open_image(assets[i])),
    )


def _opaque(image: Image.Image) -> Image.Image:
    """A cut-out on grey; other pictures as they are."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, (128, 128, 128, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def cut(picture: Image.Image, box: tuple[int, int, int, int], fill: int = 128) -> Image.Image:
    """The part of a picture in the box; grey (`fill`) where the box reaches over the edge."""
    top, left, bottom, right = box
    patch = Image.new(picture.mode, (right - left, bottom - top), fill if picture.mode == "L" else (fill,) * 3)
    patch.paste(picture, (-left, -top))
    return patch
