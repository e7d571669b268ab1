"""Controls, computations and figures of the page on bias."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from vizcore import images, methods, models
from vizcore.content import programs
from vizcore.evaluation import bias, bias_lab
from vizcore.evaluation.bias import Measured
from vizcore.evaluation.bias_lab import KINDS, PAIRS, Head, Shot
from vizcore.figures import bias as bias_figures
from vizcore.figures import render
from vizcore.figures.bars import percent
from vizcore.figures.sprites import Layout, atlas
from vizcore.images import composites, gallery
from vizcore.types import Mean, OtherNetworkError
from vizcore.ui import address, blocks, cache, charts, jobs, prose, sidebar, widgets
from vizcore.ui.blocks import Panel
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.models import Net

words = prose.words(__file__)
TITLES = {methods.METHODS[name].title: name for name in bias.METHODS}
LOOKS = {"As it is": 0, "With a tag": 1, "Blurred": 2}
NOTHING, UNSAID = "No bias", "?"
GUESSES = [UNSAID, *KINDS.values(), NOTHING]
TESTS = ("Matched", "Swapped", "Worst group")
BLIND = "ABCD"
FEW = [1, 2, 4, 8, 16]  # animals of each class in the repair
GROUNDS = {"Snow": 0, "Grass": 1}
PAIR = PAIRS["default"]


class Choice(NamedTuple):
    """What the lab network on top was trained on: the kind of bias and the strength of the tie."""

    kind: str
    strength: float


def choose() -> tuple[Choice, int]:
    """The controls on top: the hidden bias, its strength, and the animal (position of the cut-out)."""
    names = list(KINDS.values())
    title = widgets.segmented_control("Tied to the class", names, key="lab_bias", help=words.text("help: bias"))
    strength = widgets.select_slider(
        "p, strength of the tie",
        list(bias_lab.STRENGTHS),
        1.0,
        key="lab_tie",
        width=190,
        help=words.text("help: strength"),
    )
    return Choice(_key(KINDS, title), strength), animal("lab_animal")


def animal(key: str, default: str = "fox") -> int:
    """A picker of the probes: the position of the cut-out in the lab."""
    of = bias_lab.lab()
    titles = {asset.id: asset.title for asset in of.assets if asset.id in PAIR.probes}
    chosen = widgets.linked_select(
        "Animal", list(PAIR.probes), key, default=default, width=150, format_func=titles.__getitem__
    )
    return next(at for at, asset in enumerate(of.assets) if asset.id == chosen)


def _key(titles: dict[str, str], title: str) -> str:
    return next(name for name, said in titles.items() if said == title)


def fitting(view: View) -> View:
    """The view, or one through a network whose last layer can be taken off; says below the sidebar's network which."""
    try:
        bias_lab.map_layer(view.net)
    except OtherNetworkError as error:
        other = models.DEFAULT
        st.info(words.text("another network", why=str(error), network=models.MODELS[other].title))
        view = cache.through(view, other, cache.load_net(other))
    sidebar.own_network(words.text("networks of its own", network=view.net.title))
    return view


# The lab's networks.


def features(view: View) -> np.ndarray:
    """What the last layer of the view's network gets for the lab's pictures: kept, or computed once for everyone.

    Raises:
        OtherNetworkError: the network has no last layer to take off.
    """
    bias_lab.map_layer(view.net)
    if (kept := bias_lab.stored(view.model)) is not None:
        return kept

    def work(report: Callable[[float], None]) -> np.ndarray:
        return bias_lab.features(view.net, progress=report)

    return jobs.run(("bias features", view.model), work, "Showing the network the lab's pictures", keep=True)


def head(view: View, choice: Choice, seed: int = 0) -> Head:
    """The last layer of a lab network, trained once for everyone."""
    return _head(view, choice.kind, choice.strength, seed)


@cache.per_network(entries=256)
def _head(view: View, kind: str, strength: float, seed: int) -> Head:
    return bias_lab.train(bias_lab.lab(), features(view), kind, strength, seed)


@st.cache_resource(max_entries=12, show_spinner=False)
def _network(name: str, _net: "Net", _head: Head) -> "Net":
    return bias_lab.network(_net, _head)


