"""The Streamlit side: navigation, the shared sidebar, cached computation, and the blocks of a page."""

from vizcore.content.glossary import term
from vizcore.ui.blocks import Panel, compare, heat, image, scale
from vizcore.ui.cache import (
    View,
    attribution,
    feature_maps,
    freeze,
    input_gradient,
    look,
    randomized,
    removal_curve,
    sparsity,
    unit_gradient,
)
from vizcore.ui.components import tiles
from vizcore.ui.progress import working
from vizcore.ui.prose import Words, explain, more, notes, snippet, words
from vizcore.ui.shell import Page, begin, fragment, lesson_map, link, route
from vizcore.ui.state import class_select, controls, layer_select, linked_select, opacity, param_widgets

__all__ = [
    "Page",
    "Panel",
    "View",
    "Words",
    "attribution",
    "begin",
    "class_select",
    "compare",
    "controls",
    "explain",
    "feature_maps",
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
    "scale",
    "snippet",
    "sparsity",
    "term",
    "tiles",
    "unit_gradient",
    "words",
    "working",
]
