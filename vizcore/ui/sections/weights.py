"""What the page of weights draws: templates, kernels, first layers; and choosing a handwritten digit."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
import torch
from PIL import Image
from torch import nn

from vizcore import models
from vizcore.figures import bars as bar_figures
from vizcore.figures import render, tables
from vizcore.figures.render import number
from vizcore.figures.sprites import atlas, poster
from vizcore.images import gallery
from vizcore.inspection import filters
from vizcore.models import Net, small_networks
from vizcore.models import layers as model_layers
from vizcore.ui import blocks, digits, picture, prose
from vizcore.ui.cache import feature_maps, load_net, once
from vizcore.ui.components import tiles
from vizcore.ui.components.figure import Bar
from vizcore.ui.view import View

NETWORKS = {"linear": "digits_linear", "mlp": "digits_mlp"}
FIRST_LAYERS = ("alexnet", "mini_alexnet", "resnet18", "squeezenet1_1", "efficientnet_lite0", "mini_vgg")
words = prose.words(__file__)


# Fully connected layers.


def choose_digit(view: View, side: st.delta_generator.DeltaGenerator, then: Callable[[digits.Digit], None]) -> None:
    """At the figure's side, test digits to choose from and the pad to draw on; not where the sidebar has the digit.

    Args:
        then: called with a drawing just made.
    """
    if picture.for_digits(view.net):
        side.caption(words.text("the digit of the sidebar"))
        return
    shown, chosen, labels = digits.sample(2), digits.chosen(), gallery.digits()[3]
    sprite, layout = atlas(gallery.digits()[2][shown])
    at = np.flatnonzero(shown == chosen.place)
    with side:
        tiles(
            render.encode(sprite, "png"),
            layout,
            [f"test digit {k}: a {labels[k]}" for k in shown],
            "digit_tiles",
            selected=int(at[0]) if len(at) else None,
            take=lambda position: digits.take(int(shown[position])),
            height=84,
            largest=36,
            smallest=24,
            alt="Twenty test digits, two of each",
        )
        st.caption(words.text("or draw one"))
        digits.pad("pad", then)


def _scores(net: Net, digit: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    """The digit as the network takes it, (1, 1, 28, 28), and what it says: (10,) probabilities."""
    x = torch.from_numpy((digit / 255 - net.mean[0]) / net.std[0]).float()[None, None]
    with torch.no_grad():
        return x, torch.softmax(net(x)[0], 0).numpy()


def show_its_class(net: Net, digit: digits.Digit) -> None:
    """Choose the template of the class that the network sees; to be called before the page runs again."""
    if net.name == NETWORKS["linear"]:
        st.session_state["node"] = int(_scores(net, digit.pixels)[1].argmax())


def _own_template(node: int, seen: int) -> None:
    """Whether the template shown is that of the class a drawing is taken for, and the way to it."""
    if node == seen:
        words.say("the template of its class", seen=seen)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        words.say("the template of another class", seen=seen, node=node)
        st.button(f"Template of “{seen}”", key="own_template", on_click=lambda: st.session_state.update(node=seen))


@once(entries=1)
def digit_means() -> np.ndarray:
    """(10, 28, 28): the mean training digit of each class, 0 to 255."""
    return filters.class_means(*gallery.digits()[:2])


@once(entries=256)
def node_mean(model: str, node: int) -> np.ndarray:
    """(28, 28): the mean of the 100 training digits a first-layer node answers most, 0 to 255."""
    return filters.node_mean(load_net(model), node, gallery.digits()[0])


def templates(scaled: filters.Scaled, node: int) -> None:
    """All nodes as one sheet of tiles; a click chooses the node."""
    count = len(scaled.grey)
    sprite, layout = atlas(scaled.grey)
    low, high = (np.broadcast_to(end.ravel(), count) for end in (scaled.low, scaled.high))
    labels = [f"node {k}: {number(low[k])} black, {number(high[k])} white" for k in range(count)]

    def take(position: int) -> None:
        st.session_state["node"] = position

    tiles(
        render.encode(sprite, "png"),
        layout,
        labels,
        "templates",
        selected=node,
        take=take,
        height=110,
        largest=64,
        alt=f"The weights of the {count} nodes as grey pictures of 28 × 28",
    )


def template_times_input(net: Net, node: int, scaled: filters.Scaled, scale: str) -> filters.Contribution:
    """A node's template, a digit, and their product, each with its scale; and what the pixels contribute."""
    linear, digit = net.name == NETWORKS["linear"], digits.chosen()
    low, high = (float(np.broadcast_to(end.ravel(), len(scaled.grey))[node]) for end in (scaled.low, scaled.high))
    part = filters.contributions(net, _scores(net, digit.pixels)[0], node)
    mean = digit_means()[node] if linear else node_mean(net.name, node)
    meant = f"Mean training digit “{node}”" if linear else "Mean of the 100 training digits that excite it most"
    said = "its own scale" if scale == "each" else "one scale for all nodes"
    weights = Bar(
        "#000,#fff", (number(low), number((low + high) / 2), number(high)), f"weight of a pixel; {said}", high
    )
    drawn = digit.title if digit.place is not None else words.text("caption of a drawing")
    panels = [
        blocks.Panel(Image.fromarray(scaled.grey[node]), f"Template of node {node}", bars=(weights,)),
        blocks.Panel(Image.fromarray(filters.scale(mean[None])[0][0]), meant),
        blocks.Panel(Image.fromarray(digit.pixels), drawn),
        blocks.Panel(part.values, "Template × input", "What every pixel adds to the node", signed=True),
    ]
    unit = "contribution of a pixel: red raises the node, blue lowers it"
    blocks.compare(panels, columns=4, smooth=False, unit=unit, room=blocks.MAIN_ROOM)
    return part