class Seen(NamedTuple):
    """A lab network on one of the lab's pictures: the view of it, and (S, S) bool where the animal is."""

    view: View
    animal: np.ndarray

    @property
    def said(self) -> str:
        """The class it says, and how sure it is."""
        return f"{self.view.class_name}, {percent(float(self.view.probabilities[self.view.target]))}"


def see(view: View, name: str, found: Head, shot: Shot) -> Seen:
    """A picture of the lab as the network with this last layer sees it, for the class it says.

    Args:
        name: of that network among those on this trunk.
    """
    name = f"{view.model} {name}"
    net = _network(name, view.net, found)
    picture, mask = _picture(shot, net.input_size)
    title = named(shot)
    return Seen(cache.make_view(name, net, picture, images.digest(picture), title, f"A composite: {title}"), mask)


@cache.once(entries=128, size="60MB")
def _picture(shot: Shot, side: int) -> tuple[Image.Image, np.ndarray]:
    return bias_lab.picture(bias_lab.lab(), shot, side)


def named(shot: Shot) -> str:
    """What is to be seen: `Fox, on snow, blurred`."""
    look = ("", ", with a tag", ", blurred")[shot.look]
    return f"{bias_lab.lab().assets[shot.cutout].title} on {list(GROUNDS)[shot.ground].lower()}{look}"


def explain(seen: Seen, method: str) -> tuple[np.ndarray, float]:
    """The map of the class the network says, and its share on the background (NaN for a map of zeros)."""
    layer = None if method == "saliency" else bias_lab.map_layer(seen.view.net)
    values = cache.attribution(seen.view, method, layer=layer).values
    return values, bias.background_share(values, seen.animal)


def _on_background(share: float) -> str:
    return "all zero: nothing for this class" if np.isnan(share) else f"{100 * share:.0f} % on the background"


def shots(choice: Choice, cutout: int) -> tuple[Shot, Shot]:
    """The animal with the trait of its class, and with the other's."""
    of, cutouts = bias_lab.lab(), np.array([cutout])
    label = of.labels[cutouts]
    (matched,), (swapped,) = (bias_lab.shots(of, choice.kind, cutouts, trait) for trait in (label, 1 - label))
    return matched, swapped


# The main figure.


def accuracies(view: View, choice: Choice) -> str:
    """HTML: how often the network on top is right on the animals it was not trained on."""
    found = bias.accuracy(bias_lab.lab(), features(view), [head(view, choice)], choice.kind, [0])
    return bias_figures.rates(words.text("accuracies"), dict(zip(TESTS, found, strict=True)))


def _interval(found: Mean) -> str:
    """A share with its interval, in percent."""
    return f"{100 * found.mean:.0f} % ({100 * found.low:.0f} to {100 * found.high:.0f})"


def rows(choice: Choice, seen: Sequence[tuple[str, Seen]], opacity: float) -> list[Panel]:
    """Four panels for each picture: itself with the answer, and the three maps of that answer."""
    truth = PAIR.names[int(bias_lab.lab().labels[_cutout(seen[0][1])])]
    panels = []
    for how, one in seen:
        verdict = "right" if one.view.class_name == truth else "wrong"
        panels.append(Panel(one.view.picture, f"{how}: says {one.said}, {verdict}", f"{how}: {one.view.title}"))
        for title, method in TITLES.items():
            values, share = explain(one, method)
            photo = one.view.picture if values.ndim == 2 else None
            panels.append(
                Panel(
                    values,
                    f"{title}: {_on_background(share)}",
                    f"{title} of “{one.view.class_name}” on {one.view.title}",
                    photo,
                    values.ndim == 3,
                    opacity,
                    group=method,
                )
            )
    return panels


def _cutout(seen: Seen) -> int:
    title = seen.view.title.split(" on ")[0]
    return next(at for at, asset in enumerate(bias_lab.lab().assets) if asset.title == title)


def main_figure(view: View, choice: Choice, cutout: int, opacity: float, linked: bool) -> None:
    """The network on top, on the animal with the trait of its class and with the other's."""
    found, name = head(view, choice), f"lab {choice.kind} {choice.strength}"
    pairs = zip(("Matched", "Swapped"), shots(choice, cutout), strict=True)
    panels = rows(choice, [(how, see(view, name, found, shot)) for how, shot in pairs], opacity)
    blocks.compare(panels, columns=4, share=linked, room=blocks.MAIN_ROOM, unit="raw value", key="lab_figure")


