"""10 Saliency maps: the gradient of a class score with respect to the picture."""

import numpy as np
import streamlit as st
import torch

from vizcore import gradients, perturbation, sanity, ui
from vizcore.methods import METHODS
from vizcore.ui.state import percent

VARIANTS = {"Gradient": "saliency", "SmoothGrad": "smooth_grad", "Integrated gradients": "integrated_gradients"}
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3)

view = ui.begin(__file__)


def reduced(values: np.ndarray) -> np.ndarray:
    """(C, H, W) to (H, W), the way the visitor chose."""
    return gradients.reduce_channels(torch.from_numpy(values)[None], channels)[0].numpy()


with ui.controls("controls"):
    variant = st.segmented_control(
        "Variant", list(VARIANTS), default="Gradient", required=True, key="variant", bind="query-params"
    )
    of = "logit"
    if variant == "Gradient":
        of = st.segmented_control(
            "Gradient of the", ["logit", "loss", "probability"], default="logit", required=True, key="of",
            bind="query-params", help="The score before the softmax, the cross-entropy, or the softmax output.",
        )  # fmt: skip
    channels = st.segmented_control(
        "Over the channels", ["sum", "max", "l2"], default="sum", required=True, key="channels",
        bind="query-params", help="How the absolute values of red, green and blue become one number.",
    )  # fmt: skip
    clip = st.select_slider(
        "Scale ends at percentile", [95.0, 98.0, 99.0, 99.5, 100.0], 99.5, key="clip", bind="query-params",
        width=220, help="Larger values are drawn like the end of the scale. 100 is the maximum.",
    )  # fmt: skip
    opacity = ui.opacity()

method = VARIANTS[variant]
if variant == "Gradient":
    params = {"reduction": channels, "of": of}
    result = ui.attribution(view, method, **params)
    signed, values = ui.input_gradient(view, of=of), result.values
else:
    with ui.controls("variant_controls"):
        params = ui.param_widgets(METHODS[method], {"smooth_grad": "sg", "integrated_gradients": "ig"}[method])
    result = ui.attribution(view, method, **params)
    signed, values = result.values, reduced(result.values)

what = "score times a colour difference" if method == "integrated_gradients" else f"change of the {of} per unit"
ui.heat(
    values, view.picture, clip=clip, opacity=opacity, unit=what, key="saliency", signed=False,
    caption=f"{variant}: which pixels change “{view.class_name}” most",
    alt=f"{variant} saliency map of {view.title} for the class {view.class_name}, over the picture",
)  # fmt: skip
ui.notes(result)
if variant != "Gradient":
    plain = ui.attribution(view, "saliency", reduction=channels)
    alike = sanity.spearman(values, plain.values)
    st.caption(f"Rank correlation with the plain gradient's map: {alike:.2f} (1: the same order of pixels).")

st.header("Step by step", anchor=False)
left, right = st.columns(2)
with left:
    ui.compare(
        [
            ui.Panel(signed, "1. Signed: grey is zero", "The signed values, one number per channel", signed=True),
            ui.Panel(np.abs(signed), "2. Absolute value", "Their absolute values", signed=True),
        ],
    )
with right:
    over = {"sum": "Sum", "max": "Maximum", "l2": "Euclidean length"}[channels]
    ui.compare(
        [
            ui.Panel(values, f"3. {over} over the channels", "One number per pixel", signed=False),
            ui.Panel(values, "4. Over the picture", "The map over the picture", view.picture, False, opacity),
        ],
        clip=clip, unit=what,
    )  # fmt: skip

st.header("Several classes, one scale", anchor=False)
with ui.controls("class_controls"):
    count = st.slider("Classes", 2, 5, 3, key="k", bind="query-params", width=220)
maps = {c: ui.attribution(view, "saliency", c, reduction=channels, of=of) for c in view.top(count)}
first = maps[view.top(1)[0]].values
ui.compare(
    [
        ui.Panel(
            found,
            f"{view.net.categories[c]}: logit {view.logits[c]:.3g}, {percent(view.probabilities[c])}; "
            f"rank correlation with the first {sanity.spearman(first, found.values):.2f}",
            f"Saliency map for {view.net.categories[c]}",
        )
        for c, found in maps.items()
    ],
    clip=clip, unit=f"change of the {of} per unit",
)  # fmt: skip
st.caption("Plain gradients. Any other class: choose it in the sidebar.")


