"""11 Object segmentation for free: a heat map, seeds, and a classical graph cut."""

import numpy as np
import streamlit as st

from vizcore import methods, models, ui
from vizcore.evaluation import segmentation
from vizcore.evaluation import segmentation_bench as bench
from vizcore.figures import bars as bar_figures
from vizcore.figures import masks as mask_figures
from vizcore.figures import render, sentences
from vizcore.images import composites
from vizcore.types import Mean
from vizcore.ui.sections import segmentation as segments

view = ui.begin(__file__)
TITLES = {methods.METHODS[name].title: name for name in bench.SOURCES}
bound = {"required": True, "bind": "query-params"}

with ui.controls():
    scene = st.segmented_control("Picture", segments.SCENES, default=segments.SCENES[0], key="scene", **bound)
    title = st.segmented_control("Map from", list(TITLES), default="SmoothGrad", key="source", **bound)
source, recipe, truth = TITLES[title], None, None
if scene == segments.COMPOSITE and view.net.channels == 3:
    with ui.controls("composite_controls"):
        recipe = segments.recipe()
        view, truth = segments.composite(view, recipe)
elif scene == segments.COMPOSITE:
    st.info(
        f"{view.net.title} reads grey pictures and the composites are in colour, so its own picture is shown.",
        icon=":material/info:",
    )
SIDE, name = view.net.input_size, view.class_name


def panel(mask, caption: str) -> None:
    """A mask as a cut-out, with its score where the outline is known."""
    score = f": IoU {segmentation.iou(mask, truth):.2f}" if truth is not None else ""
    share = f"{100 * mask.mean():.0f} % of the picture"
    ui.image(
        mask_figures.cutout(view.picture, mask), caption + score, f"{caption}{score}; it keeps {share} of {view.title}"
    )


def pipeline(chosen: segmentation.Settings) -> None:
    """Picture, map, seeds and cut; below them what simpler tools make of the same picture."""
    explained = segments.explained(view, source)
    strength = segmentation.strength(explained.values, (SIDE, SIDE), chosen.sigma)
    top = render.limits(strength, False)[1]
    pictures = st.columns(4)
    with pictures[0]:
        ui.image(view.picture, f"1. The picture; the class is “{name}”", view.alt or view.title)
    with pictures[1]:
        ui.image(render.colorize(strength, False, top), f"2. {title} of “{name}”", f"{title} of {view.title}")
        st.html(ui.scale(top, 2, False, "smoothed, raw scale"))
    try:
        labels = segmentation.seeds(strength, chosen.foreground, chosen.background)
    except ValueError as error:
        st.info(str(error), icon=":material/info:")
        return
    mask = segments.cut(view, labels, chosen.iterations)
    with pictures[2]:
        kinds = (segmentation.FOREGROUND, segmentation.CORE), (segmentation.BACKGROUND,)
        shares = [100 * float(np.isin(labels, kind).mean()) for kind in kinds]
        ui.image(
            mask_figures.seeds_picture(view.picture, labels),
            f"3. Seeds: orange object ({shares[0]:.0f} %), blue background ({shares[1]:.0f} %)",
            f"Seeds of object and background on {view.title}",
        )
    with pictures[3]:
        panel(mask, "4. GrabCut from these seeds")
    st.subheader("The same picture, simpler tools", anchor=False)
    simple = st.columns(4)
    with simple[0]:
        panel(segmentation.threshold(strength, chosen.threshold), f"The map above its {chosen.threshold}th percentile")
    with simple[1]:
        panel(segmentation.centre_box((SIDE, SIDE), bench.BOX.share), "A box in the middle")
    with simple[2]:
        seeds = segmentation.box_seeds((SIDE, SIDE), bench.BOX.inner, bench.BOX.outer)
        panel(segments.cut(view, seeds, bench.BOX.iterations), "GrabCut from such a box, no network")
    with simple[3]:
        if truth is not None:
            panel(truth, "The true outline")
        else:
            st.info(
                "Nobody outlined this picture, so nothing is scored. Choose the composite above for a "
                "picture whose outline is known.",
                icon=":material/info:",
            )
    ui.notes(explained)


def measured() -> None:
    """The kept measurement of all sources on the chosen kind of background."""
    means, groups = segments.means(ground), []
    for each, key in TITLES.items():
        groups.append(
            (
                each,
                [
                    bar_figures.Bar("GrabCut from its seeds", means[key][0]),
                    bar_figures.Bar("threshold of the same map", means[key][1], False),
                ],
            )
        )
    groups.append(
        (
            "No network",
            [
                bar_figures.Bar("GrabCut from the centre box", means["box"][0], False),
                bar_figures.Bar("the centre box itself", means["box"][1], False),
            ],
        )
    )
    st.html(bar_figures.grouped(groups))
    st.caption(
        f"Mean {ui.term('IoU')}, {models.MODELS[kept.model].title}; line: 95 % interval. Each row has one setting for "
        f"both kinds of background: of a grid, the best by mean IoU on {2 * composites.TUNING} other composites of each "
        "kind (a threshold: at the smoothing of its cut). They share no cut-out and no photograph with these, only "
        f"the {len(composites.grounds('background'))} materials. That the strongest {100 - segmentation.CORE_FROM} % of a "
        "map stays object was set beforehand, not searched.",
        unsafe_allow_html=True,
    )
    st.markdown(sentences.segmented(f"{title}, {on}", kept.rows[source], kept.rows["box"]))


