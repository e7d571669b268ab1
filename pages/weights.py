"""1. Visualizing weights: templates of fully connected layers, kernels of convolutions."""

import numpy as np
import streamlit as st
import torch
from PIL import Image

from vizcore import models, ui
from vizcore.figures import bars as bar_figures
from vizcore.figures import render, tables
from vizcore.figures.sprites import atlas
from vizcore.inspection import filters
from vizcore.models import layers as model_layers
from vizcore.models import small_networks
from vizcore.ui.cache import load_net

view = ui.begin(__file__)
number = render.number
NETWORKS = {"linear": "digits_linear", "mlp": "digits_mlp"}
FIRST_LAYERS = ("alexnet", "resnet18", "efficientnet_lite0", "mini_vgg")


def grey(values: np.ndarray) -> Image.Image:
    """Values (H, W) as a grey picture, their own minimum black, their maximum white."""
    return Image.fromarray(filters.scale(values[None])[0][0])


def clipped(key: str, count: int) -> None:
    """A number kept from a larger layer becomes the last of this one; call before its field is drawn."""
    if (st.session_state.get(key) or 0) >= count:
        st.session_state[key] = count - 1


@ui.fragment
def fully_connected() -> None:
    with ui.controls("network_strip"):
        kind = st.segmented_control(
            "Network", list(NETWORKS), default="linear", key="network", required=True, bind="query-params",
            help="linear: one layer, a node for each digit. mlp: the first of two layers, 128 hidden nodes.",
        )  # fmt: skip
        scale = st.segmented_control(
            "Grey scale", ["each", "shared"], default="each", key="greys", required=True, bind="query-params",
            help="each: every node uses all greys. shared: one minimum and maximum for all nodes.",
        )  # fmt: skip
    net = load_net(NETWORKS[kind])
    linear = kind == "linear"
    bank = filters.templates(net)[:, 0]
    count = len(bank)
    clipped("node", count)
    sheet = st.container(key="templates_sheet", gap="small")
    with ui.controls("node_strip"):
        node = st.number_input(
            "Node", 0, count - 1, key="node", bind="query-params", width=150,
            help="The digit it stands for." if linear else "One of the hidden nodes; they have no names.",
        )  # fmt: skip
    scaled = filters.scale(bank, scale == "shared")

    def take(position: int) -> None:
        st.session_state["node"] = position

    with sheet:
        sprite, layout = atlas(scaled.grey)
        low, high = (np.broadcast_to(end.ravel(), count) for end in (scaled.low, scaled.high))
        labels = [f"node {k}: {number(low[k])} black, {number(high[k])} white" for k in range(count)]
        ui.tiles(
            render.encode(sprite, "png"), layout, labels, "templates", selected=node, take=take, height=300,
            largest=94, alt=f"The weights of the {count} nodes as grey pictures of 28 × 28",
        )  # fmt: skip
        st.caption(
            f"{count} nodes, 784 weights each, drawn from 0 (black, lowest weight) to 255 (white, highest). "
            + (
                "Each node has its own scale."
                if scale == "each"
                else f"All: {number(low[0])} to {number(high[0])}."
            )
        )

    st.header("Template × input", anchor=False)
    digit, said = ui.choose_digit()
    x = torch.from_numpy((digit / 255 - net.mean[0]) / net.std[0]).float()[None, None]
    part = filters.contributions(net, x, node)
    name = f"the {ui.term('logit')} of “{node}”" if linear else f"hidden node {node} before its ReLU"
    mean = ui.digit_means()[node] if linear else ui.node_mean(NETWORKS[kind], node)
    meant = f"Mean training digit “{node}”" if linear else "Mean of the 100 training digits it answers most"
    edge = f"black {number(low[node])}, white {number(high[node])}"
    ui.compare(
        [
            ui.Panel(Image.fromarray(scaled.grey[node]), f"Template of node {node}: {edge}"),
            ui.Panel(grey(mean), meant),
            ui.Panel(Image.fromarray(digit), said),
            ui.Panel(part.values, "Template × input", "What every pixel adds to the node", signed=True),
        ],
        columns=4, smooth=False, unit="contribution of a pixel: red raises the node, blue lowers it",
    )  # fmt: skip
    total = float(part.values.sum())
    with torch.no_grad():
        probabilities = torch.softmax(net(x)[0], 0).numpy()
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(
            f"All contributions add up to **{total:.4f}**. With the bias of {part.bias:+.4f} that is "
            f"**{total + part.bias:.4f}**, and the network computes {part.output:.4f} for {name}.",
            unsafe_allow_html=True,
        )
        if not linear:
            votes = net.network.get_submodule("linear").weight.detach().numpy()[:, node]
            best, worst = int(votes.argmax()), int(votes.argmin())
            state = (
                "passes the ReLU"
                if part.output > 0
                else "is below zero: the ReLU makes it 0, it says nothing here"
            )
            st.markdown(
                f"It {state}. Where it is positive it speaks most for “{best}” (weight {votes[best]:+.2f}) "
                "and most "
                f"against “{worst}” ({votes[worst]:+.2f})."
            )
    with right:
        st.html(bar_figures.bars(small_networks.DIGIT_NAMES, probabilities, int(probabilities.argmax())))