@ui.fragment
def removal() -> None:
    """Take the most and the least salient pixels away, and as many random ones."""
    with ui.controls("removal_controls"):
        share = st.select_slider(
            "Pixels removed (%)", [round(100 * s) for s in SHARES[1:]], 10, key="share", bind="query-params",
            width=260,
        ) / 100  # fmt: skip
        fill = st.segmented_control(
            "Replaced by", list(perturbation.FILLS), default="mean", required=True, key="fill",
            bind="query-params", help="The picture's mean colour, or the blurred picture.",
        )  # fmt: skip
        score = st.segmented_control(
            "Curve of the", ["logit", "probability"], default="logit", required=True, key="curve",
            bind="query-params",
        )  # fmt: skip
        seed = st.number_input("Random seed", 0, 9999, 0, key="seed", bind="query-params", width=130)
    key = (method, channels, *sorted(params.items()))
    curves = ui.removal_curve(view, values, key, SHARES, fill, seed)
    names, at = ("most", "least", "random"), SHARES.index(share)
    now = {name: {kind: curves[kind][i, at] for kind in curves} for i, name in enumerate(names)}
    orders, filling = perturbation.orders(values, seed), perturbation.filling(view.net, view.x, fill)
    before = f"Before: logit {view.logits[view.target]:.3g}, {percent(view.probabilities[view.target])}"
    panels = [ui.Panel(view.picture, before, view.alt)]
    for name in ("most", "random", "least"):
        gone = perturbation.remove(view.x, orders[name], share, filling)
        said = f"logit {now[name]['logit']:.3g}, {percent(now[name]['probability'])}"
        caption = f"{perturbation.NAMES[name]}: {said}"
        panels.append(ui.Panel(perturbation.to_picture(view.net, gone), caption, caption))
    ui.compare(panels)
    most, random = now["most"]["logit"], now["random"]["logit"]
    st.markdown(
        f"With {100 * share:.0f} % of the pixels gone, the most salient ones leave “{view.class_name}” a logit of "
        f"{most:.3g}, as many random ones {random:.3g}. "
        + (
            "Here the map does find pixels that matter more than others."
            if most < random
            else "Here random pixels hurt at least as much: do not read the map as “these pixels matter most”."
        )
    )
    lines = {name: curves[score][i] for i, name in enumerate(names)}
    figure = perturbation.chart(SHARES, lines, share, f"{score} of {view.class_name}")
    st.plotly_chart(figure, key="removal_chart", config={"displayModeBar": False})


st.header("Do the salient pixels matter?", anchor=False)
removal()

ui.explain(
    notice=[
        f"The map is scattered: single pixels, not the object. The {ui.term('gradient')} says what a *small* "
        "change would do, pixel by pixel.",
        "Step 1 to 2: without the absolute value, a red that should rise and a green that should fall would "
        "cancel in the sum.",
        f"Choose *probability*: where the {ui.term('softmax')} is in {ui.term('saturation')} the numbers on the "
        "scale shrink, though the picture may look alike.",
    ],
    misleads=[
        "A bright pixel is one the score is *sensitive* to. It need not be evidence for the class.",
        "Maps of different classes are alike: read the rank correlations above before you see a class in a map.",
        "Removing pixels makes pictures the network never saw in training. That is why the random control is "
        "there: compare with it, not with the untouched picture.",
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
        "Differentiate it with respect to every number of the picture: the weights stay fixed.",
        "Take the absolute value, then combine the three channels of a pixel.",
    ],
    exercises=[
        (
            "Choose *loss* and then *logit* for the first class. Why are the two maps not the same?",
            "The loss is −log of the softmax: its gradient is the mean gradient of all logits, weighted by their "
            "probabilities, minus the gradient of the class's own. Other classes enter. Its size is at most "
            "(1 − p) times the spread of the logits' gradients, so it shrinks as the network becomes sure.",
        ),
        (
            "Raise the noise of SmoothGrad to 0.5. Is the map better because it looks smoother?",
            "Smoother is not truer: at such noise the network may not recognize the picture at all. Check with "
            "the curve: does removing the most salient pixels lower the score more than with the plain gradient?",
        ),
        (
            "Find a picture for which random pixels hurt more than the most salient ones.",
            "Scattered holes of the mean colour are a strong texture of their own; salient pixels often lie "
            "together, so as many of them make fewer new edges. Try the filling *blur*.",
        ),
    ],
    functions=[gradients.input_gradient, gradients.reduce_channels, perturbation.remove, perturbation.curve],
    snippet=ui.snippet(view, method, **params),
    sources=[
        "Simonyan, Vedaldi, Zisserman: [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034) (2013)",
        "Smilkov et al.: [SmoothGrad](https://arxiv.org/abs/1706.03825) (2017)",
        "Sundararajan, Taly, Yan: [Axiomatic Attribution for Deep Networks](https://arxiv.org/abs/1703.01365) "
        "(ICML 2017)",
        "Samek et al.: [Evaluating the Visualization of What a Deep Neural Network Has Learned]"
        "(https://arxiv.org/abs/1509.06321) (2017)",
    ],
)
