"""The figures of the Grad-CAM page."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from vizcore import methods
from vizcore.evaluation import compare
from vizcore.figures import bars as bar_figures
from vizcore.figures import cam as cam_figures
from vizcore.figures.render import number
from vizcore.inspection import cam_steps
from vizcore.inspection.cam_steps import Unrolled
from vizcore.models import layers as model_layers
from vizcore.ui import blocks, cache, prose, shell
from vizcore.ui.blocks import Panel
from vizcore.ui.view import View

words = prose.words(__file__)


@cache.per_class(entries=128, size="20MB")
def tiles(view: View, layer: str, against: bool, _steps: Unrolled, _strongest: Sequence[int], _top: float) -> str:
    """HTML of the maps that weigh most; `_steps` and what follows are those of the layer."""
    return cam_figures.tiles(_steps, _strongest, _top)


@cache.per_class(entries=128, size="10MB")
def weights(view: View, layer: str, against: bool, _steps: Unrolled) -> str:
    """HTML of the weights of all maps as bars."""
    return bar_figures.weight_bars(_steps.weights.cpu().numpy(), _steps.activations.mean((1, 2)).cpu().numpy())


def one_map(view: View, steps: Unrolled, k: int) -> None:
    """Feature map k, the gradient of the score with respect to it, and their product."""
    values, gradient, product = (
        stack[k].cpu().numpy() for stack in (steps.activations, steps.gradients, steps.contributions)
    )
    alpha = f"its mean is α = {number(gradient.mean())}"
    if np.ptp(gradient) < 1e-3 * np.abs(gradient).max():
        alpha = f"the same in every cell: α = {number(gradient.mean())}"
    panels = [
        Panel(values, f"Feature map of unit {k}"),
        Panel(gradient, f"Gradient of the score; {alpha}", signed=True),
        Panel(product, f"α × map of unit {k}", photo=view.picture, signed=True),
    ]
    blocks.compare(panels, share=False, smooth=False)


def stages(view: View, steps: Unrolled) -> None:
    """The signed sum, what the ReLU leaves of it, and that enlarged in two ways."""
    signed, crisp, smooth = cam_figures.stages(steps)
    below, cells = int((steps.before_relu < 0).sum()), steps.before_relu.numel()
    panels = [
        Panel(signed, "Sum of all α × map", signed=True),
        Panel(crisp, f"ReLU: {below} of {cells} cells were below zero", signed=False),
        Panel(crisp, "Enlarged as cells", photo=view.picture, signed=False),
        Panel(smooth, "Enlarged bilinearly", photo=view.picture, signed=False),
    ]
    blocks.compare(panels, columns=4)


def check(view: View, steps: Unrolled) -> None:
    """Whether the signed sum and the bias make the logit, as they must where one linear layer follows."""
    head = cam_steps.linear_head(view.net, steps, view.target)
    total = f"{float(steps.before_relu.sum()):.4g}"
    if not (head and head.holds):
        words.say("the sum need not be the score", total=total, score=f"{steps.score:.4g}")
        return
    error = "less than 0.01" if head.weight_error < 1e-4 else number(100 * head.weight_error)
    words.say(
        "the sum is the score",
        total=total,
        bias=f"{head.bias:.3g}",
        sum=f"{head.total + head.bias:.4g}",
        score=f"{head.score:.4g}",
        cells=steps.before_relu.numel(),
        error=error,
    )


def class_maps(view: View, layer: str, steps: Unrolled) -> str:
    """What it means that the network's last convolution makes the classes, in sentences; nothing where it does not."""
    last, before = view.net.cam_layer, model_layers.last_features(view.net)
    if model_layers.class_maps(view.net) is None or not last or not before or layer not in (last, before):
        return ""
    there = steps if layer == last else cache.unrolled(view, last)
    zero, count, name = f"{int((there.weights == 0).sum()):,}", f"{len(there.weights):,}", view.class_name
    if layer == last:
        return words.text(
            "the layer makes the classes themselves", layer=layer, before=before, zero=zero, count=count, name=name
        )
    same = compare.correlation(*(each.before_relu.cpu().numpy() for each in (steps, there)))
    alike = "not defined" if same is None else f"{same:.3f}"
    return words.text(
        "why not the last convolution", last=last, layer=layer, zero=zero, count=count, name=name, same=alike
    )


def two_classes(
    view: View, layer: str, against: bool, other: int, linked: bool, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    """The maps of the view's class and of the class `other`, and both in one picture.

    Args:
        against: a counterfactual. linked: one scale for both. pair: the two (h, w) maps.
    """
    names, stance = (view.class_name, view.net.categories[other]), "against" if against else "for"
    panels = [
        Panel(values, f"Evidence {stance} {label}: up to {number(values.max())}", "", view.picture, False)
        for values, label in zip(pair, names, strict=True)
    ]
    own = [max(float(values.max()), 0.0) for values in pair]
    tops = (max(own), max(own)) if linked else (own[0], own[1])
    drawn = _in_one_picture(view, layer, against, other, tops, pair)
    alt = f"Grad-CAM of {names[0]} in blue and of {names[1]} in orange"
    hues = cam_figures.FIRST, cam_figures.SECOND
    read = [
        blocks.bar(top, 2, False, name, ends=cam_figures.ramp(hue))
        for top, name, hue in zip(tops, names, hues, strict=True)
    ]
    panels.append(Panel(drawn, "Both, in blue and orange", alt, bars=tuple(read)))
    blocks.compare(panels, share=linked, unit="raw value of the map")
    same = compare.correlation(*pair)
    if same is not None and other != view.target:
        words.say("how alike the two maps are", same=f"{same:.2f}")


@cache.per_class(entries=64, size="20MB")
def _in_one_picture(
    view: View, layer: str, against: bool, other: int, tops: tuple[float, float], _pair: tuple[np.ndarray, np.ndarray]
) -> Image.Image:
    return cam_figures.two_classes(view.picture, *_pair, tops)


def variants(view: View, layer: str) -> None:
    """The other class activation maps of the layer that need no pass for every map; links to those that do."""
    panels = []
    quick = [m.name for m in methods.METHODS.values() if m.family == "cam" and m.maps and not m.slow]
    for method in quick:
        title = methods.METHODS[method].title
        try:
            last = layer in (view.net.cam_layer, model_layers.last_features(view.net))
            result = cache.attribution(view, method, layer=None if method == "cam" and last else layer)
        except ValueError:
            st.caption(words.text("a method that cannot run here", title=title))
            continue
        panels.append(Panel(result, f"{title}: up to {number(result.values.max())}", photo=view.picture))
    words.say("how to compare the variants", name=view.class_name)
    blocks.compare(panels, share=False, columns=4)
    for slow in ("ablation_cam", "score_cam"):
        label = words.text("link to a slow variant", title=methods.METHODS[slow].title)
        shell.link("timeline", label, method=slow)