@ui.fragment
def convolutional() -> None:
    names = model_layers.convolutions(view.net)
    if not names:
        st.info(
            f"{view.net.title} has no convolution, so it has no kernels. Choose another model in the "
            "sidebar.",
            icon=":material/info:",
        )
        words([])
        return
    with ui.controls("kernel_strip"):
        layer = ui.linked_select("Layer", names, "layer", default=names[0], format_func=kernels_of, width=420)
        bank = filters.filter_bank(view.net, layer)
        count, channels = bank.shape[:2]
        modes = ["colour"] * (channels == 3) + ["mean"] * (channels != 3) + ["one"] * (channels > 1)
        if st.session_state.get("face") not in modes:
            st.session_state.pop("face", None)
        face = modes[0]
        if len(modes) > 1:
            face = st.segmented_control(
                "Input channels", modes, default=modes[0], key="face", required=True, bind="query-params",
                help="A kernel has one sheet of weights for each input channel: all three as colours, "
                "their mean, or one of them.",
            )  # fmt: skip
        channel = None
        if face == "one":
            clipped("channel", channels)
            channel = st.number_input(
                "Channel", 0, channels - 1, key="channel", bind="query-params", width=130
            )
        scale = st.segmented_control(
            "Scale", ["each", "shared"], default="each", key="scale", required=True, bind="query-params"
        )
        by = st.segmented_control(
            "Sort by", ["index", "norm"], default="index", key="order", required=True, bind="query-params"
        )
    pictures = filters.faces(bank, channel)
    scaled = filters.scale(pictures, scale == "shared")
    order, norms = filters.order(bank, by), filters.norms(bank)
    clipped("unit", count)
    sheet = st.container(key="kernel_sheet", gap="small")
    with ui.controls("kernel_pick"):
        typed = st.number_input(
            "Kernel",
            0,
            count - 1,
            None,
            1,
            key="unit",
            bind="query-params",
            width=160,
            placeholder=str(order[0]),
        )
    unit = int(order[0]) if typed is None else typed
    with sheet:
        kernel_sheet(layer, bank, scaled, order, norms, unit, face, channel, scale)
    one_kernel(layer, bank, pictures, scaled, norms, unit, channel)
    weak = int((norms < 0.1 * norms.max()).sum())
    words([
        f"In {layer}, {weak} of {count} kernels have less than a tenth of the largest norm."
        if weak
        else f"In {layer}, every kernel has at least a tenth of the largest norm.",
        f"Kernel {unit} and its feature map: red where the kernel's weights fit what is below them, blue "
        "where their "
        "negative fits.",
    ])  # fmt: skip