def the_sum(net: Net, node: int, part: filters.Contribution) -> None:
    """What the contributions add up to, and what the network says of the digit."""
    linear, digit = net.name == NETWORKS["linear"], digits.chosen()
    probabilities = _scores(net, digit.pixels)[1]
    if digit.place is None and linear:
        _own_template(node, int(probabilities.argmax()))
    left, right = st.columns([3, 2], gap="large")
    with left:
        total = float(part.values.sum())
        words.say(
            "sum of the contributions",
            total=f"{total:.4f}",
            bias=f"{part.bias:+.4f}",
            sum=f"{total + part.bias:.4f}",
            output=f"{part.output:.4f}",
            name=f"the [[logit]] of “{node}”" if linear else f"hidden node {node} before its ReLU",
        )
        if not linear:
            _votes(net, node, part.output)
    with right:
        st.html(bar_figures.bars(small_networks.DIGIT_NAMES, probabilities, int(probabilities.argmax())))


def _votes(net: Net, node: int, output: float) -> None:
    """To which digit's logit a hidden node adds most, and to which least."""
    votes = model_layers.linear_module(net, "linear").weight.detach().numpy()[:, node]
    best, worst = int(votes.argmax()), int(votes.argmin())
    words.say(
        "what a hidden node says",
        best=best,
        worst=worst,
        best_weight=f"{votes[best]:+.2f}",
        worst_weight=f"{votes[worst]:+.2f}",
        state=words.text("the node is open") if output > 0 else words.text("the node is shut"),
    )


# Convolutional layers.


def kernels_of(net: Net, layer: str) -> str:
    """The label of a convolution."""
    module = net.network.get_submodule(layer)
    assert isinstance(module, nn.Conv2d), layer
    height, width = module.kernel_size
    return f"{layer}: {module.out_channels} kernels of {height} × {width}"


def kernel_sheet(
    layer: str,
    bank: np.ndarray,
    scaled: filters.Scaled,
    order: Sequence[int],
    unit: int,
    face: str,
    channel: int | None,
    shared: bool,
) -> None:
    """All kernels of the layer as one sheet of tiles, and what is drawn; a click chooses the kernel.

    Args:
        bank: (K, C, h, w) weights. order: the kernels as they stand in the sheet.
        face: "colour", "mean" or "one"; then `channel` is the input channel drawn. shared: one scale for all.
    """
    count, channels, height, width = bank.shape
    colour = scaled.grey.ndim == 4
    sprite, layout = atlas(np.moveaxis(scaled.grey, 1, -1)[order] if colour else scaled.grey[order])
    norms = filters.norms(bank)

    def take(position: int) -> None:
        st.session_state["unit"] = int(order[position])

    tiles(
        render.encode(sprite, "png"),
        layout,
        [f"kernel {k}: norm {number(norms[k])}" for k in order],
        "kernels",
        selected=int(np.flatnonzero(order == unit)[0]),
        take=take,
        height=0,
        largest=72,
        gap=6,
        alt=f"The {count} kernels of {layer}, {height} × {width} each. Arrow keys move, Enter chooses.",
    )
    what = "one sheet of weights each" if channels == 1 else f"the mean over {channels} input channels"
    if face == "colour":
        what = "the three input channels as red, green and blue"
    elif channel is not None:
        what = f"their weights for input channel {channel} of {channels}"
    low, high = number(float(scaled.low.min())), number(float(scaled.high.max()))
    st.caption(
        words.text(
            "caption of the kernels",
            layer=layer,
            count=count,
            height=height,
            width=width,
            what=what,
            scale=f"One scale for all, {low} to {high}." if shared else "Each kernel has its own scale.",
        )
    )
    st.caption(weak_kernels(layer, bank))


