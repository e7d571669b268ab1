"""16. Grad-CAM, unrolled: maps, gradients, weights, weighted sum, ReLU, enlargement."""

import numpy as np
import streamlit as st

from vizcore import methods, ui
from vizcore.evaluation import compare
from vizcore.figures import bars, render
from vizcore.figures import cam as cam_figures
from vizcore.inspection import cam_steps
from vizcore.methods import cam
from vizcore.models import layers as model_layers
from vizcore.ui.blocks import scale

view = ui.begin(__file__)
number, name = render.number, view.class_name
stops = model_layers.stops(view.net)
with ui.controls():
    layer = ui.layer_select(view, "layer", keep=lambda item: item.name in stops, slider=True)
    against = st.toggle(
        "Counterfactual", key="counterfactual", bind="query-params",
        help="Negates the gradient: the map shows evidence against the class, regions whose removal would raise "
        "its score.",
    )  # fmt: skip
steps = cam_steps.unroll(view.net, view.x, view.target, layer, against)
maps, height, width = steps.activations.shape
heat, stance = steps.map.cpu().numpy(), "against" if against else "for"
below, cells = int((steps.before_relu < 0).sum()), height * width


@ui.fragment
def overlay() -> None:
    with ui.controls("drawing"):
        opacity = ui.opacity()
        drawn = st.segmented_control(
            "Drawn", ["smooth", "cells"], default="smooth", key="drawn", required=True, bind="query-params"
        )
    ui.heat(
        heat, view.picture, signed=False, smooth=drawn == "smooth", opacity=opacity, key="grad_cam",
        caption=f"Evidence {stance} {name} at {layer}", unit="raw value of the map",
        alt=f"Grad-CAM of {name} over {view.title}; strongest {number(heat.max())}",
    )  # fmt: skip


overlay()
if not heat.any():
    st.info(
        f"The final ReLU removed everything: no evidence {stance} {name} at this layer. The signed sum in "
        "step 3 shows what there was.", icon=":material/info:",
    )  # fmt: skip

st.header("Step 1. One weight for each map", anchor=False)
strongest = steps.strongest(8)
st.markdown(
    f"Each of the {maps} feature maps $A^k$ is multiplied by one number, $\\alpha_k$. These {len(strongest)} "
    "products weigh most: red raises the result, blue lowers it."
)
top = float(steps.contributions[strongest].abs().max())
st.html(cam_figures.tiles(steps, strongest, top))
st.html(scale(top, 2, True, "α times the map. Under each: channel, α, share of all |α × mean|"))


@ui.fragment
def one_map() -> None:
    ranks = [str(rank) for rank in range(1, len(strongest) + 1)]
    rank = st.segmented_control(
        "Enlarge one of them, by rank", ranks, default="1", key="rank", required=True, bind="query-params"
    )
    k = strongest[int(rank) - 1]
    values, gradient, product = (
        stack[k].cpu().numpy() for stack in (steps.activations, steps.gradients, steps.contributions)
    )
    alpha = f"its mean is α = {number(gradient.mean())}"
    if np.ptp(gradient) < 1e-3 * np.abs(gradient).max():
        alpha = f"the same in every cell: α = {number(gradient.mean())}"
    panels = [
        ui.Panel(values, f"Feature map {k}"),
        ui.Panel(gradient, f"Gradient of the score; {alpha}", signed=True),
        ui.Panel(product, f"α × map {k}", photo=view.picture, signed=True),
    ]
    ui.compare(panels, share=False, smooth=False)


one_map()

st.header("Step 2. All weights", anchor=False)
ends = "The 14 largest and the 14 smallest. " if maps > 28 else ""
st.markdown(
    f"{int((steps.weights > 0).sum())} of {maps} weights are positive, {int((steps.weights < 0).sum())} negative. "
    f"{ends}Point at a bar for its channel and value."
)
st.html(bars.weight_bars(steps.weights.cpu().numpy(), steps.activations.mean((1, 2)).cpu().numpy()))

st.header("Step 3. Sum, ReLU, enlargement", anchor=False)
signed, crisp, smooth = cam_figures.stages(steps)
ui.compare(
    [
        ui.Panel(signed, "Sum of all α × map", signed=True),
        ui.Panel(crisp, f"ReLU: {below} of {cells} cells were below zero", signed=False),
        ui.Panel(crisp, "Enlarged as cells", photo=view.picture, signed=False),
        ui.Panel(smooth, "Enlarged bilinearly", photo=view.picture, signed=False),
    ],
    columns=4,
)
head = None if against else cam_steps.linear_head(view.net, steps, view.target)
total, logit = f"The signed sum adds up to {float(steps.before_relu.sum()):.4g}", ui.term("logit")
if head and head.holds:
    error = "less than 0.01" if head.weight_error < 1e-4 else number(100 * head.weight_error)
    st.markdown(
        f"**A check.** {total}; with the class's bias of {head.bias:.3g} that is {head.total + head.bias:.4g}, and "
        f"the {logit} is {head.score:.4g}. Every $\\alpha_k$ is the class's weight $w_k$ divided by {cells}: they "
        f"differ by {error} %. This is so where only average pooling and at most one linear layer follow: Grad-CAM "
        f"is then CAM, divided by {cells}, without what is below zero.",
        unsafe_allow_html=True,
    )
elif not against:
    st.markdown(
        f"{total}; the {logit} is {steps.score:.4g}. The two must agree, up to the bias, only where nothing but "
        "average pooling and one linear layer follows.",
        unsafe_allow_html=True,
    )

st.header("Two classes in one picture", anchor=False)