def kernels_of(layer: str) -> str:
    module = view.net.network.get_submodule(layer)
    height, width = module.kernel_size
    return f"{layer}: {module.out_channels} kernels of {height} × {width}"


def kernel_sheet(layer, bank, scaled, order, norms, unit, face, channel, scale) -> None:
    """All kernels of the layer as one sheet of tiles, and what is drawn."""
    count, channels, height, width = bank.shape
    colour = scaled.grey.ndim == 4
    sprite, layout = atlas(np.moveaxis(scaled.grey, 1, -1)[order] if colour else scaled.grey[order])

    def take(position: int) -> None:
        st.session_state["unit"] = int(order[position])

    ui.tiles(
        render.encode(sprite, "png"), layout,
        [f"kernel {k}: norm {number(norms[k])}" for k in order], "kernels",
        selected=int(np.flatnonzero(order == unit)[0]), take=take, height=440, largest=72, gap=6,
        alt=f"The {count} kernels of {layer}, {height} × {width} each. Arrow keys move, Enter chooses.",
    )  # fmt: skip
    what = "one sheet of weights each" if channels == 1 else f"the mean over {channels} input channels"
    if face == "colour":
        what = "the three input channels as red, green and blue"
    elif channel is not None:
        what = f"their weights for input channel {channel} of {channels}"
    low, high = number(float(scaled.low.min())), number(float(scaled.high.max()))
    st.caption(
        f"{layer}: {count} kernels of {height} × {width}; drawn: {what}, from 0 (black) to 255 (white). "
        + (f"One scale for all, {low} to {high}." if scale == "shared" else "Each kernel has its own scale.")
    )


def one_kernel(layer, bank, pictures, scaled, norms, unit, channel) -> None:
    """The chosen kernel enlarged, its numbers, and its feature map on the picture."""
    st.header(f"Kernel {unit}", anchor=False)
    tile = scaled.grey[unit]
    sheets = pictures[unit] if pictures[unit].ndim == 3 else pictures[unit][None]
    left, right = st.columns([1, 3], gap="large")
    with left:
        picture = Image.fromarray(np.moveaxis(tile, 0, -1).copy() if tile.ndim == 3 else tile)
        ui.image(
            picture,
            f"Norm {number(norms[unit])}, rank {int((norms > norms[unit]).sum()) + 1} of {len(norms)}",
            f"Kernel {unit} of {layer}",
            smooth=False,
        )
    with right:
        if sheets[0].size > 1:
            spread = bank[unit].std() / (np.abs(bank[unit]).max() or 1)
            st.html(
                tables.kernel_tables(sheets, ("red", "green", "blue") if len(sheets) == 3 else ("",))
            )
            st.caption(f"The weights; standard deviation {100 * spread:.0f} % of the largest.")
        else:
            st.markdown(
                f"A 1 × 1 kernel has no shape: it weighs the {bank.shape[1]} input channels in every cell. "
                f"{int((bank[unit] > 0).sum())} of its weights are positive, {int((bank[unit] < 0).sum())} "
                "negative."
            )
    values = ui.feature_maps(view, layer)[unit]
    said = f"Its feature map: {number(values.min())} to {number(values.max())}"
    ui.heat(
        values,
        view.picture,
        signed=True,
        smooth=False,
        caption=f"Kernel {unit} on {view.title}",
        alt=said,
        unit=f"output of {layer}, bias included, before any activation function",
    )


