"""Cached computations and controls of the segmentation page."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.ui.cache import View, attribution, image_file, look
from vizcore.ui.jobs import Job, shared
from vizcore.ui.progress import working
from vizcore.ui.state import linked_select

if TYPE_CHECKING:
    from PIL import Image

    from vizcore.methods import Attribution
    from vizcore.render import Layout
    from vizcore.segmentation import Settings
    from vizcore.segmentation_bench import Mean, Recipe, Row

PLACES = {"size": "Size (%)", "across": "Left to right (%)", "down": "Top to bottom (%)"}
COMPOSITE = "Composite with known outline"
SCENES = ["Picture of the sidebar", COMPOSITE]
_bound = {"bind": "query-params"}


def recipe() -> "Recipe":
    """Controls for a composite: cut-out, background, size and place, all in the address."""
    from vizcore import gallery
    from vizcore.segmentation_bench import Recipe

    titles = {kind: {a.id: a for a in gallery.records(kind)} for kind in ("cutout", "background")}
    cutouts = sorted(titles["cutout"], key=lambda id: (not titles["cutout"][id].classes, titles["cutout"][id].title))
    cutout = linked_select(
        "Cut-out", list(titles["cutout"]), "cutout", default="zebra", width=200, order=cutouts,
        format_func=lambda id: f"{titles['cutout'][id].title} ({titles['cutout'][id].category})",
    )  # fmt: skip
    ground = linked_select(
        "Background", list(titles["background"]), "ground", default="meadow", width=150,
        format_func=lambda id: titles["background"][id].title,
    )  # fmt: skip
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


def composite(view: View, recipe: "Recipe") -> tuple[View, np.ndarray]:
    """The composite in the place of the view's picture, for its top prediction, and its true mask."""
    from vizcore import gallery
    from vizcore.segmentation_bench import build

    picture, truth = build(recipe, view.net.input_size)
    thing, ground = gallery.find("cutout", recipe.cutout), gallery.find("background", recipe.background)
    title = f"{thing.title} on {ground.title.lower()}"
    return look(view, picture=picture, title=title, alt=f"A composite: {title}"), truth


def settings(source: str) -> "Settings":
    """A slider for each parameter; every source has its own, which begin where the tuning set was best."""
    from vizcore.segmentation import Settings
    from vizcore.segmentation_bench import SOURCES

    best, key = SOURCES[source][1], "".join(word[0] for word in source.split("_")) + "_"
    sigma = st.slider(
        "Smoothing (% of the side)", 0, 15, best.sigma, 1, key=f"{key}sigma", width=180, **_bound,
        help="Standard deviation of the Gaussian that blurs the map.",
    )  # fmt: skip
    foreground = st.slider(
        "Object seeds from percentile", 75, 99, best.foreground, 1, key=f"{key}object", width=180, **_bound,
        help="The pixels with the strongest map values.",
    )  # fmt: skip
    background = st.slider(
        "Background seeds to percentile", 5, 70, best.background, 5, key=f"{key}ground", width=180, **_bound,
        help="The pixels with the weakest map values.",
    )  # fmt: skip
    iterations = st.slider(
        "Graph cuts", 1, 8, best.iterations, 1, key=f"{key}cuts", width=130, **_bound,
        help="The first with the colours of the seeds, each further one with those of the division before it.",
    )  # fmt: skip
    threshold = st.slider(
        "Naive threshold at percentile", 50, 98, best.threshold, 1, key=f"{key}threshold", width=180, **_bound,
        help="The simple tool it is compared with.",
    )  # fmt: skip
    return Settings(sigma, foreground, background, iterations, threshold)


def explained(view: View, source: str) -> "Attribution":
    """The source's map of the view's class, with the parameters of the measurement."""
    from vizcore.segmentation_bench import SOURCES

    return attribution(view, source, **SOURCES[source][0])


@st.cache_data(max_entries=256, max_size="50MB", show_spinner=False)
def _cut(digest: str, seeds: bytes, iterations: int, _picture: "Image.Image", _labels: np.ndarray) -> np.ndarray:
    from vizcore import segmentation

    return segmentation.cut(_picture, _labels, iterations)


def cut(view: View, labels: np.ndarray, iterations: int) -> np.ndarray:
    """(H, W) bool: GrabCut's mask from these seeds, computed once for everyone."""
    with working("Cutting the graph of pixels"):
        return _cut(view.digest, labels.tobytes(), iterations, view.picture, labels)


@st.cache_data(max_entries=16, show_spinner=False)
def means() -> "dict[str, tuple[Mean, Mean]]":
    """For each source, and for "box": the mean IoU of GrabCut and of the simple tool over the kept measurement."""
    from vizcore import segmentation_bench as bench

    return {
        name: tuple(bench.interval([row[i] for row in rows]) for i in (0, 1))
        for name, rows in bench.stored().rows.items()
    }


