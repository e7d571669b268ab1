"""Cached computations and controls of the segmentation page."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.types import Mean
from vizcore.ui import jobs
from vizcore.ui.address import linked_select
from vizcore.ui.cache import attribution, image_file, look, once, per_picture
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.evaluation.segmentation import Settings
    from vizcore.evaluation.segmentation_bench import Row
    from vizcore.figures.sprites import Layout
    from vizcore.images.composites import Recipe
    from vizcore.methods import Attribution

PLACES = {"size": "Size (%)", "across": "Left to right (%)", "down": "Top to bottom (%)"}
COMPOSITE = "Composite with known outline"
SCENES = ["Picture of the sidebar", COMPOSITE]
GROUNDS = {"One material": "background", "Photographs": "photo"}  # the kinds of vizcore.evaluation.segmentation_bench
_bound = {"bind": "query-params"}


def recipe() -> "Recipe":
    """Controls for a composite: cut-out, background, size and place, all in the address."""
    from vizcore.images import gallery
    from vizcore.images.composites import GROUNDS, Recipe, grounds

    things = {asset.id: asset for asset in gallery.records("cutout")}
    below = {asset.id: asset for kind in GROUNDS for asset in grounds(kind)}
    cutout = linked_select(
        "Cut-out",
        list(things),
        "cutout",
        default="zebra",
        width=200,
        order=sorted(things, key=lambda id: (not things[id].classes, things[id].title)),
        format_func=lambda id: f"{things[id].title} ({things[id].category})",
    )
    ground = linked_select(
        "Background",
        list(below),
        "ground",
        default="meadow",
        width=200,
        format_func=lambda id: f"{below[id].title}{' (photograph)' * (below[id].kind == 'photo')}",
    )
    size = st.slider(PLACES["size"], 30, 100, 70, 5, key="size", width=135, **_bound)
    across = st.slider(PLACES["across"], 0, 100, 40, 5, key="across", width=135, **_bound)
    down = st.slider(PLACES["down"], 0, 100, 60, 5, key="down", width=135, **_bound)
    return Recipe(cutout, ground, size, across, down)


def show(recipe: "Recipe") -> None:
    """Set the controls to a composite; to be called before the page runs again."""
    values = {"cutout": recipe.cutout, "ground": recipe.background} | {name: getattr(recipe, name) for name in PLACES}
    for name, value in values.items():
        if name not in st.session_state:  # a control that is not there yet would not tell the address
            st.query_params[name] = str(value)
        st.session_state[name] = value
    st.session_state["scene"] = COMPOSITE


def _title(recipe: "Recipe") -> str:
    from vizcore.images import gallery
    from vizcore.images.composites import ground

    below = ground(recipe.background)
    named = below.title.lower() if below.kind == "background" else f"a photograph ({below.title})"
    return f"{gallery.find('cutout', recipe.cutout).title} on {named}"


def composite(view: View, recipe: "Recipe") -> tuple[View, np.ndarray]:
    """The composite in the place of the view's picture, for its top prediction, and its true mask."""
    from vizcore.images.composites import build

    picture, truth = build(recipe, view.net.input_size)
    title = _title(recipe)
    return look(view, picture=picture, title=title, alt=f"A composite: {title}"), truth


def settings(source: str) -> "Settings":
    """A slider for each parameter; every source has its own, which begin where the tuning set was best."""
    from vizcore.evaluation.segmentation import Settings
    from vizcore.evaluation.segmentation_bench import SOURCES

    best, key = SOURCES[source][1], "".join(word[0] for word in source.split("_")) + "_"
    sigma = st.slider(
        "Smoothing (% of side)",
        0,
        15,
        best.sigma,
        1,
        key=f"{key}sigma",
        width=180,
        **_bound,
        help="Standard deviation of the Gaussian that blurs the map, in percent of the picture's side.",
    )
    foreground = st.slider(
        "Object from (percentile)",
        75,
        99,
        best.foreground,
        1,
        key=f"{key}object",
        width=180,
        **_bound,
        help="Seeds of the object are the pixels whose map value is at or above this percentile of the picture.",
    )
    background = st.slider(
        "Background to (percentile)",
        5,
        70,
        best.background,
        5,
        key=f"{key}ground",
        width=180,
        **_bound,
        help="Seeds of the background are the pixels whose map value is at or below this percentile of the picture.",
    )
    iterations = st.slider(
        "Graph cuts",
        1,
        8,
        best.iterations,
        1,
        key=f"{key}cuts",
        width=130,
        **_bound,
        help="The first with the colours of the seeds, each further one with those of the division before it.",
    )
    threshold = st.slider(
        "Threshold (percentile)",
        50,
        98,
        best.threshold,
        1,
        key=f"{key}threshold",
        width=180,
        **_bound,
        help="The simple tool it is compared with: the pixels whose map value is above this percentile.",
    )
    return Settings(sigma, foreground, background, iterations, threshold)


