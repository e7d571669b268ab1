"""The figures of the page on caveats: random weights, two tests that disagree, units and directions taken away."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import streamlit as st

from vizcore import models
from vizcore.content import programs
from vizcore.evaluation import ablation, compare, randomization, randomization_bench
from vizcore.evaluation.randomization import CONTROLS, QUICK, SIX, SLOWER, Reference, Similarity, Stage
from vizcore.figures import bars as bar_figures
from vizcore.figures import randomization as figures
from vizcore.figures.bars import percent
from vizcore.images.collection import open_collection
from vizcore.inspection import squares
from vizcore.models import Net
from vizcore.models import layers as model_layers
from vizcore.types import Mean, OtherNetworkError
from vizcore.ui import blocks, cache, jobs, progress, prose, shell, widgets
from vizcore.ui.blocks import Panel
from vizcore.ui.charts import chart
from vizcore.ui.view import View

T = TypeVar("T")
words = prose.words(__file__)
TRAINED = "trained"
MEASURED = "squeezenet1_1"  # whose kept measurement has all quick methods
CASCADE, ALONE = "Cascade", "One part"
SETS = {
    f"{len(QUICK)} methods": QUICK,
    "6, before and after": (*SIX, *CONTROLS),
    f"{len(QUICK) + len(SLOWER)} methods": randomization_bench.METHODS,
}
BESIDE = list(SETS)[1]
MEASURES = {"Absolute": "size", "Signed": "signed", "SSIM": "ssim"}
SAID = {
    "size": "rank correlation of the absolute values",
    "signed": "rank correlation of the signed values",
    "ssim": "structural similarity (SSIM)",
}
TITLES = {
    "saliency": "Gradient",
    "input_x_gradient": "Input × gradient",
    "smooth_grad": "SmoothGrad",
    "integrated_gradients": "Integrated grad.",
    "forgrad": "FORGrad",
    "deconvnet": "Deconvnet",
    "guided_backprop": "Guided backprop",
    "cam": "CAM",
    "grad_cam": "Grad-CAM",
    "grad_cam_pp": "Grad-CAM++",
    "hires_cam": "HiResCAM",
    "layer_cam": "LayerCAM",
    "xgrad_cam": "XGrad-CAM",
    "eigen_cam": "Eigen-CAM",
    "guided_grad_cam": "Guided Grad-CAM",
    "edges": "Edges",
    "random": "New noise",
}
LINES = [TITLES[name] for name in QUICK]
USUAL = [TITLES[name] for name in ("saliency", "guided_backprop", "grad_cam", "guided_grad_cam", *CONTROLS)]
SEEDS = (1, 3, 10)
POLL = 0.7  # seconds between two looks at what is computed ahead; jobs are given up after two
LOOKED_AT = 12  # pictures from which units are taken away while one waits
SHOWN = 8  # pictures of a strip, and draws of random units for one picture


class Choice(NamedTuple):
    """What is randomized: a cascade from the output down, or one part alone; by which seed."""

    order: str
    seed: int


class Step(NamedTuple):
    """What the methods make of one twin.

    Attributes:
        values: method to its raw values as a share of their largest size, float16.
        similarity: method to how alike it is to its map of the trained network.
        complexity: method to the entropy of its map.
        says, probability: what the twin takes the picture for. missing: method to why it cannot run.
    """

    values: dict[str, np.ndarray]
    similarity: dict[str, Similarity]
    complexity: dict[str, float]
    says: int
    probability: float
    missing: dict[str, str]


# Steps of the slider, computed once for everyone.


def parts(view: View) -> tuple[Stage, ...]:
    """The parts of the network from the output down: the steps of the slider after the trained network.

    Raises:
        ValueError: a network without weights to randomize.
    """
    found = randomization.stages(view.net)[::-1]
    if not found:
        raise ValueError(f"{view.net.title} has no convolution and no linear layer whose weights could be random.")
    return found


@st.cache_resource(max_entries=4, show_spinner=False)  # about 25 MB each
def _references(
    model: str, digest: str, target: int, names: tuple[str, ...], _view: View
) -> tuple[dict[str, Reference], dict[str, np.ndarray], dict[str, str]]:
    """The trained network's results, ready to be compared with many others; nobody changes them."""
    trained, missing = randomization.explain(_view.net, _view.x, _view.target, names)
    side = _view.net.input_size
    return {name: Reference(values, side) for name, values in trained.items()}, trained, missing


