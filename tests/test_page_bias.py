"""The page Detecting bias."""

import re

import pytest
from page_visits import captions, checked, html, open_page, pictures, texts, through_the_table

from vizcore import models
from vizcore.evaluation import bias, bias_lab

OF = bias_lab.lab()


def tables(app) -> list[dict]:
    return [table.value.to_dict("list") for table in app.table]


def right(kind: str, strength: float) -> list[str]:
    """Matched, swapped and worst group of the network on top, as the page writes them."""
    features = bias_lab.stored("squeezenet1_1")
    head = bias_lab.train(OF, features, kind, strength, 0)
    return [f"<b>{100 * one.mean:.0f} %</b>" for one in bias.accuracy(OF, features, [head], kind, [0])]


def test_alone_and_through_the_table():
    app = open_page("bias", part="Strength")
    assert captions(app) == captions(through_the_table("bias", part="Strength"))
    said = captions(app)
    assert len(said) == 8 and said[0].startswith("Matched: says mammal") and said[0].endswith("right")
    assert said[4].startswith("Swapped: says bird") and said[4].endswith("wrong")
    shares = [int(found) for text in said for found in re.findall(r": (\d+) % on the background", text)]
    assert len(shares) == 6 and min(shares) > 50
    assert re.findall(r"<b>\d+ %</b>", html(app))[:3] == right("background", 1.0)
    assert "networks of two classes on the last features of SqueezeNet 1.1" in texts(app)


def test_the_controls_change_the_network():
    app = open_page("bias", part="Strength")
    tied = pictures(app)
    checked(app.select_slider(key="lab_tie").set_value(0.5).run(), calm=True)
    assert captions(app)[4].startswith("Swapped: says mammal") and pictures(app)[1] != tied[1]
    assert pictures(app)[0] == tied[0]  # the picture itself is the same
    assert re.findall(r"<b>\d+ %</b>", html(app))[:3] == right("background", 0.5)
    checked(app.segmented_control(key="lab_bias").set_value("Blur").run(), calm=True)
    assert re.findall(r"<b>\d+ %</b>", html(app))[:3] == right("blur", 0.5)
    assert "No map points at it" in texts(app)
    checked(app.selectbox(key="lab_animal").select("ostrich").run(), calm=True)
    assert captions(app)[0].startswith("Matched: says bird")


@pytest.mark.parametrize("kind", bias_lab.KINDS)
def test_the_table_of_thresholds_is_the_kept_measurement(kind):
    kept = bias.stored("squeezenet1_1", kind)
    (table,) = tables(open_page("bias", part="Strength", lab_bias=bias_lab.KINDS[kind]))
    for at, method in enumerate(bias.METHODS):
        low, high = kept.band(method)
        assert table["Band without bias"][at] == f"{100 * low:.0f} to {100 * high:.0f} %"
        limit = kept.threshold(method)
        assert table["Above the band from"][at] == ("never" if limit is None else f"p = {limit:g}")
        assert table["False alarms"][at] == f"{kept.alarms(method)} of 20"


def test_a_game_is_revealed_when_all_is_guessed():
    app = open_page("bias", part="Blind game")
    assert app.toggle(key="reveal").disabled and len(captions(app)) == 8 + 5
    before = captions(app)[8:]
    checked(app.segmented_control(key="game_look").set_value("Blurred").run(), calm=True)
    assert captions(app)[8] == "Tiger on snow, blurred" and captions(app)[9:] != before[1:]
    for letter in "abcd":
        checked(app.selectbox(key=f"guess_{letter}").select("Blur").run(), calm=True)
    assert not app.toggle(key="reveal").disabled and not tables(app)
    checked(app.toggle(key="reveal").set_value(True).run(), calm=True)
    (table,) = tables(app)
    assert sorted(table["Tied to"]) == sorted([*bias_lab.KINDS.values(), "No bias"])
    assert "You named **1 of 4** rightly" in texts(app)
    for name, column in (("Background", "background"), ("Blur", "blur"), ("Corner tag", "corner tag")):
        rates = [int(cell.split()[0]) for cell in table[f"Right, {column} swapped"]]
        own, none = rates[table["Tied to"].index(name)], rates[table["Tied to"].index("No bias")]
        assert own < none  # each tied network does worse where its own trait is swapped


def test_another_game_has_another_order():
    orders = []
    for game in (1, 2, 3):
        guesses = {f"guess_{letter}": "Blur" for letter in "abcd"}
        (table,) = tables(open_page("bias", part="Blind game", game=game, reveal="true", **guesses))
        orders.append(tuple(table["Tied to"]))
    assert len(set(orders)) > 1


def test_repair():
    app = open_page("bias", part="Repair", balanced=16)
    (table,) = tables(app)
    swapped = [int(cell.split()[0]) for cell in table["Swapped"]]
    assert swapped[1] > swapped[0] + 50
    said = captions(app)[8:]
    assert said[0].startswith("Before: says bird") and said[4].startswith("After: says mammal")


def test_one_animal_gets_several_names():
    app = open_page("bias", part="Many backgrounds", lab_cutout="fox", lab_maps="true")
    said = captions(app)[8:]
    names = {text.split(": ")[1].rsplit(",", 1)[0] for text in said}
    assert len(said) == 12 and f"**{len(names)}** different names on 12 backgrounds" in texts(app)


def test_mistakes_are_sorted_and_one_is_shown_large():
    app = open_page("bias", part="Wrong predictions")
    label = captions(app)[8]
    assert len(captions(app)) == 12 and ": " in label
    checked(app.run(), calm=True)
    net = models.load("squeezenet1_1")
    assert label.split(": ")[1].rsplit(",", 1)[0] in net.categories
    other = open_page("bias", part="Wrong predictions", mistake="cheetah")
    assert captions(other)[8].startswith("Cheetah: jaguar")


def test_the_network_on_top_sees_the_picture_of_the_row():
    app = open_page("bias", part="Your picture", image="koala")
    assert len(captions(app)) == 12 and re.fullmatch(r"Koala: says (mammal|bird), [\d.]+ %", captions(app)[8])


@pytest.mark.parametrize("model", ["digits_cnn", "digits_linear"])
def test_a_network_that_does_not_fit(model):
    app = open_page("bias", model=model, part="Strength")
    assert "here it is built on SqueezeNet 1.1" in texts(app) and len(captions(app)) == 8


def test_a_bad_link_falls_back():
    app = open_page("bias", lab_bias="smell", lab_tie="7", lab_animal="unicorn", game="0", mistake="x", part="Strength")
    assert captions(app) == captions(open_page("bias", part="Strength"))
