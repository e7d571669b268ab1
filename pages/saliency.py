"""10 Saliency maps: the gradient of a class score with respect to the picture."""

import numpy as np
import streamlit as st
import torch

from vizcore import ui
from vizcore.evaluation import compare, perturbation
from vizcore.figures import charts, sentences
from vizcore.figures.bars import percent
from vizcore.methods import METHODS, gradients

# What a visitor reads, the method, and the beginning of its parameters' names in the address.
VARIANTS = {
    "Gradient": ("saliency", ""),
    "SmoothGrad": ("smooth_grad", "sg"),
    "Integrated gradients": ("integrated_gradients", "ig"),
}
OVER = {"sum": "Sum", "max": "Maximum", "l2": "Euclidean length"}

view = ui.begin(__file__)
choice = {"required": True, "bind": "query-params"}

row = ui.controls()
with row:
    variant = st.segmented_control("Variant", list(VARIANTS), default="Gradient", key="variant", **choice)
    method, prefix = VARIANTS[variant]
    of = "logit"
    if method == "saliency":
        of = st.segmented_control(
            "Gradient of the",
            ["logit", "loss", "probability"],
            default="logit",
            key="of",
            **choice,
            help="The score before the softmax, the cross-entropy of the class, or the softmax output.",
        )
    channels = st.segmented_control(
        "Over the channels",
        list(OVER),
        default="sum",
        key="channels",
        **choice,
        help="How the absolute values of a pixel's channels become one number.",
    )
with ui.controls("look_controls") if method == "saliency" else row:
    clip = st.select_slider(
        "Scale to percentile",
        [95, 98, 99, 99.5, 100],
        99.5,
        key="clip",
        bind="query-params",
        width=165,
        help="Larger values are drawn like the end of the scale. 100 is the maximum.",
    )
    opacity = ui.opacity()

plain = ui.attribution(view, "saliency", reduction=channels, of=of)
if method == "saliency":
    params, result = {"reduction": channels, "of": of}, plain
    signed, values = ui.input_gradient(view, of=of), plain.values
else:
    with ui.controls("variant_controls"):
        quick = {"tolerance": 0.0} if prefix == "ig" else {}
        params = ui.param_widgets(METHODS[method], prefix, **quick)
    result = ui.attribution(view, method, **params)
    signed = result.values
    values = gradients.reduce_channels(torch.from_numpy(signed)[None], channels)[0].numpy()

alt = f"{variant} map of {view.title} for the class {view.class_name}"
unit = f"change of the {of} per unit of pixel value"
if method == "saliency":
    caption = f"Where a small change would move the {of} of “{view.class_name}” most"
    ui.heat(
        values,
        view.picture,
        signed=False,
        clip=clip,
        opacity=opacity,
        unit=unit,
        caption=caption,
        alt=alt,
        key="saliency",
    )
else:
    unit = "share of the logit, without its sign" if prefix == "ig" else unit
    ui.compare(
        [
            ui.Panel(values, f"{variant}, “{view.class_name}”", alt, view.picture, False, opacity),
            ui.Panel(values, f"{variant} alone", alt, signed=False),
            ui.Panel(plain, "Plain gradient, on its own scale", f"Plain gradient of {view.title}"),
        ],
        clip=clip,
        share=False,
    )
    st.markdown(
        f"{ui.term('rank correlation', 'Rank correlation')} with the plain gradient's map: "
        f"{compare.in_words(ui.rank_correlation(values, plain.values))}",
        unsafe_allow_html=True,
    )
ui.notes(result)

st.header("Step by step", anchor=False)
left, right = st.columns(2)
with left:
    ui.compare(
        [
            ui.Panel(signed, "1. With its sign: grey is zero", f"{alt}: signed values", signed=True),
            ui.Panel(np.abs(signed), "2. Absolute value", f"{alt}: absolute values", signed=True),
        ]
    )
with right:
    reduced = f"3. {OVER[channels]} over the channels"
    ui.compare(
        [
            ui.Panel(values, reduced, f"{alt}: one number per pixel", signed=False),
            ui.Panel(values, "4. Over the picture", f"{alt}, over the picture", view.picture, False, opacity),
        ],
        clip=clip,
        unit=unit,
    )


@ui.fragment
def classes() -> None:
    """The plain gradient of several classes."""
    with ui.controls("class_controls"):
        count = st.slider("Most probable classes", 2, 5, 3, key="k", bind="query-params", width=220)
    maps = {c: ui.attribution(view, "saliency", c, reduction=channels, of=of) for c in view.top(count)}
    panels = []
    for c, found in maps.items():
        name, first = view.net.categories[c], maps[view.top(1)[0]]
        alike = compare.in_words(ui.rank_correlation(first.values, found.values))
        caption = f"“{name}”: logit {view.logits[c]:.3g}, {percent(view.probabilities[c])}"
        caption += "" if found is first else f". Rank correlation with the first: {alike}"
        panels.append(ui.Panel(found, caption, f"Saliency map for {name}"))
    ui.compare(panels, clip=clip, unit=f"change of the {of} per unit of pixel value")