def first_layers() -> None:
    """The first kernels of networks whose filters differ in size, side by side."""
    st.header("Large and small first filters", anchor=False)
    present = [name for name in FIRST_LAYERS if name in models.MODELS and models.status(name) != "missing"]
    absent = [models.MODELS[name] for name in FIRST_LAYERS if name in models.MODELS and name not in present]
    for column, name in zip(st.columns(max(3, len(present))), present, strict=False):
        picture, caption = ui.first_filters(name)
        column.image(picture, caption, width="stretch", alt=f"All first filters of {caption}")
    if absent:
        listed = ", ".join(f"{spec.title} ({spec.megabytes:.3g} MB)" for spec in absent)
        st.caption(
            f"Not on this computer: {listed}. Download in the sidebar (Model) to see their filters here."
        )
    st.markdown(
        "The lesson's sentence: **3×3 filters are difficult to interpret.** Nine weights per channel can "
        "hold an edge, "
        "a spot or a colour, not much more; 11×11 filters show stripes at every angle. What a small filter "
        "does is "
        "easier to see in its feature map."
    )


def words(computed: list[str]) -> None:
    """What to notice, where it misleads, the folded sections; `computed`: what was seen in the kernels."""
    first_layers()
    ui.explain(
        notice=[
            "A template of the linear network is light where ink speaks for its digit and dark where ink "
            "speaks "
            "against it. The mean digit only shows where ink is.",
            "A pixel without ink contributes nothing: contributions are zero outside the strokes.",
            *computed,
        ],
        misleads=[
            "With a scale of its own, a kernel of nearly zero weights looks as strong as any. Compare "
            "norms, or "
            "share the scale.",
            "Grey is not zero: 0 to 255 runs from the lowest to the highest weight.",
            "Only the first layer sees pixels. A deeper kernel weighs maps, and its mean over channels "
            "hides that its "
            "sheets differ.",
            "A hidden node of the MLP is one of 128 that are added up: alone it need not look like a digit.",
        ],
    )
    ui.more(
        formula=[
            r"g = 255\,\frac{w - \min w}{\max w - \min w}",
            r"z_k = b_k + \sum_{i,j} W^k_{ij}\, x_{ij}",
        ],
        steps=[
            "Reshape the node's row of weights to the picture: 784 numbers become 28 × 28.",
            "Scale linearly, lowest weight to 0, highest to 255.",
            "Multiply template and input pixel by pixel. The sum plus the bias is the node's value.",
            "A drawing is first fitted into 20 × 20 pixels and centred by its mass, as the digits of MNIST "
            "were.",
        ],
        exercises=[
            (
                "Draw a “1” and look at the template of “0”. Why is the middle of the contributions blue?",
                "A “0” has no ink in its middle; there its weights are negative, so ink there lowers its "
                f"{ui.term('logit')}.",
            ),
            (
                "Draw a digit far off centre or very small. Does the prediction change? Which step makes "
                "the network "
                "tolerate it?",
                "Sizing and centring do, before the network. The linear network itself compares pixel by "
                "pixel.",
            ),
            (
                "Switch the kernels to the shared scale. Which ones disappear?",
                "Those with a small norm: they nearly vanish in the grey of weight zero.",
            ),
        ],
        functions=[filters.templates, filters.contributions, filters.filter_bank, filters.scale],
        snippet="""
            import torch
            from vizcore import filters, gallery, models

            net = models.load("digits_linear")
            digit = torch.from_numpy(gallery.digits()[2][0] / 255).float()[None, None]
            template = filters.scale(filters.templates(net)[:, 0]).grey[3]     # 28 x 28, 0 to 255
            part = filters.contributions(net, digit, node=3)
            print(part.values.sum() + part.bias, net(digit)[0, 3])
        """,
        sources=[
            "LeCun, Cortes & Burges, The MNIST database of handwritten digits: sizing and centring",
            "Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks, NeurIPS "
            "2012, fig. 3",
            "Zeiler & Fergus, [Visualizing and Understanding Convolutional Networks]"
            "(https://arxiv.org/abs/1311.2901), ECCV 2014: from 11×11 to 7×7 first filters",
        ],
    )


st.header("Fully connected layers", anchor=False)
fully_connected()
st.header("Convolutional layers", anchor=False)
convolutional()
