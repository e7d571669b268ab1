"""15 VGG layer by layer: the strongest patches of a network's units, drawn back to the pixels, from edges to parts."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import bars as bar_figures
from vizcore.images.collection import open_collection
from vizcore.inspection import likeness, top_patches, unit_gradients
from vizcore.methods import relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui.sections import layer_by_layer as sheets

view = ui.begin(__file__)
RULES = {"Gradient": None, "Deconvnet": "deconvnet", "Guided": "guided"}
bound = {"bind": "query-params"}

with ui.controls():
    view = sheets.choose_network(view)
    back = st.segmented_control("Drawn back as", list(RULES), default="Deconvnet", required=True, key="back", **bound)
    by = st.segmented_control("Units", list(sheets.BY), default=sheets.BY[0], required=True, key="by", **bound)
    count = st.segmented_control("How many", [4, 6, 8], default=6, required=True, key="how_many", **bound)
    patches = st.segmented_control("Patches each", [4, 9], default=9, required=True, key="each", **bound)
    seed = 0
    if by == "random":
        seed = st.number_input("Seed", 0, 9999, 0, key="seed", width=140, **bound)

net = view.net
offered = [layer.name for layer in model_layers.candidates(net)]
ends = tuple(layer.name for layer in model_layers.block_ends(net))
rule = RULES[back]
pictures = len(open_collection(channels=net.channels).titles)
WHICH = {
    "fire most": f"the units whose strongest values over the {pictures} pictures have the largest mean",
    "on this picture": f"the units with the strongest cell on your picture, {view.title}",
    "random": f"units drawn without looking (seed {seed})",
}


def figures() -> tuple[str, int, dict[str, float]]:
    """The overview of all blocks, and the sheet of one layer."""
    st.header("From edges to parts", anchor=False)
    middle = ends[len(ends) // 2]
    layer = st.session_state.get("of_layer")
    made = sheets.build(view, sheets.choose_units(view, ends, by, count, seed), patches, rule)
    drawings = {name: made[name].alike for name in ends}
    sheets.overview(view, made, layer if layer in offered else middle, "of_layer", back)
    st.caption(
        f"Each row: {WHICH[by]}, before the ReLU. Drawings: grey is zero, each on its own scale. "
        "Point at a tile for its picture and value; click a row to see all its patches below."
    )
    for note in relu_rules.notes(net, rule, "patch"):
        st.info(note, icon=":material/info:")

    st.header("One layer, unit by unit", anchor=False)
    strip = ui.controls("sheet_controls")
    with strip:
        layer = ui.layer_select(view, "of_layer", default=middle, keep=lambda item: item.name in offered)
    if layer not in made:
        made = sheets.build(view, sheets.choose_units(view, (layer,), by, count, seed), patches, rule)
    with strip:
        sheet = made[layer]
        shown = [str(unit) for unit in sheet.units]
        unit = int(ui.linked_select("Unit", shown, "one", width=120))
        with st.container(key="open_it", width="content"):
            sheets.open_unit(view, layer, unit)
    sheets.detail(sheet, unit, "one")
    field = net.layer(layer).receptive_field
    cut = not field or field.size > net.input_size // 2
    st.caption(
        f"Left the {patches} patches that excite each unit of {layer} most, right {back.lower()} of the same boxes. "
        + (
            "The receptive field is wider than half the picture, so patches are cut to half its side."
            if cut
            else f"Each patch is the unit's whole receptive field, {field.size} × {field.size} pixels; "
            "grey parts lie outside the picture."
        )
    )
    return layer, unit, drawings


def in_numbers(drawings: dict[str, float]) -> dict[str, likeness.Likeness]:
    """How alike the patches and the drawings of one unit are, block by block."""
    st.header("In numbers", anchor=False)
    alike = sheets.likeness(view, ends)
    rows = [
        (sheets.heading(view, n, name), sheets.seen(view, name), alike[name], drawings[name])
        for n, name in enumerate(ends)
    ]
    st.html(bar_figures.likeness_bars(rows))
    st.caption(
        f"Two patches of one unit, mean of at most {likeness.SAMPLE} random units of a layer: their correlation, "
        f"and how often they are of one kind ({'digit' if net.channels == 1 else 'mammals, birds, monuments, …'}). The "
        "mark is chance: random places, any two pictures. Last: correlation of two drawings of a unit shown above "
        f"({back.lower()}); 1 means that what is in the patch does not matter."
    )
    return alike


def words(layer: str, unit: int, alike: dict[str, likeness.Likeness], drawings: dict[str, float]) -> None:
    """What to notice, where it misleads, and the folded sections."""
    first, last = alike[ends[0]], alike[ends[-1]]
    falls = first.pixels - first.pixels_chance > last.pixels - last.pixels_chance + 0.05
    gathers = last.kind > 1.2 * last.kind_chance
    middle = sorted(drawings.values())[len(drawings) // 2]
    blind = rule == "deconvnet" and not net.max_pools and middle > 0.8
    ui.explain(
        notice=[
            f"Read the rows downwards: a {ui.term('unit')} of the first sees {sheets.seen(view, ends[0])}, of the last "
            f"{sheets.seen(view, ends[-1])}. Where do edges and colours end, where do textures and parts begin?",
            (
                f"The drawings of one unit are much the same whatever is in the patch (median correlation {middle:.2f}): "
                "no max-pooling, so no switches that say where things were. Choose Guided."
                if blind
                else "What do all patches of one unit have in common, and is that what the drawings keep?"
            ),
            (
                f"Patches of one unit look alike early ({first.pixels:.2f}) and less so late ({last.pixels:.2f}, chance "
                f"{last.pixels_chance:.2f}): deep units answer to things that look different."
                if falls
                else "Here the patches of one unit do not become less alike with depth: see the numbers."
            ),
            (
                f"Deep units gather pictures of one kind more often than chance ({100 * last.kind:.0f} %, chance "
                f"{100 * last.kind_chance:.0f} %): part of what they answer to goes with what is shown."
                if gathers
                else f"Deep units gather pictures of one kind not clearly more than chance ({100 * last.kind:.0f} %, chance "
                f"{100 * last.kind_chance:.0f} %): do not expect one unit per thing."
            ),
        ],
        misleads=[
            (
                "Units chosen by lot, but each shown by its strongest patches only: the extremes."
                if by == "random"
                else "These are extremes twice: the strongest units, and of these the strongest patches. Choose random units "
                "for an honest picture of the layer."
            ),
            (
                "A sharp drawing is no proof that the unit knows the thing: guided drawings, and deconvnet with "
                "max-pooling, restore edges of the picture whatever the unit is for (Nie et al., 2018). Compare with the "
                "plain gradient."
                if rule
                else "The plain gradient says which pixels would change the unit's value a little, for more or for less; it "
                "does not show what the unit found."
            ),
            "Every drawing has its own scale: a faint one looks as strong as its neighbour."
            + (" And this network was trained with most of these very pictures." if view.model == "mini_vgg" else ""),
        ],
    )

    start = model_layers.before_relu(net, layer)
    ui.more(
        formula=[
            r"R^{l} = [R^{l+1} > 0] \, R^{l+1} \ \text{(deconvnet)}, \qquad "
            r"R^{l} = [f^{l} > 0] \, [R^{l+1} > 0] \, R^{l+1} \ \text{(guided)}"
        ],
        steps=[
            f"Run all {pictures} pictures once; of every unit keep the strongest cell of each picture, and the best "
            "nine pictures.",
            "Cut each picture to the cell's receptive field, at most half the picture's side.",
            "Start with 1 at that cell, before the unit's own ReLU, and 0 everywhere else; go back to the pixels, with "
            "the chosen rule at each ReLU. Max-pooling sends the signal to where the maximum was: the deconvnet's "
            "switches.",
            "Draw the same box. One forward pass per picture serves all units and layers; each drawing is one backward "
            "pass.",
        ],
        exercises=[
            (
                "What do you learn from VGG layer-by-layer visualization generated by deconvolution?",
                "That features form a hierarchy: edges and colours, then corners and textures, then parts of things. "
                "Which part of a patch a unit answers to, and what it ignores. That deeper units tolerate more: their "
                "patches look less alike. And whether a layer is healthy: Zeiler and Fergus found dead and aliased "
                "filters in AlexNet's first layers this way, and changed them. What you do not learn is how a decision "
                "is made.",
            ),
            (
                "Set Drawn back as to Deconvnet and choose EfficientNet-Lite0. What is missing?",
                "It has no max-pooling, so no switches: nothing on the way back knows where things were in the patch. "
                "Guided backpropagation still knows, from the ReLUs of the forward pass.",
            ),
            (
                "Choose random units. Is the story from edges to parts still as clear?",
                "Usually less: some units fire rarely or for unlike things. The papers' figures show chosen units.",
            ),
        ],
        functions=[model_layers.block_ends, top_patches.firing_most, unit_gradients.draw_back, likeness.likeness],
        snippet=programs.drawn_back(view.model, start, unit, rule, patches),
        sources=[
            "Zeiler, Fergus: [Visualizing and Understanding Convolutional Networks](https://arxiv.org/abs/1311.2901) "
            "(ECCV 2014)",
            "Simonyan, Zisserman: [Very Deep Convolutional Networks](https://arxiv.org/abs/1409.1556) (ICLR 2015)",
            "Springenberg et al.: [Striving for Simplicity](https://arxiv.org/abs/1412.6806) (ICLR workshop 2015)",
            "Nie et al.: [A Theoretical Explanation for Perplexing Behaviors of Backpropagation-based Visualizations]"
            "(https://arxiv.org/abs/1805.07039) (ICML 2018)",
        ],
    )


@ui.fragment
def body() -> None:
    """All that follows the choice of a layer and a unit."""
    layer, unit, drawings = figures()
    words(layer, unit, in_numbers(drawings), drawings)


body()
