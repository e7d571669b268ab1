"""Start: given a trained model, what did it learn?"""

import numpy as np
import streamlit as st
import torch
from PIL import Image

from vizcore import ui
from vizcore.figures import sprites

view = ui.begin(__file__)


def filters() -> Image.Image:
    """The first convolution's kernels, each scaled to 0..255."""
    first = next(layer.name for layer in view.net.layers if layer.kind == "conv")
    kernels = view.net.network.get_submodule(first).weight.detach()
    if kernels.shape[1] == 3:
        low, high = kernels.amin((1, 2, 3), keepdim=True), kernels.amax((1, 2, 3), keepdim=True)
        tiles = (255 * (kernels - low) / (high - low)).byte().permute(0, 2, 3, 1).numpy()[:36]
        sheet = Image.new("RGB", (6 * 68, 6 * 68), (127, 127, 127))
        for index, tile in enumerate(tiles):
            cell = Image.fromarray(tile).resize((64, 64), Image.Resampling.NEAREST)
            sheet.paste(cell, (2 + index % 6 * 68, 2 + index // 6 * 68))
        return sheet
    return sprites.sprite(kernels[:36, 0].numpy(), columns=6, signed=True)[0]


def maps() -> Image.Image:
    """The 36 strongest feature maps half way through the network."""
    spatial = [layer for layer in view.net.layers if len(layer.out_shape) == 3]
    layer = min(spatial, key=lambda item: abs(item.out_shape[1] - 28))
    with torch.no_grad():
        stack = view.net.forward(view.x, capture=[layer.name])[1][layer.name][0]
    strongest = stack.mean((1, 2)).argsort(descending=True)[:36]
    return sprites.sprite(stack[strongest].relu().numpy(), columns=6, cell=64)[0]


def noisy() -> Image.Image:
    """The picture with Gaussian noise (standard deviation 0.25 of the range, seed 0)."""
    pixels = np.asarray(view.picture) / 255
    noise = np.random.default_rng(0).normal(0, 0.25, pixels.shape)
    return Image.fromarray(np.uint8(255 * np.clip(pixels + noise, 0, 1)))


def words(of: ui.View) -> str:
    best = of.top(1)[0]
    return f"{of.net.categories[best]}, {100 * of.probabilities[best]:.3g} %"


shaken = ui.look(view, picture=noisy(), title="With noise")
cards = [
    ("Weights", filters(), "The first filters", "weights"),
    ("Activations", maps(), "What they answer to this picture", "output_maps"),
    ("Gradients", ui.attribution(view, "saliency"), f"Pixels that matter for {view.class_name}", "saliency"),
    ("Robustness", shaken.picture, f"With noise: {words(shaken)}. Without: {words(view)}", "robustness"),
]  # fmt: skip
for column, (title, content, caption, page) in zip(st.columns(4), cards, strict=True):
    with column:
        st.header(title, anchor=False)
        ui.compare([ui.Panel(content, caption, f"{title}: {caption}")], columns=1, scale_bar=False)
        ui.link(page)

st.header("The lesson", anchor=False)
ui.lesson_map()

st.header("How to read the dashboard", anchor=False)
st.markdown(
    f"""
- The **sidebar** holds what all pages share: the picture as the network sees it, its five most probable
  classes, and your choice of {ui.term("target", "class")}, picture and model. Everything is computed live.
- Each page begins with its own controls. The address in the browser holds every choice: copy it to share
  exactly what you see. Your own pictures stay in your session and are not part of the address.
- A {ui.term("heat map")} is numbers drawn in colour. Read the colour bar before you compare two of them.
- Under each figure stands what to notice and where the method misleads; the formula, exercises, the code that
  ran, and the papers are folded below.
""",
    unsafe_allow_html=True,
)
