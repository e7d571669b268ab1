"""The pictures of the overview, drawn once for everyone."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
import torch
from PIL import Image

from vizcore.figures import sprites
from vizcore.inspection.filters import filter_bank
from vizcore.ui import blocks, prose, shell
from vizcore.ui.cache import feature_maps, per_network, per_picture
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.methods import Attribution

words = prose.words(__file__)
SEVERITY = 4  # of the noise
CLIP = 99.5  # a percentile: with the largest slope as its end, a saliency map is nearly black


def card(title: str, content: "Attribution | Image.Image | None", caption: str, page: str, **settings: str) -> None:
    """A thumbnail that stands for a page, or a sentence where the network has none, and the way there.

    A map's scale ends at its `CLIP`-th percentile.

    Args:
        settings: of the page that the link opens.
    """
    if content is None:
        st.info(words.text("nothing to draw"), icon=":material/info:")
    else:
        panel = blocks.Panel(content, caption, f"{title}: {caption}")
        blocks.compare([panel], columns=1, scale_bar=False, clip=CLIP, key=f"card_{page}")
    shell.link(page, **settings)


def best(view: View) -> str:
    """The most probable class and its probability, in words."""
    target = view.top(1)[0]
    return f"{view.net.categories[target]}, {100 * view.probabilities[target]:.3g} %"


@per_network(entries=16)
def filters(view: View) -> Image.Image | None:
    """The first convolution's kernels, each scaled to 0..255; None where there is none."""
    first = next((layer.name for layer in view.net.layers if layer.kind == "conv"), None)
    if first is None:
        return None
    kernels = filter_bank(view.net, first)
    if kernels.shape[1] == 3:
        low, high = kernels.min((1, 2, 3), keepdims=True), kernels.max((1, 2, 3), keepdims=True)
        tiles = (255 * (kernels - low) / (high - low)).astype(np.uint8).transpose(0, 2, 3, 1)[:36]
        sheet = Image.new("RGB", (6 * 68, 6 * 68), (127, 127, 127))
        for index, tile in enumerate(tiles):
            cell = Image.fromarray(tile).resize((64, 64), Image.Resampling.NEAREST)
            sheet.paste(cell, (2 + index % 6 * 68, 2 + index // 6 * 68))
        return sheet
    return sprites.sprite(kernels[:36, 0], columns=6, signed=True)[0]


@per_picture(entries=96, size="30MB")
def maps(view: View) -> Image.Image | None:
    """The 36 strongest feature maps half way through the network; None where it has no maps."""
    spatial = [layer for layer in view.net.layers if len(layer.out_shape) == 3]
    if not spatial:
        return None
    layer = min(spatial, key=lambda item: abs(item.out_shape[1] - 28))
    stack = torch.from_numpy(feature_maps(view, layer.name))
    strongest = stack.mean((1, 2)).argsort(descending=True)[:36]
    return sprites.sprite(stack[strongest].relu().numpy(), columns=6, cell=64)[0]


@per_picture(entries=96, size="10MB")
def noisy(view: View) -> Image.Image:
    """The picture in the Gaussian noise of the page on robustness, at `SEVERITY`."""
    from vizcore.evaluation import corruptions

    return corruptions.corrupt(view.picture, "gaussian_noise", SEVERITY)
