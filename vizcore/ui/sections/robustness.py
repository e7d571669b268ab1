"""Controls, computations and figures of the page on robustness."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
import torch
from PIL import Image

from vizcore import methods, models
from vizcore.evaluation import attacks, compare, corruptions, perturbation, robustness
from vizcore.figures import patches as patch_figures
from vizcore.figures import render, sprites
from vizcore.figures import robustness as charts
from vizcore.figures.bars import percent
from vizcore.images import gallery
from vizcore.ui import address, blocks, cache, jobs, prose, widgets
from vizcore.ui.address import AUTO
from vizcore.ui.blocks import Panel
from vizcore.ui.charts import chart
from vizcore.ui.components import tiles
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.figures.sprites import Layout
    from vizcore.methods import Attribution

words = prose.words(__file__)
GREYS = 255  # grey levels: what an epsilon of 1 is
LEVELS = (0, 0.25, 0.5, 1, 2, 4, 8, 16)  # bounds of the attack on the prediction, in grey levels
MAP_LEVELS = (0.5, 1, 2, 4, 8)  # of that on the explanation
ATTACKS = ("PGD", "FGSM")
AIMS = ("Off its place", "Another picture's map")
CORRUPTION = "gaussian_noise"  # until another is chosen
FATES = {"lost": "Lost", "right": "Kept", "wrong": "Never right", "won": "Won"}
TABLE = 330  # page pixels of the table of all methods
TILE = 112  # pixels of a thumbnail's side


# Choices.


def maps_for(view: View) -> list[str]:
    """The methods that are quick and run on this network, by name; the control among them."""
    return [
        name
        for name, method in methods.METHODS.items()
        if not method.slow
        and (view.net.cam_layer or not any(param.kind == "layer" for param in method.params))
        and (name != "cam" or models.layers.class_maps(view.net) is not None)
    ]


def map_select(view: View, label: str, key: str, default: str) -> str:
    """A choice of a method, as `?<key>=`."""
    offered = maps_for(view)
    return widgets.linked_select(
        label, offered, key, default=default if default in offered else offered[0], format_func=title_of, width=180
    )


def title_of(method: str) -> str:
    return methods.METHODS[method].title


def corruption_select() -> str:
    """A choice of one of the nineteen, as `?corruption=`, in their groups."""
    known = corruptions.CORRUPTIONS
    return widgets.linked_select(
        "Corruption",
        corruptions.names(),
        "corruption",
        default=CORRUPTION,
        order=sorted(known, key=lambda name: corruptions.GROUPS.index(known[name].group)),
        format_func=lambda name: f"{known[name].title} ({known[name].group})",
        width=230,
    )


# A corruption: before and after.


@cache.per_picture(entries=256, size="60MB")
def _picture(view: View, name: str, severity: int, seed: int) -> Image.Image:
    return corruptions.corrupt(view.picture, name, severity, seed)


def spoiled(view: View, name: str, severity: int, seed: int) -> View:
    """The view's square, spoiled, for the class that the network then says."""
    title = f"{view.title}, {corruptions.CORRUPTIONS[name].title.lower()} {severity}"
    return cache.look(view, picture=_picture(view, name, severity, seed), title=title, alt=title)


def said(view: View) -> str:
    """The most probable class and its probability, in words."""
    top = view.top(1)[0]
    return f"{view.net.categories[top]}, {percent(view.probabilities[top])}"


@cache.once(entries=2048)
def _likeness(one: str, other: str, side: int, _one: np.ndarray, _other: np.ndarray) -> float:
    return compare.likeness(_one, _other, side)


def likeness(view: View, one: np.ndarray, other: np.ndarray) -> float:
    """Rank correlation of two maps of the view, pixel by pixel, computed once for everyone; NaN where there is none."""
    return _likeness(cache.digest(one), cache.digest(other), view.net.input_size, one, other)


class Pair(NamedTuple):
    """A method's map before and after a change, and how alike they are."""

    method: str
    before: "Attribution"
    after: "Attribution"
    alike: float

    @property
    def title(self) -> str:
        return methods.METHODS[self.method].title


def pair(before: View, after: View, method: str, target: int | None = None) -> Pair:
    """The method's maps of the class before the change, and of `target`, the same when omitted, after it."""
    one = cache.attribution(before, method)
    other = cache.attribution(after, method, before.target if target is None else target)
    return Pair(method, one, other, likeness(before, one.values, other.values))


