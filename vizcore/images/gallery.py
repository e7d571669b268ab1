"""The pictures, digits and class names that come with the dashboard, read through assets/manifest.toml."""

from __future__ import annotations

import io
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

ASSETS = Path(__file__).resolve().parents[2] / "assets"


@dataclass(frozen=True)
class Asset:
    """One file under assets/ and where it comes from.

    `classes` are the ImageNet class names a careful viewer would accept for the picture (possibly none);
    `description` is its alternative text (gallery only).
    """

    path: str
    sha256: str
    bytes: int
    kind: str
    title: str
    category: str
    author: str
    licence: str
    source: str
    how: str
    classes: tuple[str, ...] = ()
    description: str = ""

    @property
    def id(self) -> str:
        """The file name without its ending; unique within its kind."""
        return Path(self.path).stem

    @property
    def file(self) -> Path:
        """Absolute path of the file."""
        return ASSETS / self.path


@cache
def all_records() -> tuple[Asset, ...]:
    """Every record of the manifest, in its order. Keys that Asset does not know are ignored."""
    with (ASSETS / "manifest.toml").open("rb") as file:
        tables = tomllib.load(file)["asset"]
    known = Asset.__dataclass_fields__
    return tuple(
        Asset(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in table.items()
                if key in known
            }
        )
        for table in tables
    )


@cache
def records(kind: str) -> tuple[Asset, ...]:
    """The records of one kind ("gallery", "cutout", "photo", "background", "digits", "names", "weights").

    Gallery records come in display order.
    """
    return tuple(asset for asset in all_records() if asset.kind == kind)


def find(kind: str, id: str) -> Asset:
    """The record with this id. Raises KeyError with the kind and the id when there is none."""
    for asset in records(kind):
        if asset.id == id:
            return asset
    raise KeyError(f"no {kind} picture is called {id!r}")


def open_image(asset: Asset) -> Image.Image:
    """The picture: RGBA for a cut-out (alpha is the mask), RGB otherwise."""
    with Image.open(asset.file) as image:
        return image.convert("RGBA" if asset.kind == "cutout" else "RGB")


@cache
def thumbnail(asset: Asset, size: int) -> bytes:
    """WebP bytes of the picture, its long side at most `size` pixels."""
    image = open_image(asset)
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


@cache
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Handwritten digits: x_train (8000, 28, 28), y_train (8000,), x_test (2000, 28, 28), y_test (2000,).

    All uint8 and read-only: 0 is the background, 255 the brightest ink.
    """
    with np.load(ASSETS / "digits.npz") as file:
        arrays = tuple(file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    for array in arrays:
        array.setflags(write=False)
    return arrays


@cache
def imagenet_categories() -> tuple[str, ...]:
    """The names of the 1000 ImageNet classes, in the order of a network's outputs."""
    return tuple((ASSETS / "imagenet_categories.txt").read_text("utf-8").splitlines())


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
