"""Training views for the miniatures, and what their teacher says about them.

A view is a random crop of a photograph, or a cut-out pasted over a background. Pictures are split once, by seed,
into those to learn from and those held out; no view mixes pictures of both sides.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor
from torch.nn import functional

from vizcore import models
from vizcore.images import gallery

SIZE = 224  # pixels of the teacher's view; the student gets half
PHOTOGRAPHS = 0.6  # share of the views that are crops of photographs; the rest are composites


@dataclass(frozen=True)
class Side:
    """The pictures of one side of the split."""

    gallery: list[Image.Image]
    photos: list[Image.Image]
    cutouts: list[Image.Image]
    backgrounds: list[Image.Image]


@dataclass(frozen=True)
class Views:
    """N labelled views.

    pixels: uint8 (N, 3, 112, 112); teacher: float16 (N, 1000), its softmax; held_out, composite: bool (N,).
    """

    pixels: Tensor
    teacher: Tensor
    held_out: Tensor
    composite: Tensor

    def __getitem__(self, rows: Tensor) -> "Views":
        return Views(self.pixels[rows], self.teacher[rows], self.held_out[rows], self.composite[rows])

    def __len__(self) -> int:
        return len(self.pixels)


def held_out_ids(kind: str, share: float, seed: int) -> set[str]:
    """The ids of this kind's pictures that are held out; the same for the same seed."""
    ids = sorted(asset.id for asset in gallery.records(kind))
    order = np.random.default_rng([seed, len(kind)]).permutation(len(ids))
    return {ids[index] for index in order[: round(share * len(ids))]}


def split(share: float, seed: int) -> tuple[Side, Side]:
    """The pictures to learn from and the held-out ones. Backgrounds (textures) serve both."""
    sides = []
    for out in (False, True):
        pictures = {
            kind: [
                gallery.open_image(asset)
                for asset in gallery.records(kind)
                if (asset.id in held_out_ids(kind, share, seed)) == out
            ]
            for kind in ("gallery", "photo", "cutout")
        }
        backgrounds = [gallery.open_image(asset) for asset in gallery.records("background")]
        sides.append(Side(pictures["gallery"], pictures["photo"], pictures["cutout"], backgrounds))
    return sides[0], sides[1]


def _pick(rng: np.random.Generator, pictures: list[Image.Image]) -> Image.Image:
    return pictures[rng.integers(len(pictures))]


def _crop(rng: np.random.Generator, image: Image.Image, smallest: float) -> Image.Image:
    """A random rectangle with at least the share `smallest` of the area, as SIZE x SIZE pixels."""
    area = image.width * image.height * rng.uniform(smallest, 1)
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    width = min(image.width, np.sqrt(area * aspect))
    height = min(image.height, np.sqrt(area / aspect))
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    return image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, (left, top, left + width, top + height))


def _jitter(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(0.75, 1.25))
    return image


def photograph(rng: np.random.Generator, side: Side) -> Image.Image:
    """A crop of 15 to 100 % of a photograph, half of the time one of the gallery."""
    return _crop(rng, _pick(rng, side.gallery if rng.random() < 0.5 else side.photos), 0.15)


def composite(rng: np.random.Generator, side: Side) -> Image.Image:
    """A cut-out, its long side 35 to 110 % of the view, over a texture or a crop of a photograph."""
    texture = rng.random() < 0.5
    ground = _crop(rng, _pick(rng, side.backgrounds if texture else side.photos), 0.15)
    piece = _jitter(rng, _pick(rng, side.cutouts))
    factor = rng.uniform(0.35, 1.1) * SIZE / max(piece.size)
    piece = piece.resize(tuple(max(1, round(length * factor)) for length in piece.size), Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    corner = tuple(round(rng.uniform(-0.15, 1.15) * (SIZE - length)) for length in piece.size)
    ground.paste(piece, corner, piece)
    return ground


def make(count: int, share: float, seed: int, part: int = 0, batch: int = 16) -> Views:
    """`count` views, the share `share` of them made of held-out pictures, each labelled by EfficientNet-Lite0.

    Each `part` is another series of random numbers with the same split, so that parts can be made side by side.
    The teacher sees 224 x 224 pixels (in bfloat16), the student the same view averaged down to 112 x 112.
    """
    rng = np.random.default_rng([seed, part])
    sides = split(share, seed)
    held_out, composites = rng.random(count) < share, rng.random(count) >= PHOTOGRAPHS
    device = "cuda" if torch.cuda.is_available() else "cpu"
    teacher = models.load("efficientnet_lite0")
    network = teacher.network.to(device, torch.bfloat16, memory_format=torch.channels_last)
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (teacher.mean, teacher.std))
    pixels, labels = [], []
    for start in range(0, count, batch):
        pictures = []
        for index in range(start, min(start + batch, count)):
            draw = composite if composites[index] else photograph
            view = _jitter(rng, draw(rng, sides[int(held_out[index])]))
            if rng.random() < 0.5:
                view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            pictures.append(np.asarray(view))
        large = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(device)
        with torch.inference_mode():
            logits = network(((large / 255 - mean) / std).bfloat16()).float()
            small = functional.avg_pool2d(large.float(), 2)
        labels.append(logits.softmax(1).half().cpu())
        pixels.append(small.round().byte().cpu())
        if start % (32 * batch) == 0:
            print(f"views, part {part}: {start} of {count}", flush=True)
    return Views(torch.cat(pixels), torch.cat(labels), torch.from_numpy(held_out), torch.from_numpy(composites))