def before_and_after(view: View, after: View, pairs: Sequence[Pair], target: int, opacity: float, share: bool) -> None:
    """Two rows: the picture with its prediction and its maps, before and after.

    Args:
        target: the class explained after. share: one scale for the two maps of a method.
    """
    rows = []
    for now, label in ((view, "Before"), (after, "After")):
        rows.append(Panel(now.picture, f"{label}: {said(now)}", f"{label}: {now.alt or now.title}"))
        for number, each in enumerate(pairs):
            result = each.before if now is view else each.after
            name = view.net.categories[view.target if now is view else target]
            caption = f"{each.title}, “{name}”"
            if now is after:
                caption = f"“{name}”; rank correlation {compare.in_words(each.alike)}"
            rows.append(_map_panel(result, now, caption, label, str(number), opacity))
    blocks.compare(rows, share=share, columns=1 + len(pairs), room=blocks.MAIN_ROOM)


def _map_panel(
    result: "Attribution", view: View, caption: str, label: str, group: str = "", opacity: float = 0.5
) -> Panel:
    """A coarse map over the view's picture; a fine one alone, since it would drown there."""
    fine = max(result.values.shape[-2:]) >= blocks.CRISP
    panel = Panel(result, caption, f"{label}: {caption}", opacity=opacity, group=group)
    return panel._replace(clip=99.5) if fine else panel._replace(photo=view.picture)


def summary(view: View, after: View, pairs: Sequence[Pair]) -> None:
    """What changed, in sentences, with a control that asks no network."""
    was, now, same = view.top(1)[0], after.top(1)[0], "stays"
    if was != now:
        same = f"becomes “{view.net.categories[now]}”"
    moved = "; ".join(f"{each.title} {compare.in_words(each.alike)}" for each in pairs)
    words.say(
        "what changed",
        same=same,
        name=view.class_name,
        before=percent(view.probabilities[view.target]),
        after=percent(after.probabilities[view.target]),
        moved=moved,
        edges=compare.in_words(pair(view, after, "edges").alike),
    )


# All nineteen.


@cache.per_picture(entries=64, size="20MB", step="Spoiling the picture in nineteen ways")
def _all(view: View, severity: int, seed: int) -> tuple[bytes, "Layout", tuple[tuple[int, float], ...]]:
    pictures = [corruptions.corrupt(view.picture, name, severity, seed) for name in corruptions.names()]
    answers = tuple((one.said, one.probability) for one in robustness.answer(view.net, pictures))
    sheet, layout = sprites.atlas(patch_figures.tiles([one.convert("RGB") for one in pictures], TILE))
    return render.encode(sheet, "jpeg"), layout, answers


def all_nineteen(view: View, chosen: str, severity: int, seed: int) -> None:
    """The picture in all corruptions of one severity; a click chooses one."""
    sheet, layout, answers = _all(view, severity, seed)
    named, categories = corruptions.CORRUPTIONS, view.net.categories
    labels = [
        f"{named[name].title}: {categories[target]}, {percent(probability)}"
        for name, (target, probability) in zip(corruptions.names(), answers, strict=True)
    ]
    clicked = tiles(
        sheet,
        layout,
        labels,
        "nineteen",
        selected=corruptions.names().index(chosen),
        smooth=True,
        largest=TILE,
        gap=6,
        alt=f"{view.title} in nineteen corruptions at severity {severity}: " + "; ".join(labels),
        take=lambda index: address.put(corruption=corruptions.names()[index]),
    )
    if clicked is not None:
        st.rerun()  # the whole page, not this tab alone
    top = view.top(1)[0]
    kept = [named[name].title for name, (target, _) in zip(corruptions.names(), answers, strict=True) if target == top]
    words.say("how many keep the prediction", kept=len(kept), name=categories[top], severity=severity)


# Accuracy against severity.


@cache.once(entries=8)
def _kept(model: str) -> robustness.Measured:
    return robustness.stored(model)


@cache.once(entries=8)
def _cases(model: str) -> tuple[robustness.Case, ...]:
    return robustness.cases(cache.load_net(model))


def measure(view: View, name: str) -> robustness.Measured:
    """The view's network on one corruption, measured now; shared, and given up when nobody waits."""

    def work(report: Callable[[float], None]) -> robustness.Measured:
        return robustness.measure(view.net, [name], progress=report)

    label = f"{view.net.title} on the gallery, {corruptions.CORRUPTIONS[name].title.lower()}"
    return jobs.run(("robustness", view.model, name), work, label)


