"""11 Object segmentation for free: a heat map, seeds, and a classical graph cut."""

import streamlit as st

from vizcore import models, ui
from vizcore.evaluation import segmentation
from vizcore.evaluation import segmentation_bench as bench
from vizcore.figures import sentences
from vizcore.images import composites
from vizcore.ui.sections import segmentation as section

view, words = ui.begin(__file__), ui.words(__file__)

with ui.choices():
    scene = ui.segmented_control("Picture", list(section.SCENES), key="scene", format_func=section.SCENES.get)
    title = ui.linked_select("Map from", list(section.TITLES), "source", width=170)
source, recipe, truth = section.TITLES[title], None, None
composite = scene == section.COMPOSITE and view.net.channels == 3
figure, side = ui.beside()
with side:
    if composite:
        recipe = section.recipe()
        view, truth = section.composite(view, recipe)
    settings = section.settings(source)
    section.presets(source, settings)
with figure:
    section.pipeline(view, source, settings, truth)
if scene == section.COMPOSITE and not composite:
    ui.offer(words.text("a network of grey pictures", network=view.net.title), models.DEFAULT)
st.markdown(section.headline(view))
with ui.controls("ground_controls"):
    kinds = list(section.GROUNDS)
    below = ui.segmented_control("Measured on", kinds, default=kinds[0], key="grounds")
ground, on = section.GROUNDS[below], f"on {below.lower()}"
kept, core = section.kept(view, ground), 100 - segmentation.CORE_FROM


def how_good() -> None:
    """The kept measurement, and on request a new one of the chosen network with the parameters above."""
    words.part("How good is it? {{count}} composites", count=len(composites.recipes()))
    chart, text = st.columns([3, 2], gap="large")
    chart.html(section.measured(kept, ground))
    said = words.text(
        "caption: measurement",
        network=models.MODELS[kept.model].title,
        tuned=models.MODELS[bench.TUNED_ON].title,
        tuning=2 * composites.TUNING,
        materials=len(composites.grounds("background")),
        core=core,
    )
    text.markdown(sentences.segmented(f"{title}, {on}", kept.rows[source], kept.rows["box"]))
    text.caption(said, unsafe_allow_html=True)
    if view.net.channels != 3:
        return
    with ui.controls("again_controls"):
        live = ui.toggle("Measure again with the parameters above", key="again")
        count = ui.select_slider("Composites", [20, 40, 60, 80, 100], 20, key="count", width=220)
    if live:
        heading = f"{title}, {view.net.title}, {on}: the first {count} composites, your parameters"
        st.html(section.measured_again(view, source, settings, ground, count, heading))


def best_and_worst() -> None:
    """The composites it did best and worst on; a click shows one above."""
    words.part("Where it succeeds and where it fails")
    sprite, layout, labels, positions = section.strip(kept.model, source, ground)
    taken = ui.tiles(
        sprite,
        layout,
        labels,
        "strip",
        smooth=True,
        largest=114,
        gap=6,
        height=420,
        alt=f"Best and worst composites of {title} {on}: " + "; ".join(labels),
        take=lambda index: section.show(kept.recipes[positions[index]], source),
    )
    st.caption(words.text("caption: best and worst", title=title, on=on, half=layout.count // 2))
    if taken is not None:
        st.rerun()  # the figure above is to show it


ui.tabs(("How good", how_good), ("Best and worst", best_and_worst))
measurements = {name: section.kept(view, kind).rows for name, kind in section.GROUNDS.items()}
words.end(
    functions=[segmentation.strength, segmentation.seeds, segmentation.cut, segmentation.iou],
    snippet=section.program(view, source, settings, recipe),
    alone=sentences.alone(title, on, kept.rows[source], kept.rows["box"]),
    without_network=sentences.without_network(measurements, section.TITLES),
    core=core,
)