@ui.fragment
def two_classes() -> None:
    with ui.controls("pair"):
        default = next((index for index in view.top(2) if index != view.target), view.target)
        other = ui.class_select(view, "versus", "Second class", default=default, width=330)
        linked = st.toggle("Same scale for both", True, key="linked", bind="query-params")
    names = name, view.net.categories[other]
    pair = heat, ui.attribution(view, "grad_cam", other, layer, counterfactual=against).values
    both = max(float(values.max()) for values in pair)
    panels = [
        ui.Panel(values, f"Evidence {stance} {label}: up to {number(values.max())}", "", view.picture, False)
        for values, label in zip(pair, names, strict=True)
    ]
    drawn = cam_figures.two_classes(view.picture, *pair, names, vmax=both if linked else None)
    alt = f"Grad-CAM of {names[0]} in blue and of {names[1]} in orange"
    ui.compare([*panels, ui.Panel(drawn, "Both, in blue and orange", alt)], share=linked)
    same = compare.correlation(*pair)
    if same is not None and other != view.target:
        st.markdown(f"Cell by cell, the two maps have a correlation of {same:.2f} (1: the same shape).")


two_classes()

st.header("Other ways to weight the maps", anchor=False)


@ui.fragment
def variants() -> None:
    if not st.toggle("Compute them for this layer", key="variants", bind="query-params"):
        return
    panels = []
    quick = [m.name for m in methods.METHODS.values() if m.family == "cam" and m.maps and not m.slow]
    for method in quick:
        title = methods.METHODS[method].title
        try:
            chosen = None if method == "cam" and layer == view.net.cam_layer else layer
            result = ui.attribution(view, method, layer=chosen)
        except ValueError:
            st.caption(f"{title} needs average pooling and one linear layer right behind the maps: not so here.")
            continue
        panels.append(ui.Panel(result, f"{title}: up to {number(result.values.max())}", photo=view.picture))
    st.markdown(
        f"Evidence for {name}. Their raw units differ, so each has its own scale: compare where they are "
        "hot, not how hot. Red and blue: methods without a final ReLU. Eigen-CAM does not look at the class."
    )
    ui.compare(panels, share=False, columns=4)
    for slow in ("ablation_cam", "score_cam"):
        label = f"{methods.METHODS[slow].title} runs the network once for every map: try it"
        ui.link("timeline", label, method=slow)


variants()

field = view.net.layer(layer).receptive_field
reach = f"; its {ui.term('receptive field')} is {field.size} pixels wide" if field else ""
share = 100 * float(steps.shares[strongest].sum())
ui.explain(
    notice=[
        f"The map has {height} × {width} {ui.term('cell', 'cells')}. Each stands for about "
        f"{view.net.input_size / height:.3g} × {view.net.input_size / width:.3g} pixels{reach}.",
        f"The {len(strongest)} strongest of {maps} maps make {share:.0f} % of all contributions.",
        "Choose another class: the weights change, the feature maps stay.",
    ],
    misleads=[
        f"The smooth picture holds {cells} numbers. Its outline is interpolation, not evidence.",
        f"The final ReLU hides evidence on the other side: {below} of {cells} cells here.",
        "The gradient is averaged first. Where it differs within a map, cells can light up that the score "
        "does not use; HiResCAM multiplies cell by cell instead.",
        "On its own scale every map has a hottest cell. Read the numbers before comparing classes.",
    ],
)
ui.more(
    formula=[
        r"\alpha_k^c = \frac{1}{h\,w} \sum_{i,j} \frac{\partial y^c}{\partial A^k_{ij}}",
        r"L^c = \mathrm{ReLU}\Big(\sum_k \alpha_k^c A^k\Big)",
    ],
    steps=[
        f"Run the picture through {view.net.title} and keep the {maps} maps of {layer}.",
        f"Differentiate the {logit} of the class with respect to these maps; the layers before are cut off.",
        "Average each gradient map: that is its weight. For the counterfactual, change its sign.",
        "Add the weighted maps, drop what is below zero, enlarge bilinearly to the picture.",
    ],
    exercises=[
        (
            "Move the slider from the last layer to the first. What do you gain, what do you lose?",
            "The cells become smaller. But one weight per map then speaks for the whole picture, while early "
            "maps hold edges and colours that occur everywhere: the map says less about the class.",
        ),
        (
            "Turn the counterfactual on. In which picture was the new map to be seen already?",
            "In the signed sum: a negated gradient negates every weight, so the new map is its blue part.",
        ),
        (
            "Unlink the scale of the two classes. What changes, and which setting lets you compare them?",
            "The weaker map becomes as bright as the stronger one. Only on the common scale can the eye compare.",
        ),
    ],
    functions=[cam.activations_and_gradients, cam.grad_cam, cam_steps.unroll, cam_steps.linear_head],
    snippet=ui.snippet(view, "grad_cam", layer=layer, counterfactual=against),
    sources=[
        "Selvaraju et al., [Grad-CAM](https://arxiv.org/abs/1610.02391), ICCV 2017",
        "Zhou et al., [CAM](https://arxiv.org/abs/1512.04150), CVPR 2016",
        "Chattopadhyay et al., [Grad-CAM++](https://arxiv.org/abs/1710.11063), WACV 2018",
        "Fu et al., [XGrad-CAM](https://arxiv.org/abs/2008.02312), BMVC 2020",
        "Draelos & Carin, [Use HiResCAM instead of Grad-CAM](https://arxiv.org/abs/2011.08891), arXiv 2020",
        "Jiang et al., LayerCAM, IEEE Transactions on Image Processing 2021",
        "Adebayo et al., [Sanity Checks for Saliency Maps](https://arxiv.org/abs/1810.03292), NeurIPS 2018: "
        "Grad-CAM changes when the weights are randomized",
    ],
)
