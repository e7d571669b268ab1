"""Opening a page as a visitor would, and reading what stands on it: what every page test begins with."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from vizcore.images import collection, gallery

ROOT = Path(__file__).parents[1]


def open_page(stem: str, **address) -> AppTest:
    """The page opened alone by a link with these settings; fails on an exception. Warnings are allowed.

    All its tabs are open, unless `part` names one.
    """
    app = AppTest.from_file(str(ROOT / "pages" / f"{stem}.py"), default_timeout=180)
    for name, value in ({"part": "All"} | address).items():
        app.query_params[name] = str(value)
    return checked(app.run())


def through_the_table(stem: str, **address) -> AppTest:
    """The page reached from dashboard.py, opened by a link with these settings."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=180).run()
    for name, value in ({"part": "All"} | address).items():
        app.query_params[name] = str(value)
    return checked(app.switch_page(f"pages/{stem}.py").run())


def checked(app: AppTest, calm: bool = False) -> AppTest:
    """The same page; fails on an exception, and with `calm` on a warning too."""
    assert not app.exception, app.exception[0].stack_trace
    assert not (calm and app.warning), app.warning[0].value
    return app


def texts(app: AppTest) -> str:
    """All running text: paragraphs, captions, headings, notes."""
    kinds = (app.markdown, app.caption, app.header, app.subheader, app.info, app.warning)
    return " ".join(element.value for kind in kinds for element in kind)


def figures(app: AppTest) -> list[list[list[dict[str, Any]]]]:
    """The figures in order, as the browser gets them: rows of groups, each with its `panels` and their `bars`."""
    found = [element.proto for element in app.get("bidi_component")]
    data = [proto.bytes for proto in found if proto.component_name == "vizcore.figure"]
    return [json.loads(each[4 : 4 + int.from_bytes(each[:4], "big")])["rows"] for each in data]


def panels(app: AppTest) -> list[dict[str, Any]]:
    """All pictures of the figures: `name` (of the content), `caption`, `alt`, `width`, `height`."""
    return [panel for rows in figures(app) for row in rows for group in row for panel in group["panels"]]


def captions(app: AppTest) -> list[str]:
    """What stands under the pictures, in order."""
    return [panel["caption"] for panel in panels(app)]


def pictures(app: AppTest) -> list[str]:
    """A name of the content of every picture, in order."""
    return [panel["name"] for panel in panels(app)]


def bars(app: AppTest) -> list[dict[str, Any]]:
    """The colour bars under the figures' pictures, in order: `ticks`, `label`, `name`, `top`."""
    return [bar for rows in figures(app) for row in rows for group in row for bar in group["bars"]]


def html(app: AppTest) -> str:
    """Everything drawn as HTML."""
    return " ".join(element.proto.body for element in app.get("html"))


def layer_of(app: AppTest, key: str = "layer") -> str:
    """The layer marked in the strip for this setting."""
    strips = (element.proto for element in app.get("bidi_component"))
    drawn = json.loads(next(strip.json for strip in strips if strip.id.endswith(f"-strip_{key}")))
    return drawn["names"][drawn["chosen"]]


def choose_layer(app: AppTest, name: str, key: str = "layer") -> AppTest:
    """The page after a click on a layer of the strip."""
    app.session_state[key] = name
    return app.run()


def show_few(patch: pytest.MonkeyPatch, count: int) -> None:
    """Have collections hold the first pictures of each kind only, whoever has imported what before."""

    def digits():
        x_train, y_train, x, y = gallery.digits()
        return x_train[:0], y_train[:0], x[:count], y[:count]

    few = {"records": lambda kind: gallery.records(kind)[:count], "digits": digits}
    patch.setattr(collection, "gallery", SimpleNamespace(**vars(gallery) | few))