def show_own(view: View, choice: Choice) -> None:
    """The network on top on the picture of the row above it, whole, with the three maps of what it says."""
    name = f"{view.model} lab {choice.kind} {choice.strength}"
    net = _network(name, view.net, head(view, choice))
    one = cache.make_view(name, net, view.picture, images.digest(view.picture), view.title, view.alt)
    said = f"{view.title}: says {Seen(one, np.zeros(0)).said}"
    panels = [Panel(one.picture, said, view.alt or view.title)]
    for title, method in TITLES.items():
        values = cache.attribution(one, method, layer=None if method == "saliency" else bias_lab.map_layer(net)).values
        photo, alt = (one.picture if values.ndim == 2 else None), f"{title} of “{one.class_name}” on {view.title}"
        panels.append(Panel(values, title, alt, photo, values.ndim == 3))
    blocks.compare(panels, columns=4, share=False, unit="raw value", room=300, key="lab_own")


# The sweep.


def sweep(view: View, kind: str) -> Measured:
    """The kept sweep, or one made now, with progress, and shared; without false alarms then."""
    if (kept := bias.stored(view.model, kind)) is not None:
        return kept
    found = features(view)

    def work(report: Callable[[float], None]) -> Measured:
        rows = bias.sweep(view.net, kind=kind, features=found, progress=report)
        return Measured(rows, rows[0].networks, {})

    label = f"Training {bias.SEEDS * len(bias_lab.STRENGTHS)} networks and measuring their maps"
    return jobs.run(("bias sweep", view.model, kind), work, label)


@cache.once(entries=8)
def area(kind: str, side: int) -> float:
    """The background's share of the probes with the trait of their class."""
    of = bias_lab.lab()
    cutouts = np.flatnonzero(of.probes)
    several = bias_lab.shots(of, kind, cutouts, of.labels[cutouts])
    return float(np.mean([~_picture(shot, side)[1] for shot in several]))


def show_sweep(view: View, choice: Choice, title: str) -> None:
    """Both charts, and a line for each method: its band, its threshold, its false alarms."""
    kept, method = sweep(view, choice.kind), TITLES[title]
    strengths = [row.strength for row in kept.rows]
    left, right = st.columns(2, gap="medium")
    each = [(row.matched, row.swapped, row.worst_group) for row in kept.rows]
    tests = dict(zip(TESTS, zip(*each, strict=True), strict=True))
    with left:
        drawn = bias_figures.accuracy_chart(strengths, tests, choice.strength)
        ends = [
            f"{name.lower()} {100 * values[0].mean:.0f} to {100 * values[-1].mean:.0f} %"
            for name, values in tests.items()
        ]
        charts.chart(
            drawn, "lab_accuracy", f"Accuracy from p = {strengths[0]:g} to {strengths[-1]:g}: {', '.join(ends)}"
        )
    shares = [row.shares[method] for row in kept.rows]
    with right:
        band, limit = kept.band(method), kept.threshold(method)
        background = area(choice.kind, view.net.input_size)
        drawn = bias_figures.share_chart(strengths, title, shares, band, background, choice.strength, limit)
        said = f"{title}: share on the background {100 * shares[0].mean:.0f} to {100 * shares[-1].mean:.0f} %"
        charts.chart(drawn, "lab_share", said)
    st.table(_thresholds(kept), hide_index=True, alt="What each method shows of the bias")


def _thresholds(kept: Measured) -> dict[str, list[str]]:
    """A line for each method."""
    table: dict[str, list[str]] = {}
    for title, method in TITLES.items():
        low, high = kept.band(method)
        last, limit = kept.rows[-1].shares[method], kept.threshold(method)
        cells = {
            "Map": title,
            "Band without bias": f"{100 * low:.0f} to {100 * high:.0f} %",
            f"Share at p = {kept.rows[-1].strength:g}": _interval(last),
            "Above the band from": "never" if limit is None else f"p = {limit:g}",
        }
        if kept.further:
            cells["False alarms"] = f"{kept.alarms(method)} of {len(kept.further[method])}"
        for name, cell in cells.items():
            table.setdefault(name, []).append(cell)
    return table


