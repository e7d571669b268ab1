"""3 Small output sizes: what a map of a few cells can and cannot show, and what one cell sees."""

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import charts
from vizcore.inspection import effective_field
from vizcore.models import layers as model_layers
from vizcore.models import receptive_field
from vizcore.types import OtherNetworkError
from vizcore.ui import cache, units
from vizcore.ui.charts import chart
from vizcore.ui.sections import small_outputs as section

view, words = ui.begin(__file__), ui.words(__file__)
choices = model_layers.map_layers(view.net)
if not choices:
    raise OtherNetworkError(words.text("a network without maps", network=view.net.title))
names = {layer.name for layer in choices}
INPUTS, SHARE = 4, 90  # pictures that an effective field is averaged over, and percent of it in its box, to begin with


@ui.fragment
def look_at_cells() -> None:
    """The controls, the map in two drawings, and what goes with the chosen cell."""
    with ui.controls():
        layer = view.net.layer(ui.layer_select(view, keep=lambda layer: layer.name in names))
        maps = ui.feature_maps(view, layer.name)
        unit = ui.unit_index(maps)
        _, rows, columns = layer.out_shape
        cell = tuple(
            ui.index(name, name.lower(), size, size // 2, follow="Middle")
            for name, size in (("Row", rows), ("Column", columns))
        )
    section.draw_map(view, layer, unit, maps[unit], cell)

    def fields() -> None:
        """The theoretical and the effective receptive field of the cell."""
        words.part("What one cell sees")
        with ui.controls("field_controls"):
            inputs = ui.select_slider("Pictures averaged", [1, 4, 8, 16], INPUTS, key="inputs", width=200)
            label, shares = "Share of the mass in the box, %", [50, 75, 90, 95, 99]
            share = ui.select_slider(label, shares, SHARE, key="share", width=240)
            opacity = ui.opacity()
        field = units.effective(view, layer.name, cell, inputs)
        boxes = section.boxes(view, layer, cell, field, share)
        section.draw_fields(view, layer, cell, field, boxes, opacity, inputs)
        section.sizes(view, layer, boxes, share)

    def depth() -> None:
        """How many cells each layer has, and how much of the picture one sees."""
        words.part("Resolution against depth")
        figure = charts.depth_chart(view.net, choices, layer.name)
        chart(figure, "depth", "Cells along a map's side and the size of the receptive field, layer by layer")
        section.growth(choices)

    ui.tabs(("What one cell sees", fields), ("Against depth", depth))
    boxes = section.boxes(view, layer, cell, units.effective(view, layer.name, cell, INPUTS), SHARE)
    words.end(
        functions=[
            effective_field.effective_field,
            effective_field.mass_box,
            receptive_field.ReceptiveField.box,
            charts.depth_chart,
        ],
        snippet=programs.effective_field(view.model, cache.image_file(view), layer.name, cell),
        moves=section.moves(layer),
        uneven=section.uneven(view, boxes, SHARE),
    )


look_at_cells()