@ui.fragment
def again(chosen: segmentation.Settings) -> None:
    """On request, a new measurement of the chosen network with the parameters above."""
    if view.net.channels != 3:
        return
    with ui.controls("again_controls"):
        live = st.toggle("Measure again with the parameters above", key="again", bind="query-params")
        count = st.select_slider("Composites", [20, 40, 60, 80, 100], 20, key="count", width=220, bind="query-params")
    if live:
        rows, boxes = segments.measure(view, source, chosen, ground, count)
        now = [Mean.of([row[i] for row in found]) for found in (rows, boxes) for i in (0, 1)]
        lines = [
            bar_figures.Bar("GrabCut from its seeds", now[0]),
            bar_figures.Bar("threshold of the same map", now[1], False),
            bar_figures.Bar("GrabCut from the centre box", now[2], False),
            bar_figures.Bar("the centre box itself", now[3], False),
        ]
        heading = f"{title}, {view.net.title}, {on}: the first {count} composites, your parameters"
        st.html(bar_figures.grouped([(heading, lines)]))


with ui.controls("cut_controls"):
    settings = segments.settings(source)
pipeline(settings)
st.header(f"How good is it? {len(composites.recipes())} composites", anchor=False)
with ui.controls("ground_controls"):
    below = st.segmented_control("Backgrounds", list(segments.GROUNDS), default="One material", key="grounds", **bound)
ground, on = segments.GROUNDS[below], f"on {below.lower()}"
kept = bench.stored(ground)
measured()
again(settings)
st.header("Where it succeeds and where it fails", anchor=False)
sprite, layout, labels, positions = segments.strip(source, ground)
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
    take=lambda index: segments.show(kept.recipes[positions[index]]),
)
st.caption(
    f"{title}, {on}: the {layout.count // 2} best composites, then the {layout.count // 2} worst. Point at one for its "
    "score, click it to see how it came about."
)

ui.explain(
    notice=[
        "No outline was ever part of the training: the network learned names of whole pictures. "
        + sentences.alone(title, on, kept.rows[source], kept.rows["box"]),
        "The map need not cover the object. It only has to tell some of its colours; the cut looks for the rest.",
        "Seeds beside the object teach the cut wrong colours: switch between the maps and look at the orange. On "
        "photographs colours of the object also occur elsewhere, so the cut has less to go by.",
    ],
    misleads=[
        sentences.without_network({name: bench.stored(kind).rows for name, kind in segments.GROUNDS.items()}, TITLES),
        "Where object and background share a colour, the cut leaks; where the network looks only at a head, it may "
        "keep only the head.",
        "A pasted object is not a photographed one: it is whole, in front, lit as in another picture, with an edge "
        "that a cut likes. These numbers are not those of real scenes.",
    ],
)
ui.more(
    formula=[
        r"E(a) = \sum_p -\log P(z_p \mid a_p) + \gamma \sum_{(p,q)} [a_p \neq a_q]\, e^{-\beta \lVert z_p - z_q "
        r"\rVert^2}",
        r"\text{IoU} = \frac{|M \cap T|}{|M \cup T|}",
    ],
    steps=[
        "Take the map of the class; lose the sign of its values, sum over the channels, enlarge, blur.",
        "The strongest pixels are object seeds, the weakest are background seeds. Each kind gives a mixture of five "
        "Gaussians: its colours.",
        "A graph cut finds the division with the smallest energy E: colours that fit, and a border along edges. "
        f"Background seeds stay, and so does the strongest {100 - segmentation.CORE_FROM} % of the map, or the cut of "
        "a photograph may end up empty; the other object seeds may change sides.",
        "Each further cut learns the colours again, from the division before it. That repetition is GrabCut.",
    ],
    exercises=[
        (
            "Take the composite. Move the object from the middle into a corner. Which of the masks get worse?",
            "The two that begin with a box in the middle. The map moves with the object while the network sees it.",
        ),
        (
            "Lower the percentile of the object seeds to 75. What happens, and why?",
            "More pixels of the background count as object. Its colours enter the object's mixture, and the cut has "
            "less and less to tell the two apart by.",
        ),
        (
            "Click one of the failures. Is it the map's fault or the cut's?",
            "Look at the seeds. If orange lies on the object and blue beside it, the cut failed: the colours are too "
            "alike. If orange lies beside the object, the map failed: see what class the network named.",
        ),
    ],
    functions=[segmentation.strength, segmentation.seeds, segmentation.cut, segmentation.iou],
    snippet=segments.program(view, source, settings, recipe),
    sources=[
        "Simonyan et al.: [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034), section 3.2 "
        "(arXiv 2013)",
        "Rother, Kolmogorov, Blake: GrabCut, interactive foreground extraction using iterated graph cuts "
        "(SIGGRAPH 2004)",
        "Boykov, Jolly: Interactive graph cuts for optimal boundary and region segmentation of objects (ICCV 2001)",
    ],
)
