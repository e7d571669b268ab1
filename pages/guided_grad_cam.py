"""17. Guided Grad-CAM: the place from Grad-CAM times the detail of guided backpropagation."""

import numpy as np
import streamlit as st
import torch

from vizcore import ui
from vizcore.evaluation import compare
from vizcore.figures import cam as cam_figures
from vizcore.figures import render
from vizcore.methods import cam, relu_rules
from vizcore.models import layers as model_layers

view = ui.begin(__file__)


def factors(of: ui.View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Guided backpropagation, the enlarged Grad-CAM and their product; a grey picture's one channel as a map."""
    guided, coarse, product = (
        ui.attribution(of, method, **options).values
        for method, options in (
            ("guided_backprop", {}),
            ("grad_cam", {"layer": layer}),
            ("guided_grad_cam", {"layer": layer}),
        )
    )
    place = cam.upsample(torch.from_numpy(coarse)[None], guided.shape[-2:])[0].numpy()
    return (guided, place, product) if len(guided) == 3 else (guided[0], place, product[0])


stops = model_layers.stops(view.net)
with ui.controls():
    layer = ui.layer_select(view, "layer", keep=lambda item: item.name in stops, slider=True)
_, height, width = view.net.layer(layer).out_shape
guided, place, product = factors(view)
rows = (
    ui.Panel(guided, f"Guided backpropagation for {view.class_name}", signed=True),
    ui.Panel(place, f"× Grad-CAM of {layer}, {height} × {width} cells enlarged", photo=view.picture, signed=False),
    ui.Panel(product, "= Guided Grad-CAM", signed=True),
)
for column, panel in zip(st.columns(3), rows, strict=True):
    with column:
        panel = panel._replace(alt=f"{panel.caption}: {view.class_name} in {view.title}")
        ui.compare([panel], columns=1, unit="raw value of the map" if panel.photo else "")
ui.notes(ui.attribution(view, "guided_backprop"))
if not place.any():
    st.info(
        f"Grad-CAM is zero everywhere: no positive evidence for {view.class_name} at {layer}. "
        "So the product is zero as well. Choose another class or layer.",
        icon=":material/info:",
    )

st.header("A closer look", anchor=False)


@ui.fragment
def closer() -> None:
    zoom = st.segmented_control(
        "Zoom to the strongest part", ["1×", "2×", "4×"], default="2×", key="zoom", required=True, bind="query-params"
    )
    left, upper, right, lower = cam_figures.zoom_box(product, int(zoom[0]))
    crop = (..., slice(upper, lower), slice(left, right))
    size = f"{right - left} × {lower - upper} pixels"
    dimensions = product.ndim
    vmax = render.limits(product, True, 99.5 if dimensions == 3 else 100.0)[1]
    ui.compare(
        [
            ui.Panel(view.picture.crop((left, upper, right, lower)), f"The picture: {size}"),
            ui.Panel(product[crop], "Guided Grad-CAM, the same part on the same scale as above", signed=True),
        ],
        vmax=vmax,
        columns=2,
    )


closer()

st.header("Two classes in one picture", anchor=False)
ui.demo_button(view)


@ui.fragment
def two_classes() -> None:
    with ui.controls("pair"):
        other = ui.class_select(view, "versus", "Second class", default=view.runner_up, width=330)
        linked = st.toggle("Same scale for both", True, key="linked", bind="query-params")
    names = view.class_name, view.net.categories[other]
    pairs = list(zip((guided, place, product), factors(ui.look(view, target=other)), strict=True))
    titles = "Guided backpropagation", "Grad-CAM", "Guided Grad-CAM"
    same = [compare.correlation(*pair) for pair in pairs]
    for column, title, pair, value in zip(st.columns(3), titles, pairs, same, strict=True):
        photo = view.picture if title == "Grad-CAM" else None
        panels = [
            ui.Panel(values, f"{title}: {name}", photo=photo, signed=photo is None)
            for values, name in zip(pair, names, strict=True)
        ]
        with column:
            ui.compare(panels, columns=1, share=linked, unit="raw value of the map" if photo else "")
            st.markdown(f"Correlation: **{'not defined' if value is None else f'{value:.2f}'}**")
    if other != view.target and None not in same and same[0] > same[2] + 0.1:
        st.markdown(
            f"Guided backpropagation alone looks alike for both classes ({same[0]:.2f}), the products less "
            f"so ({same[2]:.2f}): what tells the classes apart here comes from Grad-CAM ({same[1]:.2f})."
        )


two_classes()

core = place >= place.max() / 2 if place.any() else np.zeros_like(place, dtype=bool)
within = [
    100 * float(np.abs(values)[..., core].sum() / max(np.abs(values).sum(), 1e-30)) for values in (guided, product)
]
detail = "It draws what passes the ReLUs, edges above all, and hardly knows the class (Nie et al. 2018)."
if not view.net.relus:
    detail = f"{view.net.title} has no ReLU, so it is the plain gradient here."
ui.explain(
    notice=[
        f"Where Grad-CAM is above half its maximum, on {100 * core.mean():.0f} % of the picture, lies "
        f"{within[1]:.0f} % of the product, but only {within[0]:.0f} % of guided backpropagation."
        if within[1] > within[0]
        else f"Where Grad-CAM is zero ({100 * float((place == 0).mean()):.0f} % of the picture), the product is zero.",
        f"Grad-CAM contributes {height * width} numbers; every finer line is guided backpropagation's.",
        "Choose a second class: compare how much each of the two factors changes.",
    ],
    misleads=[
        f"The fine factor does not point at the class. {detail}",
        "Guided Grad-CAM failed the sanity check: it hardly changed when weights were randomized from the "
        "top layer down; Grad-CAM did change (Adebayo et al. 2018).",
        "Failing that test is a warning. Passing it does not rank methods (Binder et al. 2023).",
        "Grad-CAM's weak points stay: coarse cells, averaged gradients, a ReLU that hides evidence against.",
    ],
)

ui.more(
    formula=[
        r"L^c = \mathrm{ReLU}\Big(\sum_k \alpha_k^c A^k\Big), \qquad "
        r"\alpha_k^c = \frac{1}{h\,w} \sum_{i,j} \frac{\partial y^c}{\partial A^k_{ij}}",
        r"\text{Guided Grad-CAM}^c = \text{guided backprop}^c \odot \text{enlarge}(L^c)",
    ],
    steps=[
        f"Guided backpropagation: differentiate the {ui.term('logit')} with respect to the picture; at every "
        "ReLU only positive gradients pass, and only where the ReLU was open.",
        f"Grad-CAM at {layer}: one number for each of {height} × {width} {ui.term('cell', 'cells')}.",
        "Enlarge the map bilinearly to the picture and multiply pixel by pixel, the same for each colour channel.",
    ],
    exercises=[
        (
            "Keep the picture, change the class. Which of the three pictures changes least? Why?",
            "Compare the correlations. Guided backpropagation starts at another class, but on the way down "
            "it meets the same open and closed ReLUs, and these decide most of what is drawn.",
        ),
        (
            "Take the dog and the bicycle with EfficientNet-Lite0, and the class limousine. Is there one?",
            "There is a truck, top right, and the strongest cell lies on it, although the class's "
            "probability is below 0.01 %. A map says where the evidence is, not how much: read the scale and "
            "the sidebar.",
        ),
        (
            "Take an early layer for Grad-CAM. Is the product still about the class?",
            "The map becomes finer, but early maps hold edges that occur everywhere, and one weight per map "
            "cannot say where in the picture they count. The product approaches guided backpropagation "
            "alone.",
        ),
    ],
    functions=[cam.guided_grad_cam, relu_rules.guided_backprop, cam.grad_cam, cam_figures.zoom_box],
    snippet=ui.snippet(view, "guided_grad_cam", layer=layer),
    sources=[
        "Selvaraju et al., [Grad-CAM](https://arxiv.org/abs/1610.02391), ICCV 2017, section 3.2",
        "Springenberg et al., [Striving for Simplicity](https://arxiv.org/abs/1412.6806), ICLR 2015 workshop",
        "Nie et al., [A Theoretical Explanation for Perplexing Behaviors of Backpropagation-based "
        "Visualizations](https://arxiv.org/abs/1805.07039), ICML 2018",
        "Adebayo et al., [Sanity Checks for Saliency Maps](https://arxiv.org/abs/1810.03292), NeurIPS 2018",
        "Binder et al., [Shortcomings of Top-Down Randomization-Based Sanity Checks for Evaluations of Deep "
        "Neural Network Explanations](https://arxiv.org/abs/2211.12486), CVPR 2023",
    ],
)
