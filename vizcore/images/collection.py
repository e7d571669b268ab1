"""Sets of pictures to search, and cutting a box out of one."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
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


class Labelled(NamedTuple):
    """A collection whose pictures carry a label.

    Attributes:
        pictures: the collection. labels: a word for each picture.
        accepted: for each picture the class names a careful viewer would accept; none where nobody has judged it.
    """

    pictures: Collection
    labels: tuple[str, ...]
    accepted: tuple[tuple[str, ...], ...]


LABELLED = ("photographs and cut-outs", "photographs", "cut-outs", "digits")
_KINDS = {LABELLED[0]: ("gallery", "photo", "cutout"), LABELLED[1]: ("gallery", "photo"), LABELLED[2]: ("cutout",)}


def labelled(name: str, count: int = 1000) -> Labelled:
    """The pictures of that name with their category; of the digits the first `count`.

    The digits begin with the 2,000 test digits, which no network here was trained on; the training digits follow.

    Raises:
        ValueError: an unknown name.
    """
    if name not in LABELLED:
        raise ValueError(f"There is no collection called '{name}'. Known: {', '.join(LABELLED)}.")
    if name == "digits":
        x_train, y_train, x_test, y_test = gallery.digits()
        x, y = (np.concatenate(pair)[:count] for pair in ((x_test, x_train), (y_test, y_train)))
        names = tuple(str(label) for label in y)
        digests = tuple(hashlib.sha256(digit.tobytes()).hexdigest() for digit in x)
        titles = tuple(f"Digit {at}, a “{label}”" for at, label in enumerate(names))
        return Labelled(
            Collection(titles, digests, lambda i: Image.fromarray(x[i])), names, tuple((label,) for label in names)
        )
    assets = [asset for kind in _KINDS[name] for asset in gallery.records(kind)]
    pictures = Collection(
        tuple(asset.title for asset in assets),
        tuple(asset.sha256 for asset in assets),
        lambda i: _opaque(gallery.open_image(assets[i])),
    )
    return Labelled(
        pictures, tuple(asset.category for asset in assets), tuple(tuple(asset.classes) for asset in assets)
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
