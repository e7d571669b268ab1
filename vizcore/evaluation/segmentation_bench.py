"""Mean intersection over union on composites: cut-outs with known masks on one material or on photographs."""

import base64
import io
import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from vizcore import methods
from vizcore.evaluation import segmentation
from vizcore.evaluation.segmentation import Settings
from vizcore.images import gallery
from vizcore.images.composites import Recipe, build
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
MEASURED = ("squeezenet1_1", "efficientnet_lite0")  # the networks whose measurement is kept
TUNED_ON = "efficientnet_lite0"  # the one whose maps the settings were chosen for

# Where the maps come from: the method's parameters, and the settings of the grid in training/segmentation.py with the
# largest mean IoU of TUNED_ON's maps on the tuning composites of both kinds. The strongest 1 % of a map stays object.
SOURCES: dict[str, tuple[dict, Settings]] = {
    "saliency": ({}, Settings(9, 90, 50, 3, 75)),
    "smooth_grad": ({"samples": 8}, Settings(9, 95, 50, 3, 80)),
    "grad_cam": ({}, Settings(9, 90, 50, 3, 80)),
    "guided_grad_cam": ({}, Settings(9, 95, 50, 3, 80)),
}
BOX = Box(0.55, 0.6, 0.95, 3)

# Simonyan et al., section 3.2: seeds of the object from the 95 % quantile of the saliency, of the background up to the
# 30 % quantile, no smoothing, one graph cut. (They then keep the largest connected part, which is not done here.)
SIMONYAN = Settings(0, 95, 30, 1, 75)


# Measuring.


class Row(NamedTuple):
    """Intersection over union on one composite: of GrabCut's mask, and of the naive threshold of the same map."""

    cut: float
    threshold: float


def explain(net: Net, source: str, picture: Image.Image) -> np.ndarray:
    """The raw map of the network's top class for a composite; nobody told it what is in the picture."""
    x = net.preprocess(picture, crop=False)
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
    net: Net,
    source: str,
    settings: Settings,
    recipes: Sequence[Recipe],
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
def stored(ground: str = "background", model: str = MEASURED[0]) -> Stored:
    """The kept measurement of one of the MEASURED networks on one of the GROUNDS."""
    found = json.loads(FILE.read_text("utf-8"))["measured"][model][ground]
    rows = {name: tuple(Row(*row) for row in rows) for name, rows in found["rows"].items()}
    masks = {name: {int(i): unpack(text) for i, text in kept.items()} for name, kept in found["masks"].items()}
    return Stored(model, tuple(Recipe(*recipe) for recipe in found["recipes"]), rows, masks)


def pack(mask: np.ndarray) -> str:
    """A bool mask as text: a PNG of one bit per pixel in base 64."""
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def unpack(text: str) -> np.ndarray:
    """The mask again."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.array(image, dtype=bool)