def explained(view: View, source: str) -> "Attribution":
    """The source's map of the view's class, with the parameters of the measurement."""
    from vizcore.evaluation.segmentation_bench import SOURCES

    return attribution(view, source, **SOURCES[source][0])


def cut(view: View, labels: np.ndarray, iterations: int) -> np.ndarray:
    """(H, W) bool: GrabCut's mask from these seeds, computed once for everyone."""
    return _cut(view, labels.tobytes(), iterations, labels)


@per_picture(entries=256, size="20MB", step="Cutting the graph of pixels")
def _cut(view: View, seeds: bytes, iterations: int, _labels: np.ndarray) -> np.ndarray:
    from vizcore.evaluation import segmentation

    return segmentation.cut(view.picture, _labels, iterations)


@once(entries=16)
def means(ground: str) -> "dict[str, tuple[Mean, Mean]]":
    """For each source, and for "box": the mean IoU of GrabCut and of the simple tool, as kept for this background."""
    from vizcore.evaluation import segmentation_bench

    return {
        name: tuple(Mean.of([row[i] for row in rows]) for i in (0, 1))
        for name, rows in segmentation_bench.stored(ground).rows.items()
    }


def measure(view: View, source: str, settings: "Settings", ground: str, count: int) -> "tuple[list[Row], list[Row]]":
    """The rows of the first composites for these settings, and of the boxes; shared, and given up when nobody waits."""
    from vizcore.evaluation import segmentation_bench
    from vizcore.images import composites

    recipes = composites.recipes(ground=ground, count=count)

    def work(report) -> "tuple[list[Row], list[Row]]":
        rows = segmentation_bench.measure(view.net, source, settings, recipes, lambda share: report(0.8 * share))
        boxes = []
        for recipe in recipes:
            boxes.append(segmentation_bench.box_row(recipe, view.net.input_size))
            report(0.8 + 0.2 * len(boxes) / count)
        return rows, boxes

    key = "composites", view.model, source, tuple(settings), ground, count
    return jobs.run(key, work, f"Measuring {count} composites")


@once(entries=8)
def strip(source: str, ground: str, count: int = 8) -> "tuple[bytes, Layout, list[str], list[int]]":
    """The composites GrabCut did worst and best on: sprite, layout, labels, positions; what it kept, outlined."""
    from vizcore.evaluation import segmentation_bench
    from vizcore.figures import masks as mask_figures
    from vizcore.figures import render
    from vizcore.figures.sprites import atlas
    from vizcore.images import composites

    kept = segmentation_bench.stored(ground)
    worst, best = kept.extremes(source, count)
    tiles, labels = [], []
    for position in (*best, *worst):
        recipe = kept.recipes[position]
        mask = kept.masks[source][position]
        picture, _ = composites.build(recipe, len(mask))
        tiles.append(np.asarray(mask_figures.outlined(picture, mask, 160)))
        labels.append(f"{_title(recipe)}: IoU {kept.rows[source][position].cut:.2f}")
    sprite, layout = atlas(np.stack(tiles))
    return render.encode(sprite, "jpeg"), layout, labels, [*best, *worst]


def program(view: View, source: str, settings: "Settings", recipe: "Recipe | None") -> str:
    """The program that makes the mask alone, for the picture or the composite at hand."""
    from vizcore import methods
    from vizcore.content import programs
    from vizcore.evaluation.segmentation_bench import SOURCES

    return programs.segmentation(
        view.model,
        image_file(view),
        view.target,
        source,
        SOURCES[source][0],
        methods.METHODS[source].maps,
        settings._asdict(),
        repr(recipe) if recipe else "",
    )
