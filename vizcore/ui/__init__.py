"""The Streamlit side: navigation, the shared sidebar, cached computation, and the blocks of a page."""

from vizcore.ui.blocks import Panel, compare, heat, image
from vizcore.ui.cache import (
    View,
    attribution,
    freeze,
    input_gradient,
    look,
    randomized,
    removal_curve,
    unit_gradient,
)
from vizcore.ui.glossary import term
from vizcore.ui.progress import working
from vizcore.ui.prose import explain, more, notes, snippet
from vizcore.ui.shell import Page, begin, fragment, lesson_map, link, route
from vizcore.ui.state import class_select, controls, layer_select, linked_select, opacity, param_widgets

__all__ = [
    "Page",
    "Panel",
    "View",
    "attribution",
    "begin",
    "class_select",
    "compare",
    "controls",
    "explain",
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
    "notes",
    "opacity",
    "param_widgets",
    "randomized",
    "removal_curve",
    "route",
    "snippet",
    "term",
    "unit_gradient",
    "working",
]
