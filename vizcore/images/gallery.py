"""The pictures, digits and class names that come with the dashboard, read through assets/manifest.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
    return tuple(_asset(table) for table in tables)


def _asset(table: dict[str, Any]) -> Asset:
    known = {key: value for key, value in table.items() if key in Asset.__dataclass_fields__}
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in known.items()}
    return Asset(**fields)


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
