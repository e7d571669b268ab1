"""The page on projections: its settings, the maps that are made in the background, and its figures."""

import functools
import hashlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st
from PIL import Image, ImageOps
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vizcore.figures import scatter as scatter_figures
from vizcore.images import gallery
from vizcore.images.collection import LABELLED, Labelled, labelled
from vizcore.types import INPUT
from vizcore.ui import address, blocks, cache, digits, jobs, prose, widgets
from vizcore.ui.blocks import Panel
from vizcore.ui.components import Cell, CloudSheet, Placed, Stage, layer_strip, point_cloud
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.inspection.embeddings import Projection, Stability
    from vizcore.inspection.features import Features
    from vizcore.inspection.picture_maps import Kept, Map

words = prose.words(__file__)

METHODS = {"PCA": "pca", "t-SNE": "tsne", "UMAP": "umap"}
COUNTS = (500, 1000, 2000, 5000)  # digits
PERPLEXITIES = (5, 10, 15, 30, 50, 100)
SEVERAL = 1000  # pictures of the maps that stand side by side, at most
NEAR = 10  # neighbours
CELL = 48  # pixels of a photograph's thumbnail
EVERY, PATIENCE = 0.4, 6.0  # seconds between two looks at a map that is being made; until nobody waits for it
SETTLED = 1.0  # seconds that a page stands before it runs again by itself
GUESSES = (0, 10, 25, 50, 75, 95)  # percent
SHIPPED = gallery.ASSETS / "embeddings"


class Setting(NamedTuple):
    """What a map is made of and how: plain values that name it."""

    model: str
    collection: str
    size: int
    layer: str
    method: str = "tsne"
    dimensions: int = 2
    seed: int = 0
    perplexity: int = 30
    start: str = "pca"
    noise: bool = False

    @property
    def method_title(self) -> str:
        return next(title for title, name in METHODS.items() if name == self.method)


# The choices.


def layers(view: View, every: bool) -> tuple[str, ...]:
    """The layers to choose from: the pixels, and those that hand on maps or vectors; or really every layer."""
    from vizcore.inspection import features

    return (INPUT, *(layer.name for layer in view.net.layers)) if every else features.offered(view.net)


def choose_layer(view: View, every: bool) -> str:
    """The strip of layers, the pixels first; the chosen one, as `?layer=`."""
    from vizcore.inspection import features
    from vizcore.models.layers import last_features

    names = layers(view, every)

    def cell(name: str) -> Cell:
        channels, height, width = (*features.shape(view.net, name), 1, 1)[:3]
        mapped = len(features.shape(view.net, name)) == 3
        text = f"{channels} maps of {height} × {width}" if mapped else f"{channels} numbers"
        kind = "pixels" if name == INPUT else view.net.layer(name).kind
        return Cell(name, text, kind, height, width, channels)

    def take(name: str) -> None:
        st.session_state["layer"] = name

    last = last_features(view.net)
    usual = last if last in names else names[-2] if len(names) > 2 else names[-1]
    chosen = address.setting("layer", names, usual)
    layer_strip("strip_layer", [cell(name) for name in names], chosen, take, "Layer")
    return chosen


def choose(view: View) -> Setting:
    """The row on top: which pictures, which layer, which method, and how it begins."""
    with widgets.choices():
        collection, count = _choose_pictures(view)
        method = METHODS[widgets.segmented_control("Method", list(METHODS), "t-SNE", key="projection")]
        dimensions = int(widgets.segmented_control("Axes", ["2", "3"], "2", key="axes"))
        total = len(_pictures(collection, count).labels)
        several = feasible(total)
        perplexity = 0
        if method != "pca":
            label = "Perplexity" if method == "tsne" else "Neighbours"
            usual = 30 if method == "tsne" else 15
            perplexity = _perplexity(label, several, min(several, key=lambda one: abs(one - usual)))
        seed = widgets.number_input("Seed", 0, 9999, 0, key="seed", width=78) if method != "pca" else 0
        layer = choose_layer(view, every_layer())
        st.session_state["strip_has_every_layer"] = every_layer()
    return Setting(view.model, collection, count, layer, method, dimensions, seed, perplexity)


def every_layer() -> bool:
    """What the switch at the side says, which is drawn after the strip."""
    return (address.asked("every_layer") or "").lower() == "true"