def measured(view: View, name: str, live: bool) -> dict[str, robustness.Measured]:
    """By network: what is kept of the two measured networks, and what is measured now of the view's."""
    found = {model: _kept(model) for model in robustness.MEASURED}
    return found | ({view.model: measure(view, name)} if live else {})


def curves(found: dict[str, robustness.Measured], name: str, relative: bool, network: str, severity: int) -> None:
    """The chart; a click on a point of it sets the network and the severity whose pictures are shown."""
    titles = {models.MODELS[model].title: model for model in found}
    lines = {title: robustness.curve(_cases(model), found[model], name) for title, model in titles.items()}
    means = {
        title: robustness.mean_curve(_cases(model), found[model])
        for title, model in titles.items()
        if len(found[model].spoiled) > 1
    }

    def clicked() -> None:
        for point in st.session_state["severity_chart"].selection.points[:1]:
            if title := list(figure.data)[point["curve_number"]].name:
                address.put(point_network=titles.get(title, network), point_severity=point["point_index"])

    figure = charts.severity_chart(lines, means, relative, (models.MODELS[network].title, severity))
    what = f"Accuracy under {corruptions.CORRUPTIONS[name].title.lower()} against severity"
    values = "; ".join(f"{title} {', '.join(f'{100 * p.mean:.3g} %' for p in line)}" for title, line in lines.items())
    chart(figure, "severity_chart", f"{what}, 0 to 5: {values}", on_select=clicked, selection_mode="points")


def point_controls(found: dict[str, robustness.Measured]) -> tuple[str, int]:
    """The point of the chart whose pictures are shown: network and severity."""
    network = widgets.linked_select(
        "Pictures behind the point of",
        list(found),
        "point_network",
        format_func=lambda model: models.MODELS[model].title,
    )
    return network, widgets.slider("at severity", 0, 5, 3, key="point_severity")


def behind(network: str, found: robustness.Measured, name: str, severity: int) -> None:
    """The pictures of one point: those lost since the clean pictures first; a click opens one above."""
    cases = _cases(network)
    now = found.spoiled[name][severity - 1] if severity else found.clean
    was, is_now = robustness.right(cases, found.clean), robustness.right(cases, now)
    kinds = {(True, False): "lost", (True, True): "right", (False, False): "wrong", (False, True): "won"}
    fates = [kinds[each] for each in zip(was, is_now, strict=True)]
    counts = {fate: fates.count(fate) for fate in FATES}
    words.say(
        "what the point counts",
        network=models.MODELS[network].title,
        right=sum(is_now),
        count=len(cases),
        share=f"{100 * sum(is_now) / len(cases):.3g} %",
        lost=counts["lost"],
        won=counts["won"],
    )
    fate = widgets.segmented_control(
        "Pictures",
        list(FATES),
        default="lost" if counts["lost"] else "right",
        key="fate",
        format_func=lambda fate: f"{FATES[fate]} ({counts[fate]})",
    )
    shown = [number for number, kind in enumerate(fates) if kind == fate]
    if not shown:
        st.caption(words.text("no such pictures"))
        return
    sheet, layout = _sheet(network, name, severity, tuple(shown))
    categories = cache.load_net(network).categories
    labels = [
        f"{cases[n].title}: {categories[now[n].said]}, {percent(now[n].probability)}; "
        f"clean {categories[found.clean[n].said]}, {percent(found.clean[n].probability)}"
        for n in shown
    ]
    clicked = tiles(
        sheet,
        layout,
        labels,
        "behind_sheet",
        smooth=True,
        largest=TILE,
        gap=4,
        height=300,
        alt=f"{FATES[fate]}: " + "; ".join(labels),
        take=lambda index: _open(cases[shown[index]].id, network, name, severity),
    )
    if clicked is not None:
        st.rerun()  # the whole page, not this tab alone


@cache.once(entries=64, size="30MB", step="Spoiling the pictures behind the point")
def _sheet(network: str, name: str, severity: int, shown: tuple[int, ...]) -> tuple[bytes, "Layout"]:
    net, cases = cache.load_net(network), _cases(network)
    squares = [net.crop(cases[number].open()) for number in shown]
    if severity:
        squares = [corruptions.corrupt(one, name, severity, robustness.SEED) for one in squares]
    sheet, layout = sprites.atlas(patch_figures.tiles([one.convert("RGB") for one in squares], TILE))
    return render.encode(sheet, "jpeg"), layout


