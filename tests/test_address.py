"""The address tells what a page shows: whatever is changed, a new visitor with the address sees the same."""

import json
import random
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import streamlit as st
from page_visits import checked, open_page
from streamlit.testing.v1 import AppTest

from dashboard import PAGES

STEMS = [page.stem for section in PAGES.values() for page in section if page.file.exists()]
STEPS = 5
ENABLED = SimpleNamespace(disabled=False)

pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.fixture(scope="module")
def options() -> Iterator[dict]:
    """The plain options of each control that has some; AppTest knows only how they read."""
    known: dict[str, list] = {}

    def listening(widget):
        def draw(label, options, *args, key=None, **kwargs):
            known[key] = list(options)
            return widget(label, options, *args, key=key, **kwargs)

        return draw

    with pytest.MonkeyPatch.context() as patch:
        for kind in ("selectbox", "select_slider", "segmented_control", "pills"):
            patch.setattr(st, kind, listening(getattr(st, kind)))
        yield known


def controls(app: AppTest) -> list:
    """All controls that have a setting in the address, in order."""
    kinds = ("toggle", "segmented_control", "slider", "select_slider", "number_input", "selectbox", "pills")
    found = [*(control for kind in kinds for control in app.get(kind)), *strips(app)]
    return [control for control in found if control.key != "camera_on" and not control.proto.disabled]


def strips(app: AppTest) -> list:
    """The strips of layers, as controls."""
    protos = [element.proto for element in app.get("bidi_component") if "-strip_" in element.proto.id]
    return [
        SimpleNamespace(key=proto.id.rpartition("-strip_")[2], names=json.loads(proto.json)["names"], proto=ENABLED)
        for proto in protos
    ]


def other(control, options: dict, draw: random.Random):
    """Another value of a control."""
    if hasattr(control, "names"):
        return draw.choice(control.names)
    if control.key in options:
        several = options[control.key][:12]
        return draw.sample(several, 2) if isinstance(control.value, list) else draw.choice(several)
    if isinstance(control.value, bool):
        return not control.value
    step = control.step or 1
    steps = int(min(40, (control.max - control.min) / step))
    return type(control.value)(round(control.min + step * draw.randint(0, steps), 6))


def shown(app: AppTest) -> dict:
    """What the controls say."""
    return {control.key: app.session_state[control.key] for control in controls(app)}


def pictures(app: AppTest) -> list:
    """Every picture, sheet and text of a figure, as it is sent to the browser."""
    html = [element.proto.body for element in app.get("html")]
    images = [image.proto.imgs[0].url for image in app.get("image")]
    return html + images


@pytest.mark.slow
@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_new_visitor_with_the_address_sees_the_same(stem, seed, options):
    draw = random.Random(f"{stem} {seed}")
    app = open_page(stem, image="jaguar", model="mini_vgg")
    for _ in range(STEPS):
        if not (several := controls(app)):
            return
        control = draw.choice(several)
        app.session_state[control.key] = other(control, options, draw)
        checked(app.run())
        new = open_page(stem, **app.query_params)
        assert shown(new) == shown(app), control.key
        assert pictures(new) == pictures(app), control.key
        assert new.query_params == app.query_params
