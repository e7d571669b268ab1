"""The page Dimensionality reduction."""

import json
import time

import numpy as np
import pytest
from page_visits import captions, checked, choose_layer, layer_of, open_page, texts, through_the_table
from streamlit.testing.v1 import AppTest

from vizcore.images import gallery
from vizcore.inspection import embeddings, picture_maps
from vizcore.ui import jobs

PAGE = "embeddings"


@pytest.fixture(scope="module", autouse=True)
def cache_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIZ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def cloud(app: AppTest) -> dict:
    """The head of the map that the browser gets, and its arrays as bytes."""
    found = [element.proto for element in app.get("bidi_component")]
    data = [proto.bytes for proto in found if proto.component_name == "vizcore.point_cloud"]
    heads = [(json.loads(one[4 : 4 + int.from_bytes(one[:4], "big")]), one) for one in data]
    head, raw = next(pair for pair in heads if pair[0]["kind"] == "cloud")
    return head | {"body": raw[4 + int.from_bytes(raw[:4], "big") :]}


def sheet(app: AppTest) -> dict:
    """What the browser is told once of all pictures."""
    found = [element.proto for element in app.get("bidi_component")]
    data = [proto.bytes for proto in found if proto.component_name == "vizcore.point_cloud"]
    heads = [json.loads(one[4 : 4 + int.from_bytes(one[:4], "big")]) for one in data]
    return next(head for head in heads if head["kind"] == "sheet")


def finished(app: AppTest, seconds: float = 200) -> AppTest:
    """The page when its map and the noise twin are there."""
    deadline = time.monotonic() + seconds
    while cloud(app)["progress"] and time.monotonic() < deadline:
        time.sleep(0.2)
        app = checked(app.run())
    assert not cloud(app)["progress"]
    return checked(app.run())  # the rest of the page, too, has seen that it is done


@pytest.fixture
def default() -> AppTest:
    """1,000 digits, whose maps come with the dashboard."""
    return open_page(PAGE, model="digits_cnn", digit=5)


def test_the_default_view_is_there_at_once_with_all_layers_and_the_twin(default):
    head = cloud(default)
    assert head["progress"] is None and head["count"] == 1000 and head["twin"]
    assert head["layers"][0]["name"] == "input" and len(head["layers"]) >= 6
    assert all(layer["judged"] and len(layer["lines"]) == 3 for layer in head["layers"])
    assert head["current"] == layer_of(default) == "relu2_2" and head["own"] == 5
    assert "Seed" in [field.label for field in default.number_input]


def test_the_numbers_on_the_page_are_those_of_the_map(default):
    file = gallery.ASSETS / "embeddings" / "digits_cnn-digits.npz"
    kept = picture_maps.from_file(file)
    found, twin = kept.maps["relu2_2", False], kept.maps["relu2_2", True]
    said = texts(default)
    assert f"| {found.trustworthiness:.3f} | {twin.trustworthiness:.3f} |" in said
    assert f"| {100 * found.projected:.0f} % | {100 * twin.projected:.0f} % |" in said
    assert f"k-NN accuracy: {100 * twin.projected:.0f} %" in cloud(default)["twin_text"]
    head = cloud(default)
    first = np.frombuffer(head["body"], "<f4", 2000).reshape(1000, 2)
    assert np.allclose(embeddings.align(first, found.coordinates), first, atol=20)  # turned onto the chosen layer
    assert sheet(default)["correct"].count(1) > 900 and len(sheet(default)["titles"]) == 1000


def test_another_layer_is_shown_with_the_same_points(default):
    app = checked(choose_layer(default, "input"))
    assert cloud(app)["current"] == "input" and "input" in app.query_params["layer"]
    assert cloud(app)["progress"] is None


def test_photographs_by_the_default_network():
    app = through_the_table(PAGE, image="koala")
    head, words = cloud(app), sheet(app)
    assert head["count"] == 591 and head["progress"] is None
    assert words["titles"][head["own"]] == "Koala" and set(words["correct"]) == {0, 1, 2}
    assert "mammals" in words["label_names"]


def test_a_map_is_made_while_it_is_seen_and_stays():
    where = {"model": "digits_linear", "how_many_digits": 500, "perplexity": 10, "part": "Is it true?"}
    app = finished(open_page(PAGE, **where))
    head = cloud(app)
    assert head["count"] == 500 and head["current"] == "linear" and head["layers"][0]["judged"]
    assert "being made" not in texts(app)
    assert cloud(open_page(PAGE, **where))["progress"] is None


def test_pca_in_three_dimensions_and_the_sentences_of_the_other_part():
    app = open_page(PAGE, model="digits_mlp", how_many_digits=500, projection="PCA", axes=3, layer="hidden")
    app = finished(app)
    assert cloud(app)["dimensions"] == 3 and "neither a seed nor a perplexity" in texts(app)
    assert not [field for field in app.number_input if field.key == "seed"]


def test_a_stopped_map_leaves_nothing_and_can_begin_again():
    where = {"model": "digits_linear", "how_many_digits": 2000, "seed": 77, "part": "Table"}
    app = open_page(PAGE, **where)
    assert cloud(app)["progress"]
    key = next(iter(key for key in _started() if key[0] == "map" and 77 in key))
    app.session_state["stopped_map"] = _stopped(app, where)
    app = checked(app.run())
    assert cloud(app)["progress"] is None and "Nothing of this map is kept" in texts(app)
    deadline = time.monotonic() + 60
    while not jobs.find(key)._done.is_set() and time.monotonic() < deadline:
        time.sleep(0.2)
    job = jobs.find(key)
    assert not job.finished and job.seen is None
    with pytest.raises(jobs.Abandoned):
        job.result()
    app.button(key="start_map").click()
    assert cloud(checked(app.run()))["progress"]


def _started() -> list[tuple]:
    from vizcore.ui.sections import embeddings as section

    return [section._key(section.Setting("digits_linear", "digits", 2000, "linear", seed=77))]


def _stopped(app: AppTest, where: dict) -> str:
    from vizcore.ui.sections import embeddings as section

    return section.stopped_key(section.Setting("digits_linear", "digits", 2000, "linear", seed=where["seed"]))


def test_the_pages_own_picture_is_placed_beside_itself(default):
    app = open_page(PAGE, model="digits_cnn", digit=5, place_own="true", part="Table")
    (placed,) = cloud(app)["placed"]
    assert placed["layer"] == "relu2_2" and "it is neighbour 1 of its copy" in placed["text"]
    assert len(placed["at"]) == 2


def test_answers_are_checked_with_the_numbers_of_the_page(default):
    default.radio(key="guess_noise").set_value(95)
    app = checked(default.run())
    assert "Neighbours in noise vote by chance" in app.warning[0].value
    app.radio(key="guess_noise").set_value(10)
    assert "Right. It is" in checked(app.run()).success[0].value


def test_seeds_stand_side_by_side_with_their_twins_and_a_score(monkeypatch):
    from vizcore.ui.sections import embeddings as section

    monkeypatch.setattr(section, "SEVERAL", 100)
    app = open_page(PAGE, model="digits_cnn", how_many_digits=500, part="Side by side", several_maps="true")
    shown = captions(app)
    assert len(shown) == 8 and shown[0] == "seed 0" and shown[4].startswith("Noise")
    assert "share" in texts(app) and "by chance" in texts(app)


def test_a_link_that_asks_for_nonsense():
    app = open_page(
        PAGE, model="digits_cnn", layer="nothing", projection="x", axes=9, perplexity=7, seed=-4, points="x"
    )
    assert cloud(app)["current"] == "relu2_2" and cloud(app)["progress"] is None