def _open(id: str, network: str, name: str, severity: int) -> None:
    """Show a picture of the measurement above, with its network; to be called before the page runs again."""
    chosen = AUTO if network == models.DEFAULT else network
    if cache.load_net(network).channels == 1:
        st.session_state.update({"model": chosen, "digit": int(id)})
    else:
        st.session_state.update({"model": chosen, "image": id, "use_own": False})
    address.put(corruption=name, severity=max(1, severity), corruption_seed=robustness.SEED)
    address.forget("class", "crop", "fit")


def strongest(found: dict[str, robustness.Measured]) -> str:
    """Which corruptions cost the two kept networks most and least, over all severities, in a sentence."""
    parts = []
    for model in robustness.MEASURED:
        cases, kept = _cases(model), found[model]
        clean = robustness.accuracy(cases, kept.clean).mean
        left = {
            corruptions.CORRUPTIONS[name].title.lower(): sum(
                point.mean for point in robustness.curve(cases, kept, name)[1:]
            )
            / len(corruptions.SEVERITIES)
            / clean
            for name in kept.spoiled
        }
        order = sorted(left, key=lambda title: left[title])
        parts.append(
            words.text(
                "best and worst of a network",
                network=models.MODELS[model].title,
                worst=order[0],
                low=percent(left[order[0]]),
                best=order[-1],
                high=percent(left[order[-1]]),
            )
        )
    return " ".join(parts)


def clean() -> str:
    """The clean accuracy of the two kept networks with its interval, in words."""
    parts = []
    for model in robustness.MEASURED:
        share = robustness.accuracy(_cases(model), _kept(model).clean)
        interval = f"{percent(share.low)} to {percent(share.high)}"
        parts.append(f"{models.MODELS[model].title} {percent(share.mean)} ({interval})")
    return ", ".join(parts)


def counted() -> int:
    """How many pictures the kept measurement is of."""
    return len(_cases(robustness.MEASURED[0]))


# The attack on the prediction.


@cache.per_picture(entries=64, size="120MB")
def _fgsm_path(view: View, target: int, targeted: bool) -> attacks.Path:
    return attacks.fgsm_path(view.net, view.x, target, [level / GREYS for level in LEVELS], targeted)


def path(view: View, attack: str, target: int, targeted: bool) -> attacks.Path:
    """The attack at all LEVELS, computed once for everyone: the slider is answered from it.

    Args:
        target: the class to lead away from or, where `targeted`, towards.
    """
    if attack == "FGSM":
        return _fgsm_path(view, target, targeted)

    def work(report: Callable[[float], None]) -> attacks.Path:
        bounds = [level / GREYS for level in LEVELS]
        return attacks.pgd_path(view.net, view.x, target, bounds, targeted=targeted, progress=report)

    return jobs.run(("pgd", view.model, view.digest, target, targeted), work, "Following the gradient of the loss")


@cache.per_picture(entries=64)
def _noise_logits(view: View) -> np.ndarray:
    """(L, K): what the network says when every number moves by each of the LEVELS, up or down by lot."""
    batch = torch.cat([attacks.noise(view.net, view.x, level / GREYS) for level in LEVELS])
    with torch.no_grad():
        return torch.cat([view.net(part) for part in batch.split(robustness.AT_ONCE)]).cpu().numpy()


def changed(view: View, x: torch.Tensor, logits: np.ndarray | None = None) -> View:
    """The view with another input, (1, C, S, S) normalized, in the place of its picture; for the same class."""
    if logits is None:
        with torch.no_grad():
            logits = view.net(x)[0].cpu().numpy()
    picture = perturbation.to_picture(view.net, x)
    return dataclasses.replace(
        view, x=x, picture=picture, logits=logits, digest=f"changed {cache.digest(x.cpu().numpy())}"
    )


def change_panel(view: View, x: torch.Tensor, epsilon: float, caption: str) -> Panel:
    """The change of the picture, enlarged so that the bound is black and white; `epsilon` in grey levels."""
    std = torch.tensor(view.net.std, dtype=x.dtype, device=x.device)[:, None, None]
    values = ((x - view.x) * std * GREYS)[0].cpu().numpy()
    end = np.array([max(epsilon, 1e-6)], dtype=np.float32)
    unit = "change in grey levels of 255"
    return Panel(values, caption, caption, signed=True, group="change", unit=unit, like=end, clip=100)


