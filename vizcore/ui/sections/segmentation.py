"""Controls, computations and figures of the page on object segmentation."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from vizcore import methods
from vizcore.content import programs
from vizcore.evaluation import segmentation
from vizcore.evaluation import segmentation_bench as bench
from vizcore.evaluation.segmentation import Settings
from vizcore.evaluation.segmentation_bench import Row, Stored
from vizcore.figures import bars as bar_figures
from vizcore.figures import masks as mask_figures
from vizcore.figures import render, sentences
from vizcore.figures.bars import Bar
from vizcore.figures.sprites import Layout, atlas
from vizcore.images import composites, gallery
from vizcore.images.composites import Recipe
from vizcore.methods import Attribution
from vizcore.types import Mean
from vizcore.ui import address, blocks, cache, jobs, prose, widgets
from vizcore.ui.blocks import Panel
from vizcore.ui.view import View
from vizcore.ui.widgets import linked_select

words = prose.words(__file__)
TITLES = {methods.METHODS[name].title: name for name in bench.SOURCES}
SLIDERS = "sigma", "object", "ground", "cuts", "threshold"  # names in the address after the source's initials
PLACES = {"size": "Size (%)", "across": "Left to right (%)", "down": "Top to bottom (%)"}
COMPOSITE = "Composite with known outline"
SCENES = {"Picture of the sidebar": "yours", COMPOSITE: "composite"}  # in the address, and as people read them
GROUNDS = {"One material": "background", "Photographs": "photo"}  # the kinds of vizcore.images.composites


# The composite.


def recipe() -> Recipe:
    """Controls for a composite: cut-out, background, size and place, all in the address."""
    things = {asset.id: asset for asset in gallery.records("cutout")}
    below = {asset.id: asset for kind in composites.GROUNDS for asset in composites.grounds(kind)}
    cutout = linked_select(
        "Cut-out",
        list(things),
        "cutout",
        default="zebra",
        order=sorted(things, key=lambda id: (not things[id].classes, things[id].title)),
        format_func=lambda id: f"{things[id].title} ({things[id].category})",
    )
    ground = linked_select(
        "Background",
        list(below),
        "ground",
        default="meadow",
        format_func=lambda id: f"{below[id].title}{' (photograph)' * (below[id].kind == 'photo')}",
    )
    size = _slider(PLACES["size"], 30, 100, 70, 5, "size")
    across = _slider(PLACES["across"], 0, 100, 40, 5, "across")
    down = _slider(PLACES["down"], 0, 100, 60, 5, "down")
    return Recipe(cutout, ground, size, across, down)


def _slider(label: str, low: int, high: int, value: int, step: int, key: str, help: str = "") -> int:
    return widgets.slider(label, low, high, value, step, key=key, help=help or None)


def show(recipe: Recipe, source: str) -> None:
    """Set the controls to a composite as it was measured; to be called before the page runs again."""
    places = {name: getattr(recipe, name) for name in PLACES}
    address.put(cutout=recipe.cutout, ground=recipe.background, scene=COMPOSITE, **places)
    take(source, bench.SOURCES[source][1])


def take(source: str, chosen: Settings) -> None:
    """Set the sliders of a source; to be called before the page runs again."""
    values = chosen.sigma, chosen.foreground, chosen.background, chosen.iterations, chosen.threshold
    address.put(**{f"{_prefix(source)}_{name}": int(value) for name, value in zip(SLIDERS, values, strict=True)})


def _title(recipe: Recipe) -> str:
    below = composites.ground(recipe.background)
    named = below.title.lower() if below.kind == "background" else f"a photograph ({below.title})"
    return f"{gallery.find('cutout', recipe.cutout).title} on {named}"


def composite(view: View, recipe: Recipe) -> tuple[View, np.ndarray]:
    """The composite in the place of the view's picture, for its top prediction, and its true mask."""
    picture, truth = composites.build(recipe, view.net.input_size)
    title = _title(recipe)
    return cache.look(view, picture=picture, title=title, alt=f"A composite: {title}"), truth


# From the map to the mask.


