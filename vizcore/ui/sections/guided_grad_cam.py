"""The figures of the Guided Grad-CAM page."""

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from vizcore.evaluation import compare
from vizcore.figures import cam as cam_figures
from vizcore.methods import cam
from vizcore.ui import blocks, cache, prose
from vizcore.ui.blocks import Panel
from vizcore.ui.view import View

words = prose.words(__file__)


class Factors(NamedTuple):
    """Two factors and their product.

    Attributes:
        guided: guided backpropagation, (3, H, W); (H, W) for a grey picture.
        place: Grad-CAM, enlarged to (H, W).
        product: Guided Grad-CAM, shaped like `guided`.
    """

    guided: np.ndarray
    place: np.ndarray
    product: np.ndarray


def factors(view: View, layer: str) -> Factors:
    """The factors for the view's class, and their product, with Grad-CAM at the layer."""
    guided = cache.attribution(view, "guided_backprop").values
    coarse = cache.attribution(view, "grad_cam", layer=layer).values
    product = cache.attribution(view, "guided_grad_cam", layer=layer).values
    place = cam.upsample(torch.from_numpy(coarse)[None], guided.shape[-2:])[0].numpy()
    return Factors(guided, place, product) if len(guided) == 3 else Factors(guided[0], place, product[0])


def equation(view: View, layer: str, found: Factors, gain: float) -> None:
    """Guided backpropagation × Grad-CAM = Guided Grad-CAM, in one row; signed pictures `gain` times as strong."""
    _, height, width = view.net.layer(layer).out_shape
    place = f"× Grad-CAM of {layer}, {height} × {width} cells enlarged"
    panels = [
        Panel(found.guided, f"Guided backpropagation for {view.class_name}", signed=True),
        Panel(found.place, place, photo=view.picture, signed=False, unit="raw value of the map"),
        Panel(found.product, "= Guided Grad-CAM", signed=True),
    ]
    panels = [panel._replace(alt=f"{panel.caption}: {view.class_name} in {view.title}") for panel in panels]
    blocks.compare(panels, share=False, gain=gain, room=blocks.MAIN_ROOM, key="equation")


def closer(view: View, product: np.ndarray, zoom: int, gain: float) -> None:
    """The strongest part of the product, `zoom` times enlarged, beside the same part of the picture."""
    left, upper, right, lower = cam_figures.zoom_box(product, zoom)
    part = product[..., upper:lower, left:right]
    panels = [
        Panel(view.picture.crop((left, upper, right, lower)), f"The picture: {right - left} × {lower - upper} pixels"),
        Panel(part, "Guided Grad-CAM, the same part on the same scale as above", signed=True, like=product),
    ]
    blocks.compare(panels, gain=gain)


def two_classes(view: View, other: int, pair: tuple[Factors, Factors], linked: bool, gain: float) -> None:
    """The three pictures of the view's class above those of the class `other`, and how alike each two are.

    Args:
        pair: the factors of both classes. linked: one scale for both. gain: of the signed pictures.
    """
    names, pairs = (view.class_name, view.net.categories[other]), list(zip(*pair, strict=True))
    same = [compare.correlation(*two) for two in pairs]
    titles = "Guided backpropagation", "Grad-CAM", "Guided Grad-CAM"
    panels = [
        Panel(values, f"{title}: {name}", signed=True, group=title)
        if title != "Grad-CAM"
        else Panel(values, f"{title}: {name}", photo=view.picture, signed=False, unit="raw value of the map")
        for name, three in zip(names, pair, strict=True)
        for title, values in zip(titles, three, strict=True)
    ]
    blocks.compare(panels, columns=3, share=linked, gain=gain)
    for column, value in zip(st.columns(3), same, strict=True):
        with column:
            words.say("how alike two pictures are", same="not defined" if value is None else f"{value:.2f}")
    known = [value for value in same if value is not None]
    if other != view.target and len(known) == 3 and known[0] > known[2] + 0.1:
        guided, place, product = (f"{value:.2f}" for value in known)
        words.say("which factor tells the classes apart", guided=guided, product=product, place=place)


def where_it_lies(factors: Factors) -> str:
    """How much of the product, and of guided backpropagation, lies where Grad-CAM is strong, in a sentence."""
    place = factors.place
    core = place >= place.max() / 2 if place.any() else np.zeros_like(place, dtype=bool)
    guided, product = (
        100 * float(np.abs(values)[..., core].sum() / max(np.abs(values).sum(), 1e-30))
        for values in (factors.guided, factors.product)
    )
    if product > guided:
        return words.text(
            "where Grad-CAM is strong",
            area=f"{100 * core.mean():.0f}",
            product=f"{product:.0f}",
            guided=f"{guided:.0f}",
        )
    return words.text("where Grad-CAM is zero", area=f"{100 * float((place == 0).mean()):.0f}")


def fine_factor(view: View) -> str:
    """What guided backpropagation draws in this network, in a sentence."""
    if view.net.relus:
        return words.text("what the fine factor draws")
    return words.text("a network without ReLU", network=view.net.title)