def enlarged(epsilon: float) -> str:
    """How much larger than it is the change is drawn, in words."""
    return f"The change, drawn {render.number(127 / epsilon)} times as strong" if epsilon else "No change"


def attacked(view: View, found: attacks.Path, level: float, method: str, toward: int | None) -> None:
    """The picture, the change and the attacked picture; the map of the class before and after; the chart.

    Args:
        level: the bound, one of LEVELS. toward: the class of a targeted attack.
    """
    at = LEVELS.index(level)
    now = changed(view, found.points[at : at + 1], found.logits[at].cpu().numpy())
    maps = pair(view, now, method)
    caption = f"{maps.title}, “{view.class_name}”"
    alike = f"{caption}; rank correlation {compare.in_words(maps.alike)}"
    panels = [
        Panel(view.picture, f"Before: {said(view)}", view.alt or view.title),
        change_panel(view, now.x, level, enlarged(level)),
        Panel(now.picture, f"After: {said(now)}", f"Attacked: {view.alt or view.title}"),
        _map_panel(maps.before, view, caption, "Before", "map"),
        _map_panel(maps.after, now, alike, "After", "map"),
    ]
    blocks.compare(panels, columns=5, key="attack_figure", room=260)
    whole = found.rounded[at].softmax(0)
    top = int(whole.argmax())
    answer = f"{view.net.categories[top]}, {percent(float(whole[top]))}"
    text, lines = st.columns([1, 2], gap="medium")
    with text:
        words.say("as a file stores it", level=f"{level:g}", said=answer)
    with lines:
        _epsilon_chart(view, found, level, toward)


def _epsilon_chart(view: View, found: attacks.Path, level: float, toward: int | None) -> None:
    probabilities, noisy = found.logits.softmax(1).cpu().numpy(), _softmax(_noise_logits(view))
    lines = {f"“{view.class_name}”, attacked": probabilities[:, view.target].tolist()}
    if toward is not None and toward != view.target:
        lines[f"“{view.net.categories[toward]}”, attacked"] = probabilities[:, toward].tolist()
    lines[f"“{view.class_name}”, random noise"] = noisy[:, view.target].tolist()
    values = "; ".join(f"{name}: {', '.join(percent(value) for value in each)}" for name, each in lines.items())
    bounds = ", ".join(f"{each:g}" for each in LEVELS)
    chart(charts.epsilon_chart(LEVELS, lines, level), "epsilon_chart", f"Probability at ε {bounds}. {values}")


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


# The attack on the explanation.


def aim_select(view: View) -> str | None:
    """What the attack aims at: nothing, or the map of a gallery picture, by its id."""
    if view.net.channels == 1:
        return None
    aim = widgets.segmented_control("Move it", AIMS, key="aim")
    if aim == AIMS[0]:
        return None
    titles = {asset.id: asset.title for asset in gallery.records("gallery")}
    return widgets.linked_select(
        "Whose map", list(titles), "aim_picture", default="coffee", width=180, format_func=lambda id: titles[id]
    )


def aim_of(view: View, picture: str, method: str) -> np.ndarray:
    """(h, w): the method's map of another gallery picture, for the class that the network says there."""
    image, digest = cache.open_gallery(picture)
    other = cache.make_view(view.model, view.net, image, digest, picture)
    values = cache.attribution(other, method).values
    return np.abs(values).sum(0) if values.ndim == 3 else np.maximum(values, 0)


def move(view: View, method: str, level: float, picture: str | None) -> attacks.Moved:
    """The attack on a method's map, once for everyone; given up when nobody waits.

    Args:
        level: the bound, in grey levels. picture: whose map is the aim; None for the attack that has none.
    """
    aim = None if picture is None else torch.from_numpy(aim_of(view, picture, method))

    def work(report: Callable[[float], None]) -> attacks.Moved:
        return attacks.move_explanation(view.net, view.x, view.target, level / GREYS, method, aim, progress=report)

    key = "move", view.model, view.digest, view.target, method, level, picture
    return jobs.run(key, work, "Attacking the map")


class Attacked(NamedTuple):
    """The view after an attack on its explanation, and after noise of the same size as a control."""

    moved: View
    noisy: View