def settings(source: str) -> Settings:
    """A slider for each parameter; every source has its own.

    Those of the saliency map begin with Simonyan's percentiles, the others where the tuning set was best.
    """
    best, key = bench.SIMONYAN if source == "saliency" else bench.SOURCES[source][1], _prefix(source)
    said = words.text("help: smoothing")
    sigma = _slider("Smoothing, % of side", 0, 15, int(best.sigma), 1, f"{key}_sigma", said)
    said = words.text("help: object")
    foreground = _slider("Object from percentile", 75, 99, best.foreground, 1, f"{key}_object", said)
    said = words.text("help: background")
    background = _slider("Background to percentile", 5, 70, best.background, 5, f"{key}_ground", said)
    said = words.text("help: graph cuts")
    iterations = _slider("Graph cuts", 1, 8, best.iterations, 1, f"{key}_cuts", said)
    said = words.text("help: threshold")
    threshold = _slider("Threshold percentile", 50, 98, best.threshold, 1, f"{key}_threshold", said)
    return Settings(sigma, foreground, background, iterations, threshold)


def presets(source: str, now: Settings) -> None:
    """Buttons that set the sliders to Simonyan's values and to the best of the grid, where they are not there."""
    for label, chosen in (("Simonyan's values", bench.SIMONYAN), ("Best of the grid", bench.SOURCES[source][1])):
        st.button(label, key=f"preset_{label[0].lower()}", disabled=now == chosen, on_click=take, args=(source, chosen))


def _prefix(source: str) -> str:
    """The beginning of its parameters' names in the address."""
    return "".join(word[0] for word in source.split("_"))


def explained(view: View, source: str) -> Attribution:
    """The source's map of the view's class, with the parameters of the measurement."""
    return cache.attribution(view, source, **bench.SOURCES[source][0])


def cut(view: View, labels: np.ndarray, iterations: int) -> np.ndarray:
    """(H, W) bool: GrabCut's mask from these seeds, computed once for everyone."""
    return _cut(view, labels.tobytes(), iterations, labels)


@cache.per_picture(entries=256, size="20MB", step="Cutting the graph of pixels")
def _cut(view: View, seeds: bytes, iterations: int, _labels: np.ndarray) -> np.ndarray:
    return segmentation.cut(view.picture, _labels, iterations)


def pipeline(view: View, source: str, chosen: Settings, truth: np.ndarray | None) -> None:
    """Picture, map, seeds and cut; in a second row what simpler tools make of the same picture.

    Args:
        truth: (S, S) the object's true outline, filled; None where nobody knows it.
    """
    side, title, name = view.net.input_size, methods.METHODS[source].title, view.class_name
    found = explained(view, source)
    strength = segmentation.strength(found.values, (side, side), chosen.sigma)
    panels = [
        Panel(view.picture, f"1. The picture: “{name}”", view.alt or view.title),
        Panel(strength, f"2. {title}", f"{title} of {view.title}", signed=False),
    ]
    simple = {
        f"Map above its {chosen.threshold}th percentile": segmentation.threshold(strength, chosen.threshold),
        "A box in the middle": segmentation.centre_box((side, side), bench.BOX.share),
    }
    trouble = ""
    try:
        labels = segmentation.seeds(strength, chosen.foreground, chosen.background)
        panels.append(_seeds(view, labels))
        panels.append(_mask(view, cut(view, labels, chosen.iterations), truth, "4. GrabCut from these"))
        seeds = segmentation.box_seeds((side, side), bench.BOX.inner, bench.BOX.outer)
        simple["GrabCut from a box, no network"] = cut(view, seeds, bench.BOX.iterations)
    except ValueError as error:
        trouble, simple = str(error), {}
    if simple and truth is not None:
        simple["The true outline"] = truth
    panels += [_mask(view, mask, truth, caption) for caption, mask in simple.items()]
    blocks.compare(panels, columns=4, unit="smoothed, raw scale", room=blocks.MAIN_ROOM)
    if trouble:
        st.info(trouble, icon=":material/info:")
        return
    if truth is None:
        st.caption(words.text("no outline is known"))
    prose.notes(found)


def _seeds(view: View, labels: np.ndarray) -> Panel:
    """The seeds of object and background, in colours."""
    kinds = (segmentation.FOREGROUND, segmentation.CORE), (segmentation.BACKGROUND,)
    shares = [100 * float(np.isin(labels, kind).mean()) for kind in kinds]
    caption = f"3. Seeds: orange object {shares[0]:.0f} %, blue background {shares[1]:.0f} %"
    drawn = mask_figures.seeds_picture(view.picture, labels)
    return Panel(drawn, caption, f"Seeds of object and background on {view.title}")


