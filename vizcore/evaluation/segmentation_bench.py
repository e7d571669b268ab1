"""Mean intersection over union on composites: cut-outs with known masks on one material or on photographs."""

import base64
import dataclasses
import io
import json
from collections.abc import Callable, Sequence
from functools import cache
from itertools import cycle
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vizcore import methods
from vizcore.evaluation import segmentation
from vizcore.evaluation.segmentation import Settings
from vizcore.images import gallery
from vizcore.models import Net


class Box(NamedTuple):
    """The control without a network, chosen on the same tuning composites.

    Attributes:
        share: side of the centred box that is taken as it is.
        inner, outer: sides of the boxes inside and outside of which the seeds for GrabCut lie.
        iterations: graph cuts.
    """

    share: float
    inner: float
    outer: float
    iterations: int


FILE = gallery.ASSETS / "segmentation.json"
SEED, TUNING = 11, 32  # of all choices; cut-outs kept apart for choosing the parameters
STEPS = (8, 19), (0, 21), (0, 21)  # of 5 %: size, across, down
GROUNDS = ("background", "photo")  # the gallery's kinds of pictures that composites are made on
PLAIN = ("tools", "household", "sports", "paintings")  # no scenes: things before a plain wall, and no photographs
TUNING_PHOTOS = 42  # photographs kept apart for choosing the parameters

# Where the maps come from: the method's parameters, and the settings of the grid in training/segmentation.py with the
# largest mean IoU on the tuning composites of both kinds. The map's strongest 1 % stays object in all of them.
SOURCES: dict[str, tuple[dict, Settings]] = {
    "saliency": ({}, Settings(9, 90, 50, 3, 75)),
    "smooth_grad": ({"samples": 8}, Settings(9, 95, 50, 3, 80)),
    "grad_cam": ({}, Settings(9, 90, 50, 3, 80)),
    "guided_grad_cam": ({}, Settings(9, 95, 50, 3, 80)),
}
BOX = Box(0.55, 0.6, 0.95, 3)


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
        scenes = grounds("photo")
        scenes = [scenes[i].id for i in np.random.default_rng([seed, 1]).permutation(len(scenes))]
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
    return gallery.composite(cutout, below, side, recipe.size / 100, place)


def inputs(net: Net, picture: Image.Image) -> Tensor:
    """(1, 3, S, S): a composite as the network takes it, not cropped, so that mask and map lie on each other."""
    return dataclasses.replace(net, resize=net.input_size).preprocess(picture)


# Measuring.


class Row(NamedTuple):
    """Intersection over union on one composite: of GrabCut's mask, and of the naive threshold of the same map."""

    cut: float
    threshold: float


def explain(net: Net, source: str, picture: Image.Image) -> np.ndarray:
    """The raw map of the network's top class for a composite; nobody told it what is in the picture."""
    x = inputs(net, picture)
    with torch.no_grad():
        target = int(net(x).argmax())
    return methods.run(source, net, x, target, **SOURCES[source][0]).values


def measure_one(net: Net, source: str, settings: Settings, recipe: Recipe) -> tuple[Row, np.ndarray]:
    """One composite: its row, and GrabCut's mask. A map that gives no seeds counts as an empty mask."""
    picture, truth = build(recipe, net.input_size)
    strength = segmentation.strength(explain(net, source, picture), truth.shape, settings.sigma)
    try:
        labels = segmentation.seeds(strength, settings.foreground, settings.background)
        mask = segmentation.cut(picture, labels, settings.iterations)
    except ValueError:
        mask = np.zeros_like(truth)
    naive = segmentation.threshold(strength, settings.threshold)
    return Row(segmentation.iou(mask, truth), segmentation.iou(naive, truth)), mask


def measure(
    net: Net, source: str, settings: Settings, recipes: Sequence[Recipe],
    progress: Callable[[float], None] | None = None,
) -> list[Row]:
    """A row for each composite.

    Args:
        progress: called with the share done; what it raises ends the measurement.
    """
    rows = []
    for recipe in recipes:
        rows.append(measure_one(net, source, settings, recipe)[0])
        if progress:
            progress(len(rows) / len(recipes))
    return rows


def box_row(recipe: Recipe, side: int, box: Box = BOX) -> Row:
    """One composite without any network: GrabCut from a box in the middle, and a box in the middle itself."""
    picture, truth = build(recipe, side)
    mask = segmentation.cut(picture, segmentation.box_seeds(truth.shape, box.inner, box.outer), box.iterations)
    return Row(segmentation.iou(mask, truth), segmentation.iou(segmentation.centre_box(truth.shape, box.share), truth))


class Mean(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], resamples: int = 4000) -> Mean:
    """The mean, and the 2.5th and 97.5th percentile of the means of seeded bootstrap resamples (Efron 1979)."""
    values = np.asarray(values, dtype=float)
    picks = np.random.default_rng(0).integers(len(values), size=(resamples, len(values)))
    low, high = np.percentile(values[picks].mean(1), [2.5, 97.5])
    return Mean(float(values.mean()), float(low), float(high))


# What was measured and is kept with the dashboard; training/segmentation.py writes it.


class Stored(NamedTuple):
    """The measurement on all test composites of one kind of background.

    Attributes:
        model: the network's name.
        recipes: the composites.
        rows: for each source, and for "box", one row per composite.
        masks: for each source the masks of its worst and best composites, by the composite's position.
    """

    model: str
    recipes: tuple[Recipe, ...]
    rows: dict[str, tuple[Row, ...]]
    masks: dict[str, dict[int, np.ndarray]]

    def extremes(self, source: str, count: int) -> tuple[list[int], list[int]]:
        """Positions of the composites with the smallest and the largest IoU of GrabCut, most extreme first."""
        order = [int(i) for i in np.argsort([row.cut for row in self.rows[source]], kind="stable")]
        return order[:count], order[::-1][:count]


@cache
def stored(ground: str = "background") -> Stored:
    """The kept measurement on one of the GROUNDS."""
    kept = json.loads(FILE.read_text("utf-8"))
    found = kept[ground]
    rows = {name: tuple(Row(*row) for row in rows) for name, rows in found["rows"].items()}
    masks = {name: {int(i): unpack(text) for i, text in kept.items()} for name, kept in found["masks"].items()}
    return Stored(kept["model"], tuple(Recipe(*recipe) for recipe in found["recipes"]), rows, masks)


def pack(mask: np.ndarray) -> str:
    """A bool mask as text: a PNG of one bit per pixel in base 64."""
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def unpack(text: str) -> np.ndarray:
    """The mask again."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.array(image, dtype=bool)