def after_move(view: View, found: attacks.Moved, level: float) -> Attacked:
    return Attacked(changed(view, found.x), changed(view, attacks.noise(view.net, view.x, level / GREYS)))


def explanation_moved(view: View, now: Attacked, method: str, level: float, aim: np.ndarray | None) -> None:
    """The picture, the change and the changed picture; the map before, after, and after random noise; the aim."""
    moved, control = pair(view, now.moved, method), pair(view, now.noisy, method)
    title = moved.title
    panels = [
        Panel(view.picture, f"Before: {said(view)}", view.alt or view.title),
        change_panel(view, now.moved.x, level, enlarged(level)),
        Panel(now.moved.picture, f"After: {said(now.moved)}", f"Changed: {view.alt or view.title}"),
    ]
    alike, chance = (compare.in_words(each.alike) for each in (moved, control))
    for result, photo, caption in (
        (moved.before, view, f"{title}, “{view.class_name}”"),
        (moved.after, now.moved, f"After the attack; rank correlation {alike}"),
        (control.after, now.noisy, f"Control: after random noise of the same size, {chance}"),
    ):
        flat = np.abs(result.values).sum(0) if result.values.ndim == 3 else result.values
        over = None if max(flat.shape) >= blocks.CRISP else photo.picture
        panels.append(Panel(flat, caption, f"{title}: {caption}", over, False, clip=99.5, unit="raw value"))
    if aim is not None:
        panels.append(Panel(aim, "The aim: the other picture's map", signed=False, clip=99.5, unit="raw value"))
    blocks.compare(panels, columns=len(panels), share=False, key="moved_figure", room=260)


def kept_and_moved(view: View, now: Attacked, method: str, level: float) -> None:
    """In words: the prediction before and after, and how far the map moved; beside it every other method's map."""
    said_of, every = st.columns([2, 3], gap="medium")
    with said_of:
        words.say(
            "prediction kept",
            title=title_of(method),
            level=f"{level:g}",
            said=said(now.moved),
            was=said(view),
            alike=compare.in_words(pair(view, now.moved, method).alike),
            chance=compare.in_words(pair(view, now.noisy, method).alike),
        )
        words.say("how much each method moved")
    with every:
        every_method(view, now, method)


def every_method(view: View, now: Attacked, method: str) -> None:
    """How much each quick method's map moved under this change, and under random noise of the same size."""
    rows: list[tuple[str, float, float]] = []
    for name in maps_for(view):
        if name != "random":
            title = title_of(name) + (" (attacked)" if name == method else "")
            rows.append((title, pair(view, now.moved, name).alike, pair(view, now.noisy, name).alike))
    rows.sort(key=lambda row: 9 if np.isnan(row[1]) else row[1])
    st.table(
        {
            "Method": [row[0] for row in rows],
            "After the attack": [compare.in_words(row[1]) for row in rows],
            "After random noise": [compare.in_words(row[2]) for row in rows],
        },
        hide_index=True,
        height=TABLE,
        alt="Rank correlation of each method's map before and after",
    )


def over_pictures() -> None:
    """The kept measurement of attacks on maps: the mean rank correlation of each method's map before and after."""
    kept = robustness.maps_moved()
    attacked = list(kept.alike)
    heads = [f"{title_of(name)} attacked" if name in methods.METHODS else "Random noise" for name in attacked]
    rows = list(kept.alike[attacked[0]])
    columns = {
        head: [compare.in_words(kept.mean(name, method)) for method in rows]
        for head, name in zip(heads, attacked, strict=True)
    }
    st.table(
        {"Map of": [title_of(method) for method in rows]} | columns,
        hide_index=True,
        alt="Mean rank correlation of each method's map before and after an attack on one of them",
    )
    words.say(
        "how the maps were measured",
        count=len(kept.pictures),
        network=models.MODELS[kept.model].title,
        level=f"{kept.epsilon:g}",
    )


def turned() -> str:
    """What the kept measurement of attacks on the prediction says, in a sentence."""
    kept = robustness.flipped()
    return words.text(
        "how many predictions turn",
        level=f"{kept.epsilon:g}",
        network=models.MODELS[kept.model].title,
        noise=kept.counts["noise"],
        fgsm=kept.counts["fgsm"],
        pgd=kept.counts["pgd"],
        count=kept.pictures,
    )