def verdict(view: View, choice: Choice) -> str:
    """What the sweep says about this kind of bias, in a sentence or two."""
    kept = sweep(view, choice.kind)
    last = kept.rows[-1]
    drop = f"{100 * (last.matched.mean - last.swapped.mean):.0f}"
    limits = {title: kept.threshold(method) for title, method in TITLES.items()}
    if seen := [f"{title} from p = {limit:g}" for title, limit in limits.items() if limit is not None]:
        return words.text("maps that rise above their band", maps=", ".join(seen), drop=drop)
    below = [title for title, method in TITLES.items() if last.shares[method].mean < kept.band(method)[0]]
    more = words.text("maps below their band", maps=" and ".join(below)) if below else ""
    return words.text("no map rises above its band", drop=drop, more=more)


def networks_of_band(view: View, kind: str) -> int:
    """How many networks without bias give the band."""
    return len(sweep(view, kind).without["grad_cam"])


# The blind game.


class Player(NamedTuple):
    """A network of the game: its letter, what is hidden in it ("" for nothing), its seed and its last layer."""

    letter: str
    kind: str
    seed: int
    head: Head

    @property
    def truth(self) -> str:
        return KINDS.get(self.kind, NOTHING)

    @property
    def choice(self) -> Choice:
        return Choice(self.kind, 1.0) if self.kind else Choice("background", 0.5)


def players(view: View, game: int) -> list[Player]:
    """Four networks under blind names: each bias at p = 1, and one without; the order and the seeds are the game's."""
    order = np.random.default_rng([game, 3]).permutation(["", *KINDS])
    found = []
    for letter, kind in zip(BLIND, order.tolist(), strict=True):
        choice = Choice(kind, 1.0) if kind else Choice("background", 0.5)
        seed = 1000 + 10 * game + BLIND.index(letter)
        found.append(Player(letter, kind, seed, head(view, choice, seed)))
    return found


def show_players(view: View, several: Sequence[Player], shot: Shot, title: str, game: int) -> None:
    """What the four networks say about one picture, each with its map."""
    picture, _ = _picture(shot, view.net.input_size)
    panels = [Panel(picture, named(shot), f"A composite: {named(shot)}")]
    for player in several:
        seen = see(view, f"game {game} {player.letter}", player.head, shot)
        values, _ = explain(seen, TITLES[title])
        own = bias.accuracy(
            bias_lab.lab(), features(view), [player.head], player.choice.kind, [player.seed]
        ).matched.mean
        said = f"{player.letter} says {seen.said}. Right on {100 * own:.0f} % of pictures like those it was trained on"
        photo = seen.view.picture if values.ndim == 2 else None
        alt = f"{title} of network {player.letter}"
        panels.append(Panel(values, said, alt, photo, values.ndim == 3))
    blocks.compare(panels, columns=5, share=False, scale_bar=False, room=260, key="lab_game")


def guess(several: Sequence[Player]) -> dict[str, str]:
    """A guess for each network, in the address."""
    with widgets.controls("guess_controls"):
        return {
            player.letter: widgets.linked_select(
                f"{player.letter} is tied to", GUESSES, f"guess_{player.letter.lower()}", width=150
            )
            for player in several
        }


def reveal(view: View, several: Sequence[Player], guesses: dict[str, str]) -> None:
    """Which network has which, what was guessed, and what the numbers that tell them apart are."""
    of, found = bias_lab.lab(), features(view)
    right = sum(guesses[player.letter] == player.truth for player in several)
    st.markdown(words.text("score", right=right))
    table: dict[str, list[str]] = {}
    for player in several:
        cells = {"Network": player.letter, "Your guess": guesses[player.letter], "Tied to": player.truth}
        for kind, title in KINDS.items():
            swapped = bias.accuracy(of, found, [player.head], kind, [player.seed]).swapped.mean
            cells[f"Right, {title.lower()} swapped"] = f"{100 * swapped:.0f} %"
        for name, cell in cells.items():
            table.setdefault(name, []).append(cell)
    st.table(table, hide_index=True, alt="The four networks revealed")
    words.say("what tells them apart")


# The repair.


