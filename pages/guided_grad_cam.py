"""17. Guided Grad-CAM: the place from Grad-CAM times the detail of guided backpropagation."""

import streamlit as st

from vizcore import ui
from vizcore.figures import cam as cam_figures
from vizcore.methods import cam, relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui.sections import guided_grad_cam as section

view, words = ui.begin(__file__), ui.words(__file__)
stops = model_layers.stops(view.net)
with ui.choices():
    gain = ui.gain(default=2)
    layer = ui.layer_select(view, "layer", keep=lambda item: item.name in stops)
factors = section.factors(view, layer)
section.equation(view, layer, factors, gain)
ui.notes(ui.attribution(view, "guided_backprop"))
if not factors.place.any():
    st.info(words.text("nothing is left", name=view.class_name, layer=layer), icon=":material/info:")


def closer() -> None:
    words.part("A closer look")
    zoom = ui.segmented_control("Zoom to the strongest part", ["1×", "2×", "4×"], default="2×", key="zoom")
    section.closer(view, factors.product, int(zoom[0]), gain)


def two_classes() -> None:
    words.part("Two classes in one picture")
    with ui.controls("pair"):
        other = ui.class_select(view, "versus", "Second class", default=view.runner_up, width=330)
        linked = ui.toggle("Same scale for both", True, key="linked")
        ui.demo_button(view)
    second = section.factors(ui.look(view, target=other), layer)
    section.two_classes(view, other, (factors, second), linked, gain)


ui.tabs(("Closer", closer), ("Two classes", two_classes))
_, height, width = view.net.layer(layer).out_shape
words.end(
    functions=[cam.guided_grad_cam, relu_rules.guided_backprop, cam.grad_cam, cam_figures.zoom_box],
    snippet=ui.snippet(view, "guided_grad_cam", layer=layer),
    found=section.where_it_lies(factors),
    detail=section.fine_factor(view),
    layer=layer,
    height=height,
    width=width,
    cells=height * width,
)
