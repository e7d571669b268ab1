"""16. Grad-CAM, unrolled: maps, gradients, weights, weighted sum, ReLU, enlargement."""

import numpy as np
import streamlit as st

from vizcore import cam, cam_figures, cam_steps, methods, render, ui
from vizcore.ui.blocks import scale

view = ui.begin(__file__)
number = render.number

stops = cam_steps.stops(view.net)
with ui.controls():
    layer = ui.layer_select(view, "layer", keep=lambda item: item.name in stops, slider=True)
against = st.toggle(
    "Counterfactual: negate the gradient", key="counterfactual", bind="query-params",
    help="The map then shows evidence against the class: regions whose removal would raise its score.",
)  # fmt: skip
steps = cam_steps.unroll(view.net, view.x, view.target, layer, against)
maps, height, width = steps.activations.shape
before, heat = steps.before_relu.cpu().numpy(), steps.map.cpu().numpy()
stance = "against" if against else "for"
below = int((before < 0).sum())


@ui.fragment
def overlay() -> None:
    with ui.controls("drawing"):
        opacity = ui.opacity()
        drawn = st.segmented_control(
            "Drawn", ["smooth", "cells"], default="smooth", key="drawn", required=True, bind="query-params"
        )
    ui.heat(
        heat, view.picture, signed=False, smooth=drawn == "smooth", opacity=opacity, key="grad_cam",
        caption=f"Evidence {stance} {view.class_name} at {layer}", unit="raw value of the map",
        alt=f"Grad-CAM of {view.class_name} over {view.title}; strongest {number(heat.max())}",
    )  # fmt: skip


overlay()
if not heat.any():
    st.info(
        f"The final ReLU removed everything: no evidence {stance} {view.class_name} at this layer. "
        "The signed sum below shows what there was.", icon=":material/info:",
    )  # fmt: skip

st.header("The strongest maps", anchor=False)
strongest, totals, shares = steps.strongest(8), steps.totals.tolist(), steps.shares.tolist()
alphas, means = steps.weights.tolist(), steps.activations.mean((1, 2)).tolist()
st.markdown(
    f"Each of the {maps} feature maps $A^k$ is multiplied by one number, $\\alpha_k$. These "
    f"{len(strongest)} products weigh most; red raises the map, blue lowers it."
)
products = steps.contributions[strongest].cpu().numpy()
top = float(np.abs(products).max()) or 1.0
st.html(cam_figures.tiles(
    products,
    [f"<b>{k}</b><br>α {number(alphas[k])}<br>{100 * shares[k]:.2g} %" for k in strongest],
    top,
    [f"Map {k}: α {number(alphas[k])} × mean {number(means[k])} = {number(totals[k])}" for k in strongest],
))  # fmt: skip
st.html(scale(top, 2, True, "α times the map; under each: channel, α, share of all |α × mean of the map|"))


@ui.fragment
def one_map() -> None:
    ranks = [str(rank) for rank in range(1, len(strongest) + 1)]
    rank = st.segmented_control(
        "Look at one of them, by rank", ranks, default="1", key="rank", required=True, bind="query-params"
    )
    k = strongest[int(rank) - 1]
    gradient, product = steps.gradients[k].cpu().numpy(), steps.contributions[k].cpu().numpy()
    ui.compare(
        [
            ui.Panel(steps.activations[k].cpu().numpy(), f"Feature map {k}: mean {number(means[k])}"),
            ui.Panel(gradient, f"Gradient of the score: mean {number(alphas[k])} = α", signed=True),
            ui.Panel(product, f"α × map {k}, over the picture", photo=view.picture, signed=True),
        ],
        share=False, smooth=False,
    )  # fmt: skip


one_map()

st.header("The weights", anchor=False)
st.markdown(
    f"$\\alpha_k$ is the mean of a gradient map. {sum(a > 0 for a in alphas)} of {maps} weights are "
    f"positive, {sum(a < 0 for a in alphas)} negative. Point at a bar for its channel and value."
)
chart = cam_figures.weight_bars(np.array(alphas), np.array(means))
st.plotly_chart(chart, key="weights", config={"displayModeBar": False})