def _perplexity(label: str, several: Sequence[int], usual: int) -> int:
    if len(several) == 1:  # few pictures leave no choice
        return several[0]
    return widgets.select_slider(label, list(several), usual, key="perplexity", width=92)


def feasible(count: int) -> tuple[int, ...]:
    """The perplexities that fit so many pictures: each has three times as many others, or nearly."""
    return tuple(one for one in PERPLEXITIES if 3 * one < count) or (max(2, (count - 1) // 3),)


def _choose_pictures(view: View) -> tuple[str, int]:
    """The collection, and how many of it: digits alone are so many that it is a choice."""
    collection = "digits"
    if view.net.channels == 3:
        collection = widgets.linked_select("Pictures", list(LABELLED), "points", format_func=str.capitalize, width=140)
    count = 0
    if collection == "digits":
        usual = 1000 if view.net.channels == 1 else 500
        count = widgets.select_slider("Digits", list(COUNTS), usual, key="how_many_digits", width=105)
    return collection, count


@functools.lru_cache(maxsize=8)
def _labelled(collection: str, count: int, _known: int) -> Labelled:
    return labelled(collection, count)


def _pictures(collection: str, count: int) -> Labelled:
    """The collection, kept; tests show a few pictures only, so what the gallery says is part of the name."""
    from vizcore.images import collection as source

    return _labelled(collection, count, id(source.gallery))


def pictures(setting: Setting) -> Labelled:
    return _pictures(setting.collection, setting.size)


# What the layers give, and what the network says.


def features_of(view: View, setting: Setting) -> "Features":
    """The rows of all layers on offer, or of the chosen one alone; gathered once, then on disk and in memory."""
    from vizcore.inspection import features

    several = features.offered(view.net)
    chosen = several if setting.layer in several else (setting.layer,)
    count = len(pictures(setting).labels)

    def work(report: Any) -> "Features":
        return features.load_or_gather(view.net, pictures(setting).pictures, chosen, report)

    key = ("features", setting.model, setting.collection, setting.size, chosen, _fingerprint(setting))
    return jobs.run(key, work, words.text("progress: features", count=count, network=view.net.title), keep=True)


def rows_of(view: View, setting: Setting) -> np.ndarray:
    """(N, D) float32: what is projected; the noise twin's for a setting with noise."""
    from vizcore.inspection import embeddings

    rows = features_of(view, setting).rows[setting.layer].astype(np.float32)
    return embeddings.noise_twin(rows, setting.seed).astype(np.float32) if setting.noise else rows


def _fingerprint(setting: Setting) -> str:
    """Names the pictures."""
    return hashlib.sha256("".join(pictures(setting).pictures.digests).encode()).hexdigest()[:16]


# Maps that come with the dashboard.


@functools.lru_cache(maxsize=4)
def _in_file(name: str) -> "Kept | None":
    from vizcore.inspection import picture_maps

    return picture_maps.from_file(SHIPPED / name) if (SHIPPED / name).exists() else None


def ready(view: View, setting: Setting) -> "Kept | None":
    """The maps that came with the dashboard, where they are of this very network and these very pictures."""
    found = _in_file(f"{setting.model}-{'digits' if setting.collection == 'digits' else 'photographs'}.npz")
    if found is None or found.size != setting.size:
        return None
    identity = _identity(view, setting.collection, setting.size, _fingerprint(setting))
    return found if found.identity == identity else None


@cache.per_network(entries=32)
def _identity(view: View, collection: str, size: int, fingerprint: str) -> str:
    from vizcore.inspection import features

    return features.identity(view.net, _pictures(collection, size).pictures, features.offered(view.net))


def shipped(view: View, setting: Setting) -> "Map | None":
    """The map of this setting that came with the dashboard, if one did."""
    plain = Setting(setting.model, setting.collection, setting.size, setting.layer, noise=setting.noise)
    if setting != plain or (found := ready(view, setting)) is None:
        return None
    return found.maps.get((setting.layer, setting.noise))


# Making a map in the background.


_finished: dict[tuple, None] = {}  # keys of the jobs that are done, the latest last


def _key(setting: Setting) -> tuple:
    return ("map", *setting, _fingerprint(setting))


def done(view: View, setting: Setting) -> "Map | None":
    """The map of this setting, if it is there."""
    if found := shipped(view, setting):
        return found
    key = _key(setting)
    if key in _finished and (job := jobs.find(key)).finished:
        return job.result()
    return None


def begin(view: View, setting: Setting) -> jobs.Job:
    """The job that makes the map: begun, or going on; asking it keeps it alive."""
    from vizcore.inspection import picture_maps

    job, labels = jobs.find(_key(setting)), pictures(setting).labels
    if job.wait(0) and job.finished:
        return job
    rows = rows_of(view, setting)

    def work(report: Any) -> "Map":
        return picture_maps.make(
            rows,
            labels,
            setting.method,
            setting.dimensions,
            setting.seed,
            setting.perplexity,
            report,
            start=setting.start,
            seen=functools.partial(setattr, job, "seen"),
        )

    job.start(work, keep=False, patience=PATIENCE)
    return job


def note_finished(setting: Setting) -> None:
    _finished[_key(setting)] = None
    while len(_finished) > 200:
        del _finished[next(iter(_finished))]


class Progress(NamedTuple):
    """How far the page's map is: the map and its noise twin where they are there, else the job that runs; when seen."""

    map: "Map | None"
    twin: "Map | None"
    job: jobs.Job | None
    stopped: bool = False
    at: float = 0.0


def stopped_key(setting: Setting) -> str:
    return repr(setting._replace(noise=False))


def look(view: View, setting: Setting) -> Progress:
    """The page's map and twin, begun where they are not there yet and the visitor has not stopped them."""
    found: list[Map] = []
    for one in (setting, setting._replace(noise=True)):
        there = done(view, one)
        if there is None:
            first, now = found[0] if found else None, time.monotonic()
            if st.session_state.get("stopped_map") == stopped_key(setting):
                return Progress(first, None, None, True, now)
            job = begin(view, one)
            if not job.wait(0.15):
                return Progress(first, None, job, False, now)
            try:
                there = job.result()
            except jobs.Abandoned:  # nobody asked for a while; it begins again
                return Progress(first, None, begin(view, one), False, now)
            note_finished(one)
        found.append(there)
    return Progress(found[0], found[1], None, False, time.monotonic())


def changed(setting: Setting, before: Progress, now: Progress) -> bool:
    """Whether the rest of the page has to know: something is done or stopped, or another layer was chosen.

    Only where the map's part of the page runs alone, and a second after the page: the browser loses what controls
    show when it gets two runs of a page at once.
    """
    run = get_script_run_ctx()
    if not (run and run.fragment_ids_this_run):
        return False
    if st.session_state.get("layer", setting.layer) != setting.layer:
        return True
    steps = [(one.map is None, one.twin is None, one.stopped) for one in (before, now)]
    return steps[0] != steps[1] and time.monotonic() - before.at > SETTLED


_warmed = threading.Lock()


def warm() -> None:
    """Import and compile what the methods need, once, in the background: only when this page has been opened."""

    def work() -> None:
        from vizcore.inspection import embeddings

        time.sleep(1.0)  # the page that was asked for goes first
        embeddings.warm()

    if _warmed.acquire(blocking=False):
        threading.Thread(target=work, name="warm embeddings", daemon=True).start()


# The sheet of thumbnails and words.


def sheet(view: View, setting: Setting) -> CloudSheet:
    """Thumbnails, titles, labels, and the network's predictions where they are known."""
    source = pictures(setting)
    found = ready(view, setting)
    known = found.predicted if found else _predicted(view, setting)
    said = [""] * len(source.labels) if known is None else [view.net.categories[code] for code in known]
    if setting.collection == "digits" and view.net.channels == 1:
        correct = [int(word == label) for word, label in zip(said, source.labels, strict=True)] if any(said) else []
    elif setting.collection == "digits":
        correct = []
    else:
        pairs = zip(said, source.accepted, strict=True)
        correct = [int(word in accepted) if accepted and word else 2 for word, accepted in pairs]
    file, columns, cell = _thumbnails(setting.collection, setting.size, _fingerprint(setting))
    return CloudSheet(
        file,
        columns,
        cell,
        source.pictures.titles,
        source.labels,
        said,
        correct or [2] * len(said),
        crisp=setting.collection == "digits",
    )


def _predicted(view: View, setting: Setting) -> np.ndarray | None:
    """The network's predictions, if its pass over the pictures has been made."""
    return features_of(view, setting).predicted


@cache.once(entries=16, size="30MB", step="Opening the pictures")
def _thumbnails(collection: str, count: int, fingerprint: str) -> tuple[bytes, int, int]:
    """One encoded picture of all thumbnails, how many are in a row, and their side."""
    from vizcore.figures import render
    from vizcore.figures.sprites import atlas

    source = _pictures(collection, count).pictures
    if collection == "digits":
        picture, layout = atlas(np.stack([np.asarray(source.open(at)) for at in range(len(source.titles))]))
        return render.encode(picture.convert("L"), "png"), layout.columns, layout.cell
    columns = int(np.ceil(np.sqrt(len(source.titles))))
    page = Image.new("RGB", (columns * CELL, -(-len(source.titles) // columns) * CELL), (127, 127, 127))
    with ThreadPoolExecutor(2) as pool:
        for at, picture in enumerate(pool.map(source.open, range(len(source.titles)))):
            page.paste(ImageOps.fit(picture, (CELL, CELL)), (at % columns * CELL, at // columns * CELL))
    return render.encode(page, "jpeg"), columns, CELL


# The main figure.


def own_number(view: View, setting: Setting) -> int:
    """The number of the page's picture in the collection; -1 where it is not in it."""
    if setting.collection == "digits":
        place = digits.chosen().place if view.net.channels == 1 else None
        return -1 if place is None or place >= len(pictures(setting).labels) else place
    own = st.session_state.get("own_picture") and st.session_state.get("use_own")
    if own or setting.collection not in LABELLED[:2]:
        return -1
    ids = [asset.id for asset in gallery.records("gallery")]
    titles = pictures(setting).pictures.titles
    at = ids.index(st.session_state["image"]) if st.session_state["image"] in ids else -1
    return at if 0 <= at < len(titles) and titles[at] == view.title else -1


def lines(setting: Setting, found: "Map") -> list[str]:
    """A map in numbers, each labelled as what it is."""
    return [
        words.text("fact: trust", share=f"{found.trustworthiness:.3f}"),
        words.text("fact: original", width=f"{found.width:,}", share=f"{100 * found.original:.0f}"),
        words.text("fact: projected", axes=setting.dimensions, share=f"{100 * found.projected:.0f}"),
    ]


def stages(view: View, setting: Setting, found: Progress) -> list[Stage]:
    """The chosen layer's map, and those of other layers that are done, turned onto it."""
    from vizcore.inspection import embeddings

    count = len(pictures(setting).labels)
    if found.map:
        main = Stage(setting.layer, found.map.coordinates, lines(setting, found.map), *found.map[1:3])
    else:
        seen = found.job.seen if found.job else None
        if seen is None or len(seen) != count:
            return []
        return [Stage(setting.layer, seen, [words.text("fact: moving")], live=True)]
    every = []
    for name in layers(view, setting.layer not in layers(view, False)):
        other = main if name == setting.layer else None
        if other is None and (there := done(view, setting._replace(layer=name))):
            places = embeddings.align(there.coordinates, found.map.coordinates)
            other = Stage(name, places, lines(setting, there), *there[1:3])
        if other is not None and (other.neighbours is None or other.neighbours.shape == found.map.neighbours.shape):
            every.append(other)
    return every


def cloud(view: View, setting: Setting, found: Progress, place: bool) -> None:
    """The map with its noise twin, in the browser."""
    drawn = stages(view, setting, found)
    twin_text = words.text("twin: being made") if found.map else ""
    if found.twin:
        twin_text = words.text("twin: numbers", share=f"{100 * found.twin.projected:.0f}", what=setting.method_title)
    colour = str(st.session_state.get("point_colour", "label"))
    placed = placed_own(view, setting, found.map) if place and found.map else []
    count = len(pictures(setting).labels)
    alt = words.text("alt", count=count, layer=setting.layer, what=setting.method_title, axes=setting.dimensions)
    point_cloud(
        "cloud",
        sheet(view, setting),
        drawn,
        setting.layer,
        twin=found.twin.coordinates if found.twin else None,
        twin_text=twin_text,
        placed=placed,
        own=own_number(view, setting),
        colour=colour,
        drawn="dots" if st.session_state.get("points_as") == "dots" else "pictures",
        halo=bool(st.session_state.get("halo", True)),
        grid=bool(st.session_state.get("on_grid", False)),
        alt=alt,
        hint=words.text("hint"),
        progress=_how_far(setting, found),
        take=functools.partial(st.session_state.__setitem__, "layer"),
        stop=functools.partial(st.session_state.__setitem__, "stopped_map", stopped_key(setting)),
    )


def _how_far(setting: Setting, found: Progress) -> tuple[float, str] | None:
    """The share of what is being made, and that in words with the time left."""
    if found.job is None:
        return None
    what = words.text("progress: twin") if found.map else words.text("progress: map", what=setting.method_title)
    left = found.job.seconds_left
    said = "" if left is None else words.text("progress: left", seconds=f"{left:.0f}")
    return found.job.share, f"{what} {100 * found.job.share:.0f} % {said}"


def how_drawn(view: View) -> bool:
    """The controls at the side; whether the page's own picture is to be placed."""
    widgets.linked_select("Colour by", ["label", "prediction", "correctness"], "point_colour")
    widgets.segmented_control("Points as", ["pictures", "dots"], key="points_as")
    widgets.toggle("Halo of doubt", True, key="halo", help=words.text("help of the halo"))
    widgets.toggle("Grid", key="on_grid", help=words.text("help of the grid"))
    place = widgets.toggle("Place this picture", key="place_own", help=words.text("help of placing"))
    every = widgets.toggle("Every layer", key="every_layer", help=words.text("help of every layer"))
    if every != st.session_state.get("strip_has_every_layer", every):
        st.rerun()  # the strip is drawn before this
    return place


def offer_again() -> None:
    """What is said of a map that the visitor has stopped, and a button that begins it again."""
    st.caption(words.text("stopped"))
    if st.button("Start again", key="start_map", icon=":material/play_arrow:"):
        st.session_state.pop("stopped_map", None)
        st.rerun()


# The page's own picture in the map.


def projection_of(view: View, setting: Setting, found: "Map") -> "Projection":
    """What places pictures into a map, of one that came with the dashboard too."""
    from vizcore.inspection import embeddings

    if found.projection is not None:
        return found.projection
    rows = rows_of(view, setting).astype(np.float64)
    first = embeddings.principal(rows, embeddings.BEFORE) if rows.shape[1] > embeddings.BEFORE else None
    given = rows if first is None else first.along(rows)
    return embeddings.Projection(
        setting.method, found.coordinates, setting.seed, setting.perplexity, first, given=given.astype(np.float32)
    )


@cache.per_picture(entries=64, step="Placing the picture")
def _placed(view: View, setting: Setting, _found: "Map") -> np.ndarray:
    """(dimensions,): where the page's picture lands."""
    from vizcore.inspection import features

    row = features.of_picture(view.net, view.x, setting.layer)
    return projection_of(view, setting, _found).place(row)[0]


def placed_own(view: View, setting: Setting, found: "Map") -> list[Placed]:
    """The page's picture as a star, with what its neighbours on the map are."""
    at = _placed(view, setting, found)
    if not np.isfinite(at).all():
        return []
    labels = pictures(setting).labels
    order = np.argsort(((found.coordinates - at) ** 2).sum(1), kind="stable")
    around = [labels[other] for other in order[: found.neighbours.shape[1]]]
    most = max(sorted(set(around)), key=around.count)
    own = own_number(view, setting)
    said = words.text("placed", title=view.title, most=most, count=around.count(most), of=len(around))
    if own >= 0:
        said += " " + words.text("placed beside itself", rank=int(np.flatnonzero(order == own)[0]) + 1)
    return [Placed(setting.layer, at.tolist(), said)]


# Further parts.


def facts(setting: Setting, found: Progress) -> None:
    """The k-NN accuracies and the trustworthiness, of the map and of its noise twin."""
    if not found.map:
        st.caption(words.text("not there yet"))
        return
    head = "| measured | the pictures | the noise twin |\n|---|---|---|\n"
    twin = found.twin
    rows = [
        (words.text("row: trust"), f"{found.map.trustworthiness:.3f}", twin and f"{twin.trustworthiness:.3f}"),
        (
            words.text("row: original", width=f"{found.map.width:,}"),
            f"{100 * found.map.original:.0f} %",
            twin and f"{100 * twin.original:.0f} %",
        ),
        (
            words.text("row: projected", axes=setting.dimensions),
            f"{100 * found.map.projected:.0f} %",
            twin and f"{100 * twin.projected:.0f} %",
        ),
    ]
    st.markdown(head + "\n".join(f"| {name} | {own} | {other or 'being made'} |" for name, own, other in rows))


def doubtful(view: View, setting: Setting, found: Progress) -> None:
    """A table: the labels, and the pictures whose place can be trusted least."""
    if not found.map:
        st.caption(words.text("not there yet"))
        return
    from vizcore.inspection import embeddings

    labels = np.array(pictures(setting).labels)
    near = found.map.neighbours.shape[1]
    plane, false = embeddings.nearest(found.map.coordinates, near), found.map.false_neighbours
    voted = embeddings.vote(plane, labels) == labels
    original = embeddings.vote(found.map.neighbours.astype(int), labels) == labels
    table: dict[str, list] = {"Label": [], "Pictures": [], "k-NN, layer": [], "k-NN, map": [], "Trust": []}
    for name in sorted(set(labels)):
        some = labels == name
        cells = (
            name,
            int(some.sum()),
            f"{100 * original[some].mean():.0f} %",
            f"{100 * voted[some].mean():.0f} %",
            f"{found.map.trust[some].mean():.2f}",
        )
        for column, value in zip(table.values(), cells, strict=True):
            column.append(value)
    st.table(table, hide_index=True, height=380 if len(table["Label"]) > 10 else "content")
    words.say("the least trusted", count=12, near=near)
    worst = np.argsort(found.map.trust, kind="stable")[:12]
    titles = pictures(setting).pictures.titles
    st.table(
        {
            "Picture": [titles[at] for at in worst],
            "Label": [str(labels[at]) for at in worst],
            "Trustworthiness": [f"{found.map.trust[at]:.2f}" for at in worst],
            "False neighbours": [f"{false[at]} of {near}" for at in worst],
        },
        hide_index=True,
        height=300,
    )


class Several(NamedTuple):
    """Maps of one layer under several settings, turned onto the first, and of its noise twin."""

    settings: tuple[Setting, ...]
    maps: tuple[np.ndarray, ...]
    twins: tuple[np.ndarray, ...]
    own: "Stability"
    noise: "Stability"


def side_by_side(view: View, setting: Setting, by: str) -> Several:
    """Four seeds, started at random, or several perplexities; made once for all visitors."""
    from vizcore.inspection import embeddings

    if by == "seed":
        chosen = [setting._replace(seed=setting.seed + step, start="random") for step in range(4)]
    else:
        total = min(SEVERAL, len(pictures(setting).labels))
        chosen = [setting._replace(perplexity=one) for one in feasible(total)[:: max(1, len(feasible(total)) // 3)][:4]]
    rows = rows_of(view, setting)[:SEVERAL]
    twin = embeddings.noise_twin(rows, setting.seed)

    def work(report: Any) -> Several:
        jobs_ = [(data, one) for data in (rows, twin) for one in chosen]
        made: list[np.ndarray] = []
        for at, (data, one) in enumerate(jobs_):

            def part(share: float, at: int = at) -> None:
                report((at + share) / len(jobs_))

            found = embeddings.project(
                data, one.method, one.dimensions, one.seed, one.perplexity, part, start=one.start
            )
            made.append(found.coordinates)
        own, noise = made[: len(chosen)], made[len(chosen) :]
        near = min(NEAR, (len(rows) - 1) // 2)
        return Several(
            tuple(chosen),
            tuple(embeddings.align(each, own[0]) for each in own),
            tuple(embeddings.align(each, noise[0]) for each in noise),
            embeddings.stability(own, near),
            embeddings.stability(noise, near),
        )

    label = words.text("progress: several", count=2 * len(chosen))
    return jobs.run(("several maps", by, *setting, _fingerprint(setting)), work, label)


def show_several(view: View, setting: Setting, by: str) -> None:
    """The maps in a row, their noise twins in a row below, and how alike they are."""
    found = side_by_side(view, setting, by)
    labels = pictures(setting).labels[: len(found.maps[0])]
    panels = []
    for row, maps in (("", found.maps), (words.text("caption: noise"), found.twins)):
        for one, places in zip(found.settings, maps, strict=True):
            value = one.seed if by == "seed" else one.perplexity
            caption = f"{row} {by} {value}".strip()
            panels.append(Panel(scatter_figures.scatter(places, labels), caption, f"{setting.method_title}, {caption}"))
    blocks.compare(panels, columns=len(found.settings), key=f"several_{by}")
    words.say(
        "how stable",
        near=f"{100 * found.own.neighbours:.0f}",
        places=f"{100 * found.own.places:.0f}",
        noise_near=f"{100 * found.noise.neighbours:.0f}",
        noise_places=f"{100 * found.noise.places:.0f}",
        chance=f"{100 * found.own.by_chance:.1f}",
    )


# Exercises that are checked from the page's own numbers.


def check_noise(setting: Setting, found: Progress) -> None:
    """A number to commit to: what k-NN can reach on the map of noise."""
    guess = st.radio(
        words.text("ask: noise"),
        GUESSES,
        index=None,
        key="guess_noise",
        horizontal=True,
        format_func="about {} %".format,
    )
    if not found.twin:
        st.caption(words.text("not there yet"))
        return
    if guess is None:
        return
    labels = pictures(setting).labels
    real = 100 * found.twin.projected
    largest = max(labels.count(name) for name in set(labels)) / len(labels)
    real_said, top, kinds = f"{real:.0f}", f"{100 * largest:.0f}", len(set(labels))
    if guess == min(GUESSES, key=lambda one: abs(one - real)):
        said = words.text("right: noise", real=real_said, largest=top, classes=kinds)
        st.success(said, icon=":material/check:")
    else:
        said = words.text("wrong: noise", real=real_said, largest=top, classes=kinds)
        st.warning(said, icon=":material/close:")


def check_plane(setting: Setting, found: Progress) -> None:
    """A choice to commit to: do the layer's numbers or the map tell the label better?"""
    options = ["the layer's numbers", "the map", "the same, within 2 points"]
    guess = st.radio(words.text("ask: plane"), options, index=None, key="guess_plane", horizontal=True)
    if guess is None or not found.map:
        return
    gap = 100 * (found.map.original - found.map.projected)
    truth = options[2] if abs(gap) <= 2 else options[0] if gap > 0 else options[1]
    original, projected = (f"{100 * share:.0f}" for share in (found.map.original, found.map.projected))
    if guess == truth:
        st.success(words.text("right: plane", original=original, projected=projected), icon=":material/check:")
    else:
        st.warning(
            words.text("wrong: plane", truth=truth, original=original, projected=projected), icon=":material/close:"
        )


def show_me() -> None:
    """Buttons that set the controls to what the text speaks of."""
    with widgets.controls("show_me"):
        for label, settings in (
            ("Pixels, not a layer", {"layer": INPUT}),
            ("Perplexity 5", {"projection": "t-SNE", "perplexity": 5}),
            ("PCA", {"projection": "PCA"}),
            ("In three dimensions", {"axes": "3"}),
        ):
            st.button(label, key=f"show_{label[:4].strip().lower()}", on_click=address.put, kwargs=settings)


# The sentences that are computed.


def shares(found: Progress) -> dict[str, str]:
    """The numbers of the closing sections; an ellipsis where the map is still being made."""
    unknown = "…"
    made, twin = found.map, found.twin
    return {
        "trust": f"{made.trustworthiness:.3f}" if made else unknown,
        "original": f"{100 * made.original:.0f}" if made else unknown,
        "projected": f"{100 * made.projected:.0f}" if made else unknown,
        "noise": f"{100 * twin.projected:.0f}" if twin else unknown,
        "width": f"{made.width:,}" if made else unknown,
        "false": f"{100 * made.false_neighbours.mean() / made.neighbours.shape[1]:.0f}" if made else unknown,
    }


def across(view: View, setting: Setting) -> str:
    """The layers, of those whose maps are done, whose own numbers tell the label worst and best, in a sentence."""
    names = layers(view, setting.layer not in layers(view, False))
    found = {name: there.original for name in names if (there := done(view, setting._replace(layer=name)))}
    if len(found) < 2:
        return ""
    low, high = (pick(found, key=found.__getitem__) for pick in (min, max))
    least, most = (f"{100 * found[name]:.0f}" for name in (low, high))
    return words.text("across the layers", low=low, high=high, least=least, most=most)