@st.cache_resource(max_entries=64, show_spinner=False)
def _measure_job(model: str, source: str, settings: tuple, count: int) -> Job:
    return Job()


def measure(view: View, source: str, settings: "Settings", count: int) -> "tuple[list[Row], list[Row]]":
    """The rows of the first composites for these settings, and of the boxes; shared, and given up when nobody waits."""
    from vizcore import segmentation_bench as bench

    recipes = bench.recipes(count=count)

    def work(report) -> "tuple[list[Row], list[Row]]":
        rows = bench.measure(view.net, source, settings, recipes, lambda share: report(0.8 * share))
        boxes = []
        for recipe in recipes:
            boxes.append(bench.box_row(recipe, view.net.input_size))
            report(0.8 + 0.2 * len(boxes) / count)
        return rows, boxes

    return shared(_measure_job(view.model, source, tuple(settings), count), work, f"Measuring {count} composites")


@st.cache_data(max_entries=8, show_spinner=False)
def strip(source: str, count: int = 8) -> "tuple[bytes, Layout, list[str], list[int]]":
    """The composites GrabCut did worst and best on: sprite, layout, labels, positions; what it kept, outlined."""
    from vizcore import gallery, render, segmentation_bench, segmentation_figures
    from vizcore.atlas import atlas

    kept = segmentation_bench.stored()
    worst, best = kept.extremes(source, count)
    tiles, labels = [], []
    for position in (*best, *worst):
        recipe = kept.recipes[position]
        mask = kept.masks[source][position]
        picture, _ = segmentation_bench.build(recipe, len(mask))
        tiles.append(np.asarray(segmentation_figures.outlined(picture, mask, 160)))
        names = (gallery.find("cutout", recipe.cutout).title, gallery.find("background", recipe.background).title)
        labels.append(f"{names[0]} on {names[1].lower()}: IoU {kept.rows[source][position].cut:.2f}")
    sprite, layout = atlas(np.stack(tiles))
    return render.encode(sprite, "jpeg"), layout, labels, [*best, *worst]


def program(view: View, source: str, settings: "Settings", recipe: "Recipe | None") -> str:
    """The program that makes the mask alone, for the picture or the composite at hand."""
    from vizcore import methods
    from vizcore.segmentation_bench import SOURCES

    params = "".join(f", {name}={value!r}" for name, value in SOURCES[source][0].items())
    if recipe:
        opening = f"""picture, truth = segmentation_bench.build(segmentation_bench.{recipe!r}, net.input_size)
x = segmentation_bench.inputs(net, picture)"""
    else:
        opening = f"""image = images.load("{image_file(view)}")
picture, x = net.crop(image), net.preprocess(image)"""
    reduce = "cv2.resize(np.maximum(values, 0), picture.size)  # bilinear"
    if not methods.METHODS[source].maps:
        reduce = "np.abs(values).sum(0)"
    if source == "saliency":
        reduce = "values"
    blur = f"""
strength = cv2.GaussianBlur(strength, (0, 0), {settings.sigma / 100} * net.input_size, borderType=cv2.BORDER_REFLECT)"""
    again = f"""
cv2.grabCut(pixels, mask, None, below, above, {settings.iterations - 1}, cv2.GC_EVAL)"""
    return f"""
import cv2
import numpy as np
from vizcore import {"" if recipe else "images, "}methods, models{", segmentation_bench" if recipe else ""}

net = models.load("{view.model}")
{opening}
values = methods.run("{source}", net, x, {view.target}{params}).values
strength = {reduce}{blur if settings.sigma else ""}
low, high, core = np.percentile(strength, [{settings.background}, {settings.foreground}, 99])
mask = np.full(strength.shape, cv2.GC_PR_BGD, np.uint8)
mask[strength >= high] = cv2.GC_PR_FGD
mask[strength >= core], mask[strength <= low] = cv2.GC_FGD, cv2.GC_BGD
pixels, seeds = np.array(picture.convert("RGB")), mask != cv2.GC_PR_BGD
below, above = np.zeros((1, 65)), np.zeros((1, 65))  # five Gaussians of colour each
cv2.setRNGSeed(1)  # GrabCut's k-means starts at random
cv2.grabCut(pixels[seeds][None], mask[seeds][None], None, below, above, 0, cv2.GC_INIT_WITH_MASK)
cv2.grabCut(pixels, mask, None, below, above, 1, cv2.GC_EVAL_FREEZE_MODEL){again if settings.iterations > 1 else ""}
result = np.isin(mask, [cv2.GC_FGD, cv2.GC_PR_FGD])
"""