def repaired(view: View, choice: Choice, animals: int) -> Head:
    """The network's last layer, fitted again to a few balanced pictures."""
    return _repaired(view, choice.kind, animals)


@cache.per_network(entries=64)
def _repaired(view: View, kind: str, animals: int) -> Head:
    return bias.repair(bias_lab.lab(), features(view), kind, 0, animals)


def rates_of_repair(view: View, choice: Choice, animals: int) -> None:
    """The accuracies before and after the last layer was fitted again."""
    table: dict[str, list[str]] = {"Last layer": ["Before", "After"]}
    for one in (head(view, choice), repaired(view, choice, animals)):
        found = bias.accuracy(bias_lab.lab(), features(view), [one], choice.kind, [0])
        for name, value in zip(TESTS, found, strict=True):
            table.setdefault(name, []).append(_interval(value))
    st.table(table, hide_index=True, alt="Accuracy before and after the repair")


def show_repair(view: View, choice: Choice, cutout: int, animals: int) -> None:
    """The swapped picture before and after the last layer was fitted again."""
    heads = {"Before": head(view, choice), "After": repaired(view, choice, animals)}
    names = {"Before": f"lab {choice.kind} {choice.strength}", "After": f"repaired {choice.kind} {animals}"}
    swapped = shots(choice, cutout)[1]
    seen = [(when, see(view, names[when], heads[when], swapped)) for when in heads]
    blocks.compare(rows(choice, seen, 0.5), columns=4, unit="raw value", room=330, key="lab_repair")


# The pretrained network.


def cutout() -> str:
    """A picker of the animals whose names the 1000 classes hold."""
    things = {asset.id: asset for asset in bias_lab.lab().assets if asset.classes}
    return widgets.linked_select(
        "Animal", list(things), "lab_cutout", default="dog", width=190, format_func=lambda id: things[id].title
    )


class Named(NamedTuple):
    """What the pretrained network says of one animal on one background.

    Attributes:
        ground: the background's title. picture: the composite. said: the class, and how sure. right: whether it is one
            that a careful viewer would accept.
    """

    ground: str
    picture: Image.Image
    said: str
    name: str
    right: bool


def on_backgrounds(view: View, cutout: str) -> list[tuple[View, Named]]:
    """The animal in the middle of every background, and what the view's network says of it."""
    accepted, found = gallery.find("cutout", cutout).classes, []
    for ground in gallery.records("background"):
        picture = _composite(cutout, ground.id, view.net.input_size)
        title = f"{gallery.find('cutout', cutout).title} on {ground.title.lower()}"
        one = cache.look(view, picture=picture, title=title, alt=f"A composite: {title}")
        said = f"{one.class_name}, {percent(float(one.probabilities[one.target]))}"
        found.append((one, Named(ground.title, picture, said, one.class_name, one.class_name in accepted)))
    return found


@cache.once(entries=256, size="40MB")
def _composite(cutout: str, ground: str, side: int) -> Image.Image:
    return composites.build(composites.Recipe(cutout, ground, 70, 50, 60), side)[0]


def show_backgrounds(found: Sequence[tuple[View, Named]], with_maps: bool) -> None:
    """The composites with their answers; where asked for, Grad-CAM of each answer over them, each on its own scale."""
    panels = []
    for one, named in found:
        caption, alt = f"{named.ground}: {named.said}", f"{one.title}: {named.said}"
        if with_maps:
            values = cache.attribution(one, "grad_cam", layer=bias_lab.map_layer(one.net)).values
            panels.append(Panel(values, caption, f"Grad-CAM, {alt}", one.picture, False))
        else:
            panels.append(Panel(named.picture, caption, alt))
    blocks.compare(panels, columns=6, share=False, scale_bar=False, room=230, key="lab_on_grounds")


def several_names(found: Sequence[tuple[View, Named]], cutout: str) -> str:
    """In a sentence, how many names one animal got."""
    accepted = gallery.find("cutout", cutout).classes
    return words.text(
        "one animal, several names",
        names=len({named.name for _, named in found}),
        grounds=len(found),
        right=sum(named.right for _, named in found),
        accepted=" or ".join(f"“{name}”" for name in accepted),
    )


class Mistake(NamedTuple):
    """A picture of the gallery that the network names wrongly: its id and title, what it says, and how sure it is."""

    id: str
    title: str
    said: str
    confidence: float


