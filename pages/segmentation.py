"""11 Object segmentation for free: a heat map, seeds, and a classical graph cut."""

import streamlit as st

from vizcore import models, ui
from vizcore.evaluation import segmentation
from vizcore.evaluation import segmentation_bench as bench
from vizcore.figures import sentences
from vizcore.images import composites
from vizcore.ui.sections import segmentation as section

view, words = ui.begin(__file__), ui.words(__file__)

st.markdown(section.headline(view))
with ui.choices():
    scene = ui.segmented_control("Picture", section.SCENES, default=section.SCENES[0], key="scene")
    title = ui.segmented_control("Map from", list(section.TITLES), default="Saliency map", key="source")
source, recipe, truth = section.TITLES[title], None, None
if scene == section.COMPOSITE and view.net.channels == 3:
    with ui.controls("composite_controls"):
        recipe = section.recipe()
        view, truth = section.composite(view, recipe)
elif scene == section.COMPOSITE:
    ui.offer(words.text("a network of grey pictures", network=view.net.title), models.DEFAULT)
with ui.controls("cut_controls"):
    settings = section.settings(source)
    section.presets(source, settings)
section.pipeline(view, source, settings, truth)

words.part("How good is it? {{count}} composites", count=len(composites.recipes()))
with ui.controls("ground_controls"):
    kinds = list(section.GROUNDS)
    below = ui.segmented_control("Backgrounds", kinds, default=kinds[0], key="grounds")
ground, on = section.GROUNDS[below], f"on {below.lower()}"
kept, core = section.kept(view, ground), 100 - segmentation.CORE_FROM
st.html(section.measured(kept, ground))
said = words.text(
    "caption: measurement",
    network=models.MODELS[kept.model].title,
    tuned=models.MODELS[bench.TUNED_ON].title,
    tuning=2 * composites.TUNING,
    materials=len(composites.grounds("background")),
    core=core,
)
st.caption(said, unsafe_allow_html=True)
st.markdown(sentences.segmented(f"{title}, {on}", kept.rows[source], kept.rows["box"]))


@ui.fragment
def again(chosen: segmentation.Settings) -> None:
    """On request, a new measurement of the chosen network with the parameters above."""
    with ui.controls("again_controls"):
        live = ui.toggle("Measure again with the parameters above", key="again")
        count = ui.select_slider("Composites", [20, 40, 60, 80, 100], 20, key="count", width=220)
    if live:
        heading = f"{title}, {view.net.title}, {on}: the first {count} composites, your parameters"
        st.html(section.measured_again(view, source, chosen, ground, count, heading))


if view.net.channels == 3:
    again(settings)

words.part("Where it succeeds and where it fails")
sprite, layout, labels, positions = section.strip(kept.model, source, ground)
ui.tiles(
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

measurements = {name: section.kept(view, kind).rows for name, kind in section.GROUNDS.items()}
words.end(
    functions=[segmentation.strength, segmentation.seeds, segmentation.cut, segmentation.iou],
    snippet=section.program(view, source, settings, recipe),
    alone=sentences.alone(title, on, kept.rows[source], kept.rows["box"]),
    without_network=sentences.without_network(measurements, section.TITLES),
    core=core,
)