def _twin(view: View, choice: Choice, at: int) -> Net:
    stage = parts(view)[at - 1]
    if choice.order == CASCADE:
        return randomization.randomize(view.net, stage.layers[0], choice.seed)
    return randomization.randomize_only(view.net, stage.layers, choice.seed)


@cache.per_class(entries=160, size="160MB")
def _step(view: View, choice: Choice, at: int, names: tuple[str, ...]) -> Step:
    """Step `at` of the slider, from 1; 0 is the trained network."""
    import torch

    references, trained, missing = _references(view.model, view.digest, view.target, names, view)
    net, found = view.net, trained
    if at:
        net = _twin(view, choice, at)
        found, _ = randomization.explain(net, view.x, view.target, names, noise=1 + at + 1000 * choice.seed)
    with torch.no_grad():
        chances = net(view.x)[0].softmax(0)
    return Step(
        {name: _share(values) for name, values in found.items()},
        {name: references[name].similarity(values) for name, values in found.items()},
        {name: randomization.complexity(values) for name, values in found.items()},
        int(chances.argmax()),
        float(chances.max()),
        missing,
    )


def _share(values: np.ndarray) -> np.ndarray:
    """The values as a share of their largest size (of gradients its 99.5th percentile), float16, at most 1."""
    size = np.abs(values)
    top = float(np.percentile(size, 99.5)) if values.ndim == 3 else float(size.max())
    return np.clip(values / (top or float(size.max()) or 1.0), -1, 1).astype(np.float16)


@cache.per_class(entries=20_000)
def _number(view: View, choice: Choice, at: int, name: str, _twin_of: Callable[[], Net]) -> Similarity | None:
    """The similarity of one method at a step whose pictures nobody asked for; None where it cannot run."""
    references, _, _ = _references(view.model, view.digest, view.target, QUICK, view)
    found, _ = randomization.explain(_twin_of(), view.x, view.target, [name], noise=1 + at + 1000 * choice.seed)
    return references[name].similarity(found[name]) if name in found else None


