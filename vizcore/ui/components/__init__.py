"""What runs in the browser: one Python function for each component, its `.js` and `.css` beside it."""

from vizcore.ui.components.canvas import draw_digit
from vizcore.ui.components.cells import cells
from vizcore.ui.components.contact_sheet import Group, contact
from vizcore.ui.components.dataflow import flow
from vizcore.ui.components.explainer import explainer
from vizcore.ui.components.figure import figure
from vizcore.ui.components.layer_strip import Cell, layer_strip
from vizcore.ui.components.picker import Choice, Sheet, picker
from vizcore.ui.components.playground import playground
from vizcore.ui.components.point_cloud import Placed, Stage, point_cloud
from vizcore.ui.components.point_cloud import Sheet as CloudSheet
from vizcore.ui.components.svg_graph import graph
from vizcore.ui.components.tiles import tiles
from vizcore.ui.components.timeline import timeline

__all__ = [
    "Cell",
    "Choice",
    "CloudSheet",
    "Group",
    "Placed",
    "Sheet",
    "Stage",
    "cells",
    "contact",
    "draw_digit",
    "explainer",
    "figure",
    "flow",
    "graph",
    "layer_strip",
    "picker",
    "playground",
    "point_cloud",
    "tiles",
    "timeline",
]