st.header("Sum, ReLU, enlargement", anchor=False)
signed = render.enlarge(before, (448, 448), smooth=False)
cells = render.enlarge(heat, (448, 448), smooth=False)
smooth = render.enlarge(heat, (448, 448), smooth=True)
ui.compare(
    [
        ui.Panel(signed, "1. Sum of all α × map, signed", signed=True),
        ui.Panel(cells, f"2. ReLU: {below} of {height * width} cells were below zero", signed=False),
        ui.Panel(cells, "3. Enlarged as cells", photo=view.picture, signed=False),
        ui.Panel(smooth, "4. Enlarged bilinearly", photo=view.picture, signed=False),
    ],
    columns=4,
)  # fmt: skip
head = None if against else cam_steps.linear_head(view.net, steps, view.target)
if head and head.holds:
    st.markdown(
        f"**A check.** The signed sum adds up to {head.total:.4g} over its cells; with the class's bias "
        f"{head.bias:.3g} that is {head.total + head.bias:.4g}, and the {ui.term('logit')} is "
        f"{head.score:.4g}. And $\\alpha_k$ equals the class's weight $w_k / {height * width}$ (largest "
        f"difference {100 * head.weight_error:.1g} %). Both must hold where only average pooling and one "
        "linear layer follow.",
        unsafe_allow_html=True,
    )
elif not against:
    st.markdown(
        f"The signed sum adds up to {before.sum():.4g} over its cells, the {ui.term('logit')} is "
        f"{steps.score:.4g}. They are equal, up to a bias, only where average pooling and one linear layer "
        "follow.",
        unsafe_allow_html=True,
    )

st.header("Two classes in one picture", anchor=False)


@ui.fragment
def two_classes() -> None:
    with ui.controls("pair"):
        default = next((index for index in view.top(2) if index != view.target), view.target)
        other = ui.class_select(view, "versus", "Second class", default=default, width=330)
        linked = st.toggle("Same scale for both", True, key="linked", bind="query-params")
    name = view.net.categories[other]
    second = ui.attribution(view, "grad_cam", other, layer, counterfactual=against).values
    tops = float(heat.max()), float(second.max())
    panels = [
        ui.Panel(heat, f"Evidence {stance} {view.class_name}: up to {number(tops[0])}", photo=view.picture),
        ui.Panel(second, f"Evidence {stance} {name}: up to {number(tops[1])}", photo=view.picture),
        ui.Panel(
            cam_figures.two_classes(
                view.picture, heat, second, (view.class_name, name), vmax=max(tops) if linked else None
            ),
            "Both: blue and orange", f"Grad-CAM of {view.class_name} in blue and of {name} in orange",
        ),
    ]  # fmt: skip
    ui.compare([panel._replace(signed=False) for panel in panels], share=linked, unit="raw value of the map")
    same = cam_steps.correlation(heat, second)
    if same is not None and other != view.target:
        st.markdown(f"Cell by cell, the two maps have a correlation of {same:.2f} (1: same shape).")


two_classes()

st.header("Other ways to weight the maps", anchor=False)


@ui.fragment
def variants() -> None:
    if not st.toggle("Compute them for this layer", key="variants", bind="query-params"):
        return
    panels = []
    for method in ("grad_cam", "cam", "grad_cam_pp", "hires_cam", "layer_cam", "xgrad_cam"):
        title = methods.METHODS[method].title
        try:
            own = method != "cam" or layer == view.net.cam_layer
            result = ui.attribution(view, method, layer=None if own and method == "cam" else layer)
        except ValueError:
            st.caption(f"{title} needs average pooling and one linear layer right behind the maps: not so here.")
            continue
        panels.append(ui.Panel(result, f"{title}: up to {number(result.values.max())}", photo=view.picture))
    st.markdown("Their raw units differ, so each has its own scale: compare where they are hot, not how hot.")
    ui.compare(panels, share=False, columns=3)


