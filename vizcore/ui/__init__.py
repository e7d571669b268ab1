"""The Streamlit side: navigation, the shared sidebar, cached computation, and the blocks of a page."""

from vizcore.ui.blocks import Panel, compare, controls, heat, image, notes, opacity
from vizcore.ui.cache import View, attribution, look
from vizcore.ui.glossary import term
from vizcore.ui.progress import working
from vizcore.ui.prose import explain, more
from vizcore.ui.shell import Page, begin, fragment, lesson_map, link, route
from vizcore.ui.state import class_select, layer_select, linked_select, param_widgets

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
    "heat",
    "image",
    "layer_select",
    "lesson_map",
    "link",
    "linked_select",
    "look",
    "more",
    "notes",
    "opacity",
    "param_widgets",
    "route",
    "term",
    "working",
]