def _mask(view: View, mask: np.ndarray, truth: np.ndarray | None, caption: str) -> Panel:
    """A mask as a cut-out, with its score where the outline is known."""
    score = f": IoU {segmentation.iou(mask, truth):.2f}" if truth is not None else ""
    alt = f"{caption}{score}; it keeps {100 * mask.mean():.0f} % of the picture of {view.title}"
    return Panel(mask_figures.cutout(view.picture, mask), caption + score, alt)


# How good it is.


def kept(view: View, ground: str) -> Stored:
    """The kept measurement of the view's network, or of the first that was measured, on a kind of background."""
    return bench.stored(ground, view.model if view.model in bench.MEASURED else bench.MEASURED[0])


@cache.once(entries=16)
def means(model: str, ground: str) -> dict[str, tuple[Mean, Mean]]:
    """For each source, and for "box": the mean IoU of GrabCut and of the simple tool, as kept."""
    return {name: _means(rows) for name, rows in bench.stored(ground, model).rows.items()}


def measure(view: View, source: str, settings: Settings, ground: str, count: int) -> tuple[list[Row], list[Row]]:
    """The rows of the first composites for these settings, and of the boxes; shared, and given up when nobody waits."""
    recipes = composites.recipes(ground=ground, count=count)

    def work(report: Callable[[float], None]) -> tuple[list[Row], list[Row]]:
        rows = bench.measure(view.net, source, settings, recipes, lambda share: report(0.8 * share))
        boxes = []
        for recipe in recipes:
            boxes.append(bench.box_row(recipe, view.net.input_size))
            report(0.8 + 0.2 * len(boxes) / count)
        return rows, boxes

    key = "composites", view.model, source, tuple(settings), ground, count
    return jobs.run(key, work, f"Measuring {count} composites")


def headline(view: View) -> str:
    """What the kept measurement says about maps and a plain box, in a sentence for each kind of background."""
    measurements = {name: kept(view, kind).rows for name, kind in GROUNDS.items()}
    return words.text("what was measured", said=sentences.box_or_map(measurements, TITLES))


def measured(stored: Stored, ground: str) -> str:
    """HTML of the kept measurement of all sources on a kind of background."""
    found = means(stored.model, ground)
    groups = [(title, _of_map(*found[source])) for title, source in TITLES.items()]
    return bar_figures.grouped([*groups, ("No network", _of_box(*found["box"]))])


def measured_again(view: View, source: str, settings: Settings, ground: str, count: int, heading: str) -> str:
    """HTML of a new measurement on the first composites; arguments as for :func:`measure`."""
    rows, boxes = measure(view, source, settings, ground, count)
    bars = _of_map(*_means(rows)) + _of_box(*_means(boxes))
    return bar_figures.grouped([(heading, bars)])


def _of_map(cut: Mean, threshold: Mean) -> list[Bar]:
    return [Bar("GrabCut from its seeds", cut), Bar("threshold of the same map", threshold, False)]


def _of_box(cut: Mean, box: Mean) -> list[Bar]:
    return [Bar("GrabCut from the centre box", cut, False), Bar("the centre box itself", box, False)]


def _means(rows: Sequence[Row]) -> tuple[Mean, Mean]:
    return Mean.of([row.cut for row in rows]), Mean.of([row.threshold for row in rows])


@cache.once(entries=8)
def strip(model: str, source: str, ground: str, count: int = 8) -> tuple[bytes, Layout, list[str], list[int]]:
    """The composites GrabCut did worst and best on: sprite, layout, labels, positions; what it kept, outlined."""
    found = bench.stored(ground, model)
    worst, best = found.extremes(source, count)
    tiles, labels = [], []
    for position in (*best, *worst):
        recipe = found.recipes[position]
        mask = found.masks[source][position]
        picture, _ = composites.build(recipe, len(mask))
        tiles.append(np.asarray(mask_figures.outlined(picture, mask, 160)))
        labels.append(f"{_title(recipe)}: IoU {found.rows[source][position].cut:.2f}")
    sprite, layout = atlas(np.stack(tiles))
    return render.encode(sprite, "jpeg"), layout, labels, [*best, *worst]


def program(view: View, source: str, settings: Settings, recipe: Recipe | None) -> str:
    """The program that makes the mask alone, for the picture or the composite at hand."""
    return programs.segmentation(
        view.model,
        cache.image_file(view),
        view.target,
        source,
        bench.SOURCES[source][0],
        methods.METHODS[source].maps,
        settings._asdict(),
        repr(recipe) if recipe else "",
    )