variants()

field = view.net.layer(layer).receptive_field
ui.explain(
    notice=[
        f"The map has {height} × {width} {ui.term('cell', 'cells')}: each stands for about "
        f"{view.net.input_size / height:.3g} × {view.net.input_size / width:.3g} pixels of the picture"
        + (f"; its {ui.term('receptive field')} is {field.size} pixels wide." if field else "."),
        f"The eight strongest maps carry {100 * sum(shares[k] for k in strongest):.0f} % of all "
        "contributions: the map is the work of many." if maps > 8 else "Few maps: each one can be followed "
        "to the end.",
        "Another class changes only the weights; the feature maps stay the same.",
    ],
    misleads=[
        f"The smooth picture holds {height * width} numbers. Finer outlines are interpolation, not evidence.",
        "The final ReLU hides evidence on the other side: "
        + (f"{below} of {height * width} cells here." if below else "none here, but try other classes."),
        "The gradient is averaged before it is used. Where it changes sign within a map, cells can look "
        "important that the score does not use; HiResCAM multiplies cell by cell.",
        "A map drawn on its own scale always has a hottest cell. Read the numbers before comparing classes.",
    ],
)  # fmt: skip

ui.more(
    formula=[
        r"\alpha_k^c = \frac{1}{h\,w} \sum_{i,j} \frac{\partial y^c}{\partial A^k_{ij}}",
        r"L^c = \mathrm{ReLU}\Big(\sum_k \alpha_k^c A^k\Big)",
    ],
    steps=[
        f"Run the picture through {view.net.title} and keep the {maps} maps of {layer}.",
        f"Differentiate the {ui.term('logit')} of the class with respect to these maps only; the layers "
        "before are cut off.",
        "Average each gradient map: that is its weight. (Counterfactual: change the sign first.)",
        "Add the weighted maps, drop what is below zero, enlarge bilinearly to the picture.",
    ],
    exercises=[
        ("Move the layer slider from the last layer to the first. What do you gain, what do you lose?",
         "Cells become smaller, but one weight per map then has to speak for the whole picture: early maps "
         "hold edges and colours that occur everywhere, and their averaged gradients say little about a "
         "place."),
        ("Turn the counterfactual on. Which earlier picture contained the new map already?",
         "The signed sum. Negating the gradient negates every weight, so the map is the blue part of the "
         "signed sum."),
        ("Switch off the common scale of the two classes. What changes, and which of the two settings is "
         "honest?",
         "The weaker map becomes as bright as the stronger one. Both are honest while the numbers are read; "
         "only the common scale lets the eye compare the classes."),
    ],
    functions=[cam.activations_and_gradients, cam.grad_cam, cam_steps.unroll, cam_steps.linear_head],
    snippet=ui.snippet(view, "grad_cam", layer=layer, counterfactual=against),
    sources=[
        "Selvaraju et al., [Grad-CAM](https://arxiv.org/abs/1610.02391), ICCV 2017",
        "Zhou et al., [Learning Deep Features for Discriminative "
        "Localization](https://arxiv.org/abs/1512.04150) (CAM), CVPR 2016",
        "Chattopadhyay et al., [Grad-CAM++](https://arxiv.org/abs/1710.11063), WACV 2018",
        "Fu et al., [Axiom-based Grad-CAM](https://arxiv.org/abs/2008.02312) (XGrad-CAM), BMVC 2020",
        "Draelos & Carin, [Use HiResCAM instead of Grad-CAM](https://arxiv.org/abs/2011.08891), arXiv 2020",
        "Jiang et al., LayerCAM, IEEE Transactions on Image Processing 2021",
        "Adebayo et al., [Sanity Checks for Saliency Maps](https://arxiv.org/abs/1810.03292), NeurIPS 2018: "
        "Grad-CAM changes when the weights are randomized",
    ],
)  # fmt: skip