def mistakes(view: View) -> list[Mistake]:
    """The gallery's pictures whose top prediction is none a careful viewer would accept, the surest first.

    Raises:
        OtherNetworkError: the network's classes are not those of the gallery.
    """
    known = [asset for asset in gallery.records("gallery") if set(asset.classes) & set(view.net.categories)]
    if not known:
        raise OtherNetworkError(words.text("other classes", network=view.net.title))

    def work(report: Callable[[float], None]) -> list[Mistake]:
        found = []
        for done, asset in enumerate(known, 1):
            one = _gallery(view, asset.id)
            if one.class_name not in asset.classes:
                sure = float(one.probabilities[one.target])
                found.append(Mistake(asset.id, asset.title, one.class_name, sure))
            report(done / len(known))
        return sorted(found, key=lambda mistake: -mistake.confidence)

    return jobs.run(("bias mistakes", view.model), work, "Looking for wrong predictions", keep=True)


def _gallery(view: View, id: str) -> View:
    """The gallery's picture as the view's network sees it, for its top prediction."""
    asset = gallery.find("gallery", id)
    image, digest = cache.open_gallery(id)
    return cache.make_view(view.model, view.net, image, digest, asset.title, asset.description)


@cache.per_network(entries=8, size="20MB", step="Computing Grad-CAM of the mistakes")
def _sprite(view: View, ids: tuple[str, ...]) -> tuple[bytes, Layout]:
    tiles = []
    for id in ids:
        one = _gallery(view, id)
        values = cache.attribution(one, "grad_cam", layer=bias_lab.map_layer(one.net)).values
        photo = one.picture.resize((160, 160), Image.Resampling.BICUBIC)
        tiles.append(np.asarray(render.overlay(photo, values, 0.45)))
    sprite, layout = atlas(np.stack(tiles))
    return render.encode(sprite, "jpeg"), layout


def show_mistakes(view: View, found: Sequence[Mistake]) -> None:
    """The mistakes as tiles under their maps, and the chosen one large, with three maps of what the network says."""
    from vizcore.ui.components import tiles

    ids = tuple(mistake.id for mistake in found)
    labels = [f"{one.title}: {one.said}, {percent(one.confidence)}" for one in found]
    if not ids:
        st.info(words.text("no mistake"))
        return
    chosen = address.setting("mistake", ids)

    def take(position: int) -> None:
        st.session_state["mistake"] = ids[position]

    sprite, layout = _sprite(view, ids)
    tiles(
        sprite,
        layout,
        labels,
        "lab_mistakes",
        selected=ids.index(chosen),
        smooth=True,
        largest=104,
        gap=6,
        height=250,
        alt="Wrong predictions, the surest first: " + "; ".join(labels),
        take=take,
    )
    one = _gallery(view, chosen)
    panels = [Panel(one.picture, labels[ids.index(chosen)], one.alt or one.title)]
    for title, method in TITLES.items():
        layer = None if method == "saliency" else bias_lab.map_layer(one.net)
        values = cache.attribution(one, method, layer=layer).values
        photo, alt = (one.picture if values.ndim == 2 else None), f"{title} of “{one.class_name}” on {one.title}"
        panels.append(Panel(values, title, alt, photo, values.ndim == 3))
    blocks.compare(panels, columns=4, share=False, unit="raw value", room=300, key="lab_mistake")


# The words.


def program(view: View, choice: Choice) -> str:
    """The program that trains the network on top and tests it."""
    return programs.bias(view.model, choice.kind, choice.strength)


def measured() -> str:
    """What the kept sweeps of the default network say of each kind of bias, in a sentence."""
    said = []
    for kind, title in KINDS.items():
        if kept := bias.stored(models.DEFAULT, kind):
            first, last = kept.rows[0], kept.rows[-1]
            right = f"{100 * first.swapped.mean:.0f} to {100 * last.swapped.mean:.0f} %"
            share = f"{100 * first.shares['grad_cam'].mean:.0f} to {100 * last.shares['grad_cam'].mean:.0f} %"
            said.append(f"{title.lower()} {right}, and {share}")
    return words.text("kept sweeps", network=models.MODELS[models.DEFAULT].title, said="; ".join(said))
