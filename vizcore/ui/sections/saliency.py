"""The figures of the page on saliency maps."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
import torch

from vizcore.evaluation import compare, perturbation
from vizcore.figures import charts, sentences
from vizcore.figures.bars import percent
from vizcore.methods import gradients
from vizcore.ui import blocks, cache, prose
from vizcore.ui.blocks import Panel
from vizcore.ui.charts import chart
from vizcore.ui.view import View

words = prose.words(__file__)


class Found(NamedTuple):
    """A saliency map, and how it is drawn.

    Attributes:
        signed: (C, H, W), one number for each number of the picture. values: (H, W), their absolute values combined.
        key: plain values that name the map.
        title, alt, unit: what to call it, in a word and in a sentence, and its numbers.
        clip: the percentile at which its scale ends. opacity: over the picture.
    """

    signed: np.ndarray
    values: np.ndarray
    key: tuple
    title: str
    alt: str
    unit: str
    clip: float
    opacity: float


def beside_plain(view: View, found: Found, plain: np.ndarray) -> None:
    """The map over the picture and alone, beside the plain gradient's map (H, W), each on its own scale."""
    blocks.compare(_beside(view, found, plain), clip=found.clip, share=False, room=blocks.MAIN_ROOM)
    same = compare.in_words(cache.rank_correlation(found.values, plain))
    words.say("how alike the plain gradient is", same=same)


def _beside(view: View, found: Found, plain: np.ndarray) -> list[Panel]:
    return [
        Panel(found.values, f"{found.title}, “{view.class_name}”", found.alt, view.picture, False, found.opacity),
        Panel(found.values, f"{found.title} alone", found.alt, signed=False),
        Panel(plain, "Plain gradient, on its own scale", f"Plain gradient of {view.title}", signed=False),
    ]


def filtered(view: View, found: Found, plain: np.ndarray, cutoff: float) -> None:
    """The map without its high frequencies beside the plain gradient's map (H, W), and a control.

    The control is the same numbers at random places through the same filter: it is smooth too, without a cause.
    """
    shuffled = np.random.default_rng(0).permutation(plain.ravel()).reshape(plain.shape)
    control = gradients.low_pass(torch.from_numpy(shuffled), cutoff).numpy()
    caption = "Control: the same numbers at random places, filtered"
    panels = [*_beside(view, found, plain), Panel(control, caption, caption, signed=False)]
    blocks.compare(panels, clip=found.clip, share=False, room=blocks.MAIN_ROOM)
    words.say(
        "what the filter keeps",
        wave=f"{2**0.5 / cutoff:.3g}",
        kept=percent(compare.share_of_variance(found.values, plain)),
        control=percent(compare.share_of_variance(control, plain)),
        same=compare.in_words(cache.rank_correlation(found.values, plain)),
    )


def steps(view: View, found: Found, reduced: str, gain: float) -> None:
    """From the signed gradient to the map over the picture.

    Args:
        reduced: how the channels became one number. gain: how strong the first two pictures are drawn.
    """
    alt, clip, over = found.alt, found.clip, f"{found.alt}, over the picture"
    size = np.abs(found.signed)
    each = f"{found.unit}, for each channel" if len(size) == 3 else found.unit
    panels = [
        Panel(found.signed, "1. With its sign: grey is zero", f"{alt}: signed values", signed=True, unit=f"{each}"),
        Panel(size, "2. Absolute value: black is zero", f"{alt}: absolute values", signed=False, unit=each),
        Panel(found.values, f"3. {reduced}", f"{alt}: one number per pixel", signed=False, group="map", clip=clip),
        Panel(found.values, "4. Over the picture", over, view.picture, False, found.opacity, group="map", clip=clip),
    ]
    blocks.compare(panels, unit=found.unit, gain=gain)


def classes(view: View, count: int, channels: str, of: str, clip: float) -> None:
    """The plain gradient of the most probable classes on one scale.

    Args:
        channels, of: as `reduction` and `of` of the method "saliency". clip: percentile at which the scale ends.
    """
    maps = {c: cache.attribution(view, "saliency", c, reduction=channels, of=of) for c in view.top(count)}
    panels = []
    for c, found in maps.items():
        name, first = view.net.categories[c], maps[view.top(1)[0]]
        alike = compare.in_words(cache.rank_correlation(first.values, found.values))
        caption = f"“{name}”: logit {view.logits[c]:.3g}, {percent(view.probabilities[c])}"
        caption += "" if found is first else f". Rank correlation with the first: {alike}"
        panels.append(Panel(found, caption, f"Saliency map for {name}"))
    blocks.compare(panels, clip=clip, unit=f"slope of the {of}, per normalized unit of colour")


def removal(view: View, found: Found, percentage: int, fill: str, score: str, seed: int) -> None:
    """The picture without its most salient, its least salient and as many random pixels, and the curves of the score.

    Args:
        percentage: of the pixels, one of `perturbation.SHARES`. fill, seed: as there. score: "logit" or "probability".
    """
    values, shares = found.values, perturbation.SHARES
    curves = cache.removal_curve(view, values, found.key, shares, fill, seed)
    share = percentage / 100
    at, orders = [round(100 * share) for share in shares].index(percentage), perturbation.orders(values, seed)
    filling = perturbation.filling(view.net, view.x, fill)
    before = f"Before: logit {view.logits[view.target]:.3g}, {percent(view.probabilities[view.target])}"
    panels, logits = [Panel(view.picture, before, view.alt)], {}
    for row, (name, order) in enumerate(orders.items()):
        logits[name] = curves["logit"][row, at]
        said = f"logit {logits[name]:.3g}, {percent(curves['probability'][row, at])}"
        gone = perturbation.to_picture(view.net, perturbation.remove(view.x, order, share, filling))
        caption = f"{charts.REMOVALS[name]}: {said}"
        panels.append(Panel(gone, caption, f"The picture without {percentage} % of its pixels. {caption}"))
    blocks.compare(panels)
    st.markdown(sentences.removal(logits, percentage, view.class_name))
    lines = dict(zip(orders, curves[score], strict=True))
    chart(
        charts.removal_chart(shares, lines, share, f"{score.capitalize()} of the class"),
        "removal_chart",
        f"The {score} of {view.class_name} against the share of pixels removed, in three orders",
    )


def rough(view: View, values: np.ndarray) -> str:
    """How alike neighbouring pixels of the map (H, W) are, beside those of the picture, in a sentence."""
    picture = view.x[0].mean(0).cpu().numpy()
    near, own = (compare.correlation(each[:, :-1], each[:, 1:]) for each in (values, picture))
    if near is None or own is None:
        return ""
    return words.text("how rough the map is", near=f"{near:.2f}", own=f"{own:.2f}")


def seen(method: str, params: Mapping[str, Any]) -> str:
    """What a map of this method holds, in a sentence or two."""
    if method == "smooth_grad":
        return words.text("seen in SmoothGrad", samples=params["samples"])
    if method == "forgrad":
        return words.text("seen in FORGrad")
    return words.text("seen in a gradient" if method == "saliency" else "seen in integrated gradients")


def bright(method: str) -> str:
    """What a bright pixel of a map of this method is, in a sentence."""
    if method == "smooth_grad":
        return words.text("what a bright pixel of SmoothGrad is")
    return words.text(
        "what a bright pixel of a gradient is"
        if method in ("saliency", "forgrad")
        else "what a bright pixel of integrated gradients is"
    )
