"""The Streamlit side: navigation, the shared sidebar, cached computation, and the blocks of a page."""

from vizcore.content.glossary import term
from vizcore.ui.address import (
    class_select,
    controls,
    demo_button,
    index,
    layer_select,
    linked_select,
    opacity,
    param_widgets,
    unit_index,
)
from vizcore.ui.blocks import Panel, compare, heat, image, scale
from vizcore.ui.cache import (
    attribution,
    feature_maps,
    input_gradient,
    look,
    randomized,
    rank_correlation,
    removal_curve,
    sparsity,
    unit_gradient,
    unrolled,
)
from vizcore.ui.components import tiles
from vizcore.ui.progress import working
from vizcore.ui.prose import Words, notes, snippet, words
from vizcore.ui.shell import Page, begin, fragment, lesson_map, link, route
from vizcore.ui.view import View

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
    "demo_button",
    "feature_maps",
    "fragment",
    "heat",
    "image",
    "index",
    "input_gradient",
    "layer_select",
    "lesson_map",
    "link",
    "linked_select",
    "look",
    "notes",
    "opacity",
    "param_widgets",
    "randomized",
    "rank_correlation",
    "removal_curve",
    "route",
    "scale",
    "snippet",
    "sparsity",
    "term",
    "tiles",
    "unit_gradient",
    "unit_index",
    "unrolled",
    "words",
    "working",
]