@ui.fragment
def removal() -> None:
    """The most and the least salient pixels taken away, and as many random ones."""
    with ui.controls("removal_controls"):
        shares = [round(100 * share) for share in perturbation.SHARES[1:]]
        share = st.select_slider("Pixels removed (%)", shares, 10, key="share", bind="query-params", width=260)
        fill = st.segmented_control(
            "Replaced by",
            list(perturbation.FILLS),
            default="mean",
            key="fill",
            **choice,
            help="The picture's mean colour, or the blurred picture.",
        )
        score = st.segmented_control("Curve of the", ["logit", "probability"], default="logit", key="curve", **choice)
        seed = st.number_input("Random seed", 0, 9999, 0, key="seed", bind="query-params", width=130)
    key = (method, channels, *sorted(params.items()))
    curves = ui.removal_curve(view, values, key, perturbation.SHARES, fill, seed)
    at, orders = 1 + shares.index(share), perturbation.orders(values, seed)
    filling = perturbation.filling(view.net, view.x, fill)
    before = f"Before: logit {view.logits[view.target]:.3g}, {percent(view.probabilities[view.target])}"
    panels, logits = [ui.Panel(view.picture, before, view.alt)], {}
    for row, (name, order) in enumerate(orders.items()):
        logits[name] = curves["logit"][row, at]
        said = f"logit {logits[name]:.3g}, {percent(curves['probability'][row, at])}"
        gone = perturbation.to_picture(view.net, perturbation.remove(view.x, order, share / 100, filling))
        caption = f"{charts.REMOVALS[name]}: {said}"
        panels.append(ui.Panel(gone, caption, f"The picture without {share} % of its pixels. {caption}"))
    ui.compare(panels)
    st.markdown(sentences.removal(logits, share, view.class_name))
    lines = dict(zip(orders, curves[score], strict=True))
    figure = charts.removal_chart(perturbation.SHARES, lines, share / 100, f"{score.capitalize()} of the class")
    st.plotly_chart(
        figure,
        key="removal_chart",
        config={"displayModeBar": False},
        alt=f"The {score} of {view.class_name} against the share of pixels removed, in three orders",
    )


st.header("Several classes, one scale", anchor=False)
st.markdown("The plain gradient. For any other class, choose it in the sidebar.")
classes()
st.header("Do the salient pixels matter?", anchor=False)
removal()

ui.explain(
    notice=[
        f"The map is scattered over single pixels. A {ui.term('gradient')} says what a *small* change would "
        "do, pixel by pixel, not where the object is.",
        "From step 1 to 2: without the absolute value, a red that should rise and a green that should fall "
        "would cancel in the sum.",
        f"Choose *probability*: where the {ui.term('softmax')} is in {ui.term('saturation')}, the numbers at "
        "the colour bar shrink.",
    ],
    misleads=[
        "A bright pixel is one the score is *sensitive* to. It need not be evidence for the class.",
        "Maps of different classes can be alike: read their rank correlation before you see a class in one.",
        "Pictures with holes are pictures the network never saw in training. So compare with the random "
        "control, not with the untouched picture.",
    ],
)
ui.more(
    formula=[
        r"M_{ij} = \sum_c \left| \frac{\partial S}{\partial x_{cij}} \right|",
        r"\text{SmoothGrad: } \frac{1}{n}\sum_{k=1}^{n} \nabla S(x + \varepsilon_k),\quad "
        r"\varepsilon_k \sim \mathcal{N}(0, \sigma^2)",
        r"\text{Integrated gradients: } (x - x') \odot \int_0^1 \nabla S(x' + t\,(x - x'))\,dt",
    ],
    steps=[
        "Run the picture through the network and take the score of one class.",
        "Differentiate it with respect to every number of the picture; the weights stay fixed.",
        "Take the absolute value, then combine the channels of each pixel.",
    ],
    exercises=[
        (
            "Compare *loss* with *logit* for the same class. Why are the two maps not the same?",
            "The loss is −log of the softmax. Its gradient is the sum, over the other classes, of their "
            "probability times the difference of their logit's gradient and this one's: other classes enter, "
            "and the more certain the network is, the smaller the numbers become.",
        ),
        (
            "Raise the noise of SmoothGrad to 0.5. The map is smoother. Is it better?",
            "Smoother is not truer: with so much noise the network may not recognize the picture at all. Look "
            "at the curve: does removing the most salient pixels lower the score more than before?",
        ),
        (
            "Find a picture where random pixels hurt more than the most salient ones.",
            "Try the chinstrap penguin, EfficientNet-Lite0 and the plain gradient. A map of sensitivity to "
            "small changes need not tell what a large change does. See whether it stays so with another seed "
            "and with the filling *blur*.",
        ),
    ],
    functions=[gradients.input_gradient, gradients.reduce_channels, perturbation.remove, perturbation.curve],
    snippet=ui.snippet(view, method, **params),
    sources=[
        "Simonyan et al.: [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034) (arXiv 2013)",
        "Smilkov et al.: [SmoothGrad](https://arxiv.org/abs/1706.03825) (arXiv 2017)",
        "Sundararajan et al.: [Axiomatic Attribution](https://arxiv.org/abs/1703.01365) (ICML 2017)",
        "Samek et al.: [Evaluating the Visualization](https://arxiv.org/abs/1509.06321) (IEEE TNNLS 2017)",
    ],
)
