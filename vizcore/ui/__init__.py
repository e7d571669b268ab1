"""The Streamlit side: navigation, the shared sidebar, cached computation, and the blocks of a page."""

from vizcore.ui.blocks import Panel, compare, heat, image, scale
from vizcore.ui.cache import (
    View,
    attribution,
    digit_means,
    feature_maps,
    first_filters,
    freeze,
    input_gradient,
    look,
    node_mean,
    randomized,
    removal_curve,
    sparsity,
    unit_gradient,
)
from vizcore.ui.canvas import draw_digit
from vizcore.ui.digits import Digit, choose_digit
from vizcore.ui.glossary import term
from vizcore.ui.progress import working
from vizcore.ui.prose import explain, more, notes, snippet
from vizcore.ui.sheet import tiles
from vizcore.ui.shell import Page, begin, fragment, lesson_map, link, route
from vizcore.ui.state import class_select, controls, layer_select, linked_select, opacity, param_widgets

__all__ = [
    "Digit",
    "Page",
    "Panel",
    "View",
    "attribution",
    "begin",
    "choose_digit",
    "class_select",
    "compare",
    "controls",
    "digit_means",
    "draw_digit",
    "explain",
    "feature_maps",
    "first_filters",
    "fragment",
    "freeze",
    "heat",
    "image",
    "input_gradient",
    "layer_select",
    "lesson_map",
    "link",
    "linked_select",
    "look",
    "more",
    "node_mean",
    "notes",
    "opacity",
    "param_widgets",
    "randomized",
    "removal_curve",
    "route",
    "scale",
    "snippet",
    "sparsity",
    "term",
    "tiles",
    "unit_gradient",
    "working",
]