def one_kernel(
    view: View, layer: str, bank: np.ndarray, pictures: np.ndarray, scaled: filters.Scaled, unit: int
) -> None:
    """The chosen kernel enlarged, its numbers, and its feature map on the picture; `pictures` are what is drawn."""
    words.part("Kernel {{unit}}", unit=unit)
    tile, norms = scaled.grey[unit], filters.norms(bank)
    sheets = pictures[unit] if pictures[unit].ndim == 3 else pictures[unit][None]
    left, right = st.columns([1, 3], gap="large")
    with left:
        picture = Image.fromarray(np.moveaxis(tile, 0, -1).copy() if tile.ndim == 3 else tile)
        rank = int((norms > norms[unit]).sum()) + 1
        caption = f"Norm {number(norms[unit])}, rank {rank} of {len(norms)}"
        blocks.image(picture, caption, f"Kernel {unit} of {layer}", smooth=False)
    with right:
        if sheets[0].size > 1:
            spread = bank[unit].std() / (np.abs(bank[unit]).max() or 1)
            names = ("red", "green", "blue") if len(sheets) == 3 else ("",)
            small = bool(np.abs(sheets).max() < 0.1)  # two decimals would hide them
            st.html(tables.kernel_tables(sheets * 1000 if small else sheets, names))
            unit_of_all = " in thousandths" if small else ""
            st.caption(words.text("caption of the weights", unit=unit_of_all, spread=f"{100 * spread:.0f}"))
        else:
            positive, negative = int((bank[unit] > 0).sum()), int((bank[unit] < 0).sum())
            words.say("a kernel of one weight", channels=bank.shape[1], positive=positive, negative=negative)
    values = feature_maps(view, layer)[unit]
    words.say("the kernel and its map", unit=unit)
    blocks.heat(
        values,
        view.picture,
        signed=True,
        smooth=False,
        caption=f"Kernel {unit} on {view.title}",
        alt=f"Its feature map: {number(values.min())} to {number(values.max())}",
        unit=f"output of {layer}, bias included, before any activation function",
    )


def weak_kernels(layer: str, bank: np.ndarray) -> str:
    """Whether kernels of the layer are nearly zero, in a sentence."""
    norms = filters.norms(bank)
    weak = int((norms < 0.1 * norms.max()).sum())
    if weak:
        return words.text("some kernels are weak", layer=layer, weak=weak, count=len(norms))
    return words.text("no kernel is weak", layer=layer)


def first_layers() -> None:
    """The first kernels of networks whose filters differ in size, side by side."""
    words.part("Large and small first filters")
    present = [name for name in FIRST_LAYERS if name in models.MODELS and models.status(name) != "missing"]
    absent = [models.MODELS[name] for name in FIRST_LAYERS if name in models.MODELS and name not in present]
    panels = []
    for name in present:
        picture, caption = first_filters(name)
        panels.append(blocks.Panel(picture, caption, f"All first filters of {caption}"))
    blocks.compare(panels, columns=max(3, len(panels)), smooth=False)
    if absent:
        listed = ", ".join(f"{spec.title} ({spec.megabytes:.3g} MB)" for spec in absent)
        st.caption(words.text("networks that are not here", listed=listed))
    words.say("the lesson on small filters")


@once(entries=32)
def first_filters(model: str) -> tuple[Image.Image, str]:
    """All kernels of a network's first convolution as one picture, each scaled 0 to 255, and a caption.

    Kept so that a page may show several networks without having them all in memory at each run.
    """
    net = load_net(model)
    bank = filters.filter_bank(net, model_layers.convolutions(net)[0])
    return poster(filters.scale(bank).grey), f"{net.title}: {len(bank)} filters of {bank.shape[2]} × {bank.shape[3]}"