def _numbers(view: View, choice: Choice, at: int, names: Sequence[str]) -> dict[str, Similarity]:
    """The similarities of these methods at a step; the twin is made where one of them is not known yet."""
    twin = functools.cache(lambda: _twin(view, choice, at))
    found = {name: _number(view, choice, at, name, twin) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def _computed(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The sets that are computed together: the quick methods always, the slower ones where they are asked for."""
    return (QUICK, tuple(SLOWER)) if set(names) & set(SLOWER) else (QUICK,)


def step(view: View, choice: Choice, at: int, names: Sequence[str]) -> Step:
    """A step of the slider with these methods, in this order."""
    key = "step of the cascade", view.model, view.digest, view.target, choice, at, tuple(names)
    with progress.first_time(words.text("progress of one step"), key):
        several = [_step(view, choice, at, each) for each in _computed(names)]
    first = several[0]

    def ordered(fields: Sequence[dict[str, T]]) -> dict[str, T]:
        return {name: found[name] for name in names for found in fields if name in found}

    return Step(
        ordered([one.values for one in several]),
        ordered([one.similarity for one in several]),
        ordered([one.complexity for one in several]),
        first.says,
        first.probability,
        ordered([one.missing for one in several]),
    )


def ahead(view: View, choice: Choice, chosen: str) -> None:
    """Have the other steps of the slider computed while the visitor looks, with their progress in the corner.

    It stops when the visitor leaves or chooses otherwise, for then nobody asks for it any more.
    """
    if _ahead(view, choice, SETS[chosen]) == 1:
        return

    @st.fragment(run_every=POLL)
    def waiting() -> None:
        share = _ahead(view, choice, SETS[chosen])
        if share == 1:
            st.rerun()
        with st.container(key="ahead"):
            st.progress(share, f"{words.text('progress of the steps')}: {100 * share:.0f} %")

    waiting()


def _ahead(view: View, choice: Choice, names: Sequence[str]) -> float:
    each, stages = _computed(names), len(parts(view))

    def work(report: Callable[[float], None]) -> bool:
        report(0)
        for at in range(stages + 1):
            for several in each:
                _step(view, choice, at, several)
                report((at + 1) / (stages + 1))
        return True

    return jobs.ahead(("steps", view.model, view.digest, view.target, choice, len(each)), work)


# The main figure.


def methods_side_by_side(view: View, choice: Choice, at: int, chosen: str, measure: str) -> Step:
    """Every method for the twin, with how alike it is to its map of the trained network; what was drawn."""
    names, found = SETS[chosen], step(view, choice, at, SETS[chosen])
    signed = measure == "signed"
    rows = [step(view, choice, 0, names), found] if chosen == BESIDE else [found]
    panels = []
    for line, row in enumerate(rows):
        trained = (len(rows) > 1 and line == 0) or not at
        name = view.net.categories[row.says]
        said = f"Says “{name}”, {percent(row.probability)}"
        panels.append(Panel(view.picture, said, f"{view.alt or view.title}. {said}"))
        for method, values in row.values.items():
            alike = compare.in_words(getattr(row.similarity[method], measure))
            title = TITLES[method]
            number = alike if values.any() else "blank"
            caption = f"{title}: trained" if trained else f"{title}: {number}"
            alt = f"{title} with {'trained' if trained else 'random'} weights, similarity {alike}"
            panels.append(Panel(_drawn(values, signed), caption, alt, signed=signed))
    columns = -(-len(panels) // 2) if len(rows) == 1 else len(panels) // 2
    unit = words.text("unit of the pictures")
    blocks.compare(panels, columns=max(2, columns), unit=unit, clip=100, smooth=None, room=blocks.MAIN_ROOM)
    return found


def _drawn(values: np.ndarray, signed: bool) -> np.ndarray:
    """What a tile shows: values with their signs as they are, or the sizes as a share of the largest."""
    if signed:
        return values.astype(np.float32)
    size = randomization.sizes(values.astype(np.float32))
    top = np.percentile(size, 99.5) if values.ndim == 3 else size.max()
    return np.minimum(size / (top or size.max() or 1), 1)


def missing(found: Step) -> str:
    """Which methods cannot run on this network, in a sentence; nothing where all can."""
    names = ", ".join(TITLES[name] for name in found.missing)
    return words.text("methods that cannot run", names=names) if names else ""


# Similarity against depth.


def sources(view: View) -> list[str]:
    """Where the curves may come from: the kept measurement of the network, if there is one, or this picture."""
    kept = randomization_bench.measured(view.model)
    return ([f"{kept.pictures} pictures"] if kept else []) + ["This picture"]


def _whole(view: View, choice: Choice) -> list[Step]:
    """All steps after the trained network, with the quick methods, without their pictures."""
    stages = len(parts(view))

    def work(report: Callable[[float], None]) -> list[Step]:
        found = []
        for at in range(1, stages + 1):
            found.append(_step(view, choice, at, QUICK)._replace(values={}))
            report(at / stages)
        return found

    key = "whole cascade", view.model, view.digest, view.target, choice
    return jobs.run(key, work, words.text("progress of the cascade", stages=stages, seeds=1))


def _over_seeds(view: View, choice: Choice, names: tuple[str, ...], seeds: int) -> list[list[dict[str, Similarity]]]:
    """For each further seed and each step: the similarities of these methods."""
    stages = len(parts(view))

    def work(report: Callable[[float], None]) -> list[list[dict[str, Similarity]]]:
        found: list[list[dict[str, Similarity]]] = []
        for number in range(1, seeds):
            found.append([])
            for at in range(1, stages + 1):
                found[-1].append(_numbers(view, Choice(choice.order, choice.seed + number), at, names))
                report(((number - 1) * stages + at) / ((seeds - 1) * stages))
        return found

    key = "further seeds", view.model, view.digest, view.target, choice, names, seeds
    return jobs.run(key, work, words.text("progress of the cascade", stages=stages, seeds=seeds))


def curves(view: View, choice: Choice, at: int, names: Sequence[str], measure: str, source: str, seeds: int) -> None:
    """Similarity against depth, over the kept pictures or over seeds for this picture."""
    stages = [stage.name for stage in parts(view)]
    kept = randomization_bench.measured(view.model)
    if source != "This picture" and kept:
        lines = {name: kept.curve(name, measure) for name in names if name in kept.similarity}
    else:
        first = [one.similarity for one in _whole(view, choice)]
        found = [first, *(_over_seeds(view, choice, tuple(names), seeds) if seeds > 1 else [])]
        lines = {
            name: [
                _spread([getattr(row[step][name], measure) for row in found if name in row[step]])
                for step in range(len(stages))
            ]
            for name in names
            if name in first[0]
        }
    if not lines:
        st.info(words.text("no method for the curves"), icon=":material/info:")
        return
    chart(
        figures.similarity_chart(
            stages,
            {TITLES[name]: line for name, line in lines.items()},
            [TITLES[name] for name in CONTROLS],
            at,
            SAID[measure],
        ),
        "similarity_chart",
        f"{SAID[measure]} with the trained network's map, step by step, for {len(lines)} methods",
    )


def _spread(values: Sequence[float]) -> Mean:
    """The mean, and the smallest and the largest: the band over seeds."""
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return randomization_bench.NONE
    return Mean(float(np.mean(known)), min(known), max(known))


def guided_against_gradient(view: View, measure: str) -> str:
    """On how many of the kept pictures guided backpropagation stays more alike than the gradient, in a sentence."""
    kept = randomization_bench.measured(view.model)
    if kept is None:
        return words.text("guided and gradient were not measured here", network=view.net.title)
    share = kept.higher("guided_backprop", "saliency", measure)
    mean = [kept.curve(name, measure) for name in ("guided_backprop", "saliency")]
    above = [one.mean > two.mean for one, two in zip(*mean, strict=True)]
    below = [stage for stage, higher in zip(kept.stages, above, strict=True) if not higher]
    return words.text(
        "guided against the gradient",
        pictures=kept.pictures,
        network=view.net.title,
        above=sum(above),
        stages=len(above),
        below=f"; not at {', '.join(below)}" if below else "",
        share=f"{100 * share.mean():.0f}",
        measure=SAID[measure],
    )


# Two tests.


def two_tests(view: View, choice: Choice, measure: str, source: str) -> None:
    """MPRT and eMPRT side by side, and how much they agree."""
    kept = randomization_bench.measured(view.model)
    if source != "This picture" and kept:
        rows = [
            figures.Verdict(TITLES[name], kept.level(name, measure), kept.rise(name), name in CONTROLS)
            for name in randomization_bench.METHODS
            if name in kept.similarity
        ]
    else:
        trained = step(view, choice, 0, QUICK)
        found = _whole(view, Choice(CASCADE, choice.seed))
        rows = [_verdict(name, trained, found, measure) for name in trained.values]
    st.html(figures.two_tests(rows))
    words.say("what the two tests say", disagreement=_disagreement(rows))


def _verdict(name: str, trained: Step, found: Sequence[Step], measure: str) -> figures.Verdict:
    levels = [getattr(one.similarity[name], measure) for one in found]
    known = [value for value in levels if np.isfinite(value)]
    level = float(np.mean(known)) if 2 * len(known) >= len(levels) else float("nan")
    before, after = trained.complexity[name], found[-1].complexity[name]
    rise = (after - before) / before if before > 0 and after > 0 else float("nan")
    return figures.Verdict(TITLES[name], Mean(level, level, level), Mean(rise, rise, rise), name in CONTROLS)


def _disagreement(rows: Sequence[figures.Verdict]) -> str:
    """How alike the two orders of the methods are, and where they differ most, in a sentence."""
    both = [row for row in rows if not (np.isnan(row.level.mean) or np.isnan(row.rise.mean))]
    if len(both) < 3:
        return words.text("too few methods to compare the tests")
    first = figures.places([row.level.mean for row in both], "smallest")
    second = figures.places([row.rise.mean for row in both], "largest")
    alike = compare.spearman(np.array(first, dtype=float), np.array(second, dtype=float))
    at = max(range(len(both)), key=lambda n: abs((first[n] or 0) - (second[n] or 0)))
    return words.text(
        "where the two tests disagree",
        count=len(both),
        alike=compare.in_words(alike),
        name=both[at].title,
        one=first[at],
        other=second[at],
    )


# Units and directions.


def layer_and_unit(view: View) -> tuple[str, int]:
    """The layer and the unit that the visitor chooses: of the layers with maps after an activation function.

    Raises:
        OtherNetworkError: a network without maps.
    """
    if not any(layer.spatial for layer in view.net.layers):
        raise OtherNetworkError(f"{view.net.title} has no feature maps.")
    usual = model_layers.last_features(view.net)
    offered = {usual, *(layer.name for layer in model_layers.candidates(view.net))}
    with widgets.controls("layer_controls"):
        layer = widgets.layer_select(view, default=usual, keep=lambda layer: layer.name in offered)
        unit = widgets.unit_index(cache.feature_maps(view, layer))
    return layer, unit


def over_pictures(view: View, layer: str) -> None:
    """The class's probability without k units or directions, over many pictures."""
    kept = randomization_bench.measured(view.model)
    channels = view.net.layer(layer).out_shape[0]
    if kept and kept.layer == layer:
        left, ks, count = kept.left, kept.ks, kept.ablated
    else:
        found = _ablated(view, layer)
        left, ks, count = ablation.over(found), ablation.counts(channels), len(found)
    titles = {
        "most": words.text("kind: most"),
        "units": words.text("kind: units"),
        "directions": words.text("kind: directions"),
    }
    chart(
        figures.left_chart(ks, {titles[kind]: left.after[kind] for kind in ablation.KINDS}, left.before, channels),
        "left_chart",
        f"Mean probability of the class after k of {channels} units or directions are taken away",
    )
    half = left.before.mean / 2
    needed = next((str(k) for k, one in zip(ks, left.after["most"], strict=True) if one.mean < half), "")
    apart = max(abs(a.mean - b.mean) for a, b in zip(left.after["units"], left.after["directions"], strict=True))
    words.say(
        "what is left",
        count=count,
        before=f"{left.before.mean:.2f}",
        layer=layer,
        apart=f"{apart:.2f}",
        needed=words.text("half is gone", k=needed, channels=channels) if needed else words.text("half is never gone"),
    )


def _ablated(view: View, layer: str) -> list[ablation.Ablated]:
    numbers = randomization_bench.chosen(LOOKED_AT, view.net.channels)

    def work(report: Callable[[float], None]) -> list[ablation.Ablated]:
        found = []
        for at, number in enumerate(numbers):
            report(at / len(numbers))
            found.append(randomization_bench.ablate(view.net, number, layer))
        return found

    label = words.text("progress of the ablation", count=len(numbers), layer=layer)
    return jobs.run(("ablation", view.model, layer), work, label)


@cache.per_class(entries=128, step="Switching units off")
def _here(view: View, layer: str, unit: int, k: int) -> ablation.Ablated:
    return ablation.ablate(view.net, view.x, view.target, layer, [k], draws=SHOWN, alone=[unit])


def on_this_picture(view: View, layer: str, unit: int, k: int) -> None:
    """The same on the view's picture and class: one unit, and k of each kind."""
    found = _here(view, layer, unit, k)
    rows = {words.text("bar: nothing"): found.before, words.text("bar: one unit", unit=unit): float(found.alone[0])}
    rows[words.text("bar: most", k=k)] = float(found.after["most"][0, 0])
    for kind, values in (("units", found.after["units"][0]), ("directions", found.after["directions"][0])):
        spread = f"{percent(values.min())} to {percent(values.max())}"
        if kind == "units":
            rows[words.text("bar: random units", k=k, spread=spread)] = float(values.mean())
        else:
            rows[words.text("bar: random directions", k=k, spread=spread)] = float(values.mean())
    words.say("what the bars are", name=view.class_name, draws=SHOWN)
    st.html(bar_figures.bars(list(rows), list(rows.values()), label="Probability of the class"))


@cache.per_network(entries=32, size="20MB")
def _features(view: View, layer: str) -> np.ndarray:
    """(N, C): the means of a layer's maps, for the pictures of the gallery."""
    import torch

    from vizcore.models import partial

    pictures = open_collection(channels=view.net.channels)
    count = min(len(pictures.titles), 100)

    def work(report: Callable[[float], None]) -> np.ndarray:
        rows = []
        for number in range(count):
            report(number / count)
            with torch.no_grad():
                maps = partial.activation(view.net, squares.prepared(view.net, pictures, number), layer)[0]
            rows.append(maps.flatten(1).mean(1).cpu().numpy())
        return np.stack(rows)

    label = words.text("progress of the features", count=count, layer=layer)
    return jobs.run(("features", view.model, layer), work, label)


def unit_or_direction(view: View, layer: str, unit: int, seed: int, reveal: bool) -> None:
    """The pictures that lie farthest along a unit and along a random direction: which is which?"""
    features, pictures = _features(view, layer), open_collection(channels=view.net.channels)
    lot = np.random.default_rng(seed)
    direction = lot.standard_normal(features.shape[1])
    one = np.eye(features.shape[1])[unit]
    rows = [("unit", one), ("direction", direction)][:: 1 if lot.random() < 0.5 else -1]
    panels = []
    for letter, (kind, axis) in zip("AB", rows, strict=True):
        name = words.text("row of a unit", unit=unit) if kind == "unit" else words.text("row of a direction")
        for rank, number in enumerate(ablation.top(features, axis, SHOWN), 1):
            title = pictures.titles[number]
            head = f"{letter}{f', {name}' if reveal else ''}: " if rank == 1 else ""
            panels.append(Panel(squares.square(view.net, pictures, number), f"{head}{title}", title))
    words.say("which row is the unit", count=SHOWN)
    blocks.compare(panels, columns=SHOWN)


# What the view says.


def noticed(at: int, found: Step, measure: str) -> str:
    """Which methods still look the same and which have changed, at this step, in a sentence."""
    if not at:
        return words.text("noticed at the trained network")
    known = {
        TITLES[name]: getattr(alike, measure)
        for name, alike in found.similarity.items()
        if name not in CONTROLS and np.isfinite(getattr(alike, measure))
    }
    if not known:
        return words.text("noticed nothing that is defined")
    top, low = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    return words.text(
        "noticed at this step",
        top=top,
        most=compare.in_words(known[top]),
        low=low,
        least=compare.in_words(known[low]),
        kept=sum(value > 0.9 for value in known.values()),
        count=len(known),
    )


def program(view: View, layer: str) -> str:
    """A program that makes the weights random from the output down to a layer, and compares saliency maps."""
    return programs.cascade(view.model, cache.image_file(view), view.target, layer)


def signs(view: View) -> str:
    """What the signs do to the gradient's number at the first step, over the kept pictures, in a sentence."""
    model = view.model if randomization_bench.measured(view.model) else MEASURED
    kept = randomization_bench.measured(model)
    if kept is None:
        return ""
    size, signed = (kept.curve("saliency", measure)[0].mean for measure in ("size", "signed"))
    return words.text(
        "what signs do",
        pictures=kept.pictures,
        network=models.MODELS[model].title,
        size=f"{size:.2f}",
        signed=f"{signed:.2f}",
    )


def guided_in_both() -> str:
    """The places of guided backpropagation in the two tests on the kept pictures, in a sentence."""
    kept = randomization_bench.measured(MEASURED)
    if kept is None:
        return ""
    known = [name for name in kept.similarity if not np.isnan(kept.level(name).mean + kept.rise(name).mean)]
    first = figures.places([kept.level(name).mean for name in known], "smallest")
    second = figures.places([kept.rise(name).mean for name in known], "largest")
    at = known.index("guided_backprop")
    return words.text(
        "guided backpropagation in both tests",
        pictures=kept.pictures,
        network=models.MODELS[MEASURED].title,
        level=f"{kept.level('guided_backprop').mean:.2f}",
        one=first[at],
        rise=f"{100 * kept.rise('guided_backprop').mean:.0f}",
        other=second[at],
        count=len(known),
    )


def door() -> None:
    """The link to the page with the study, once there is one."""
    shell.link("predict", words.text("link to the study"))
