"""A map of pictures in the browser: points or thumbnails that can be moved, searched, circled, and that tell the truth.

Two parts are sent apart, since one is large and stays while the other changes: the sheet, with a thumbnail and the
words of every picture, and the cloud, with the coordinates of one or more layers.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from vizcore.ui.components.register import register

_HTML = """<div class="cloud"><div class="tools">
<button type="button" class="mode" data-mode="move">Move</button>
<button type="button" class="mode" data-mode="lasso">Lasso</button>
<button type="button" class="zoom" data-by="1.3" aria-label="Zoom in" title="Zoom in (key +)">+</button>
<button type="button" class="zoom" data-by="0.77" aria-label="Zoom out" title="Zoom out (key -)">−</button>
<button type="button" class="whole" title="The whole map (key 0)">Whole</button>
<input type="search" class="search" placeholder="Search a name" aria-label="Search titles, labels and predictions">
<span class="found"></span>
<button type="button" class="clear" title="No search, no selection (Escape)">Clear</button>
<button type="button" class="csv" title="The pictures that are not faded, as a file">CSV</button></div>
<div class="progress" role="status" hidden><b><i></i></b><span></span><button type="button" class="stop">Stop</button>
</div><div class="body"><div class="stage" role="application" tabindex="0">
<canvas class="base" aria-hidden="true"></canvas><canvas class="over" aria-hidden="true"></canvas>
<div class="tip" hidden></div></div>
<div class="aside"><div class="twin"><canvas class="small" hidden role="img" aria-label="The noise twin"></canvas>
<p class="twin_text"></p></div>
<div class="card"><canvas width="96" height="96" aria-hidden="true"></canvas><ul></ul></div></div></div>
<ul class="facts"></ul>
<div class="layers" hidden><label>Move the points through the layers
<input type="range" class="slider" min="0" step="1"></label>
<output class="named"></output><button type="button" class="use" hidden>Go to this layer</button></div>
<div class="legend" role="group" aria-label="Colours"></div><div class="said" aria-live="polite"></div></div>"""

_component = register("point_cloud", _HTML)


class Sheet(NamedTuple):
    """What is known of N pictures, whatever the map.

    Attributes:
        file: their thumbnails in one encoded picture, `columns` in a row, each `cell` pixels wide.
        titles: N names. labels, predicted: N words each; a prediction may be "". correct: N of 0, 1, or 2, unknown.
        crisp: enlarged pixel by pixel.
    """

    file: bytes
    columns: int
    cell: int
    titles: Sequence[str]
    labels: Sequence[str]
    predicted: Sequence[str]
    correct: Sequence[int]
    crisp: bool = False

    @property
    def name(self) -> str:
        """Of the content."""
        words = json.dumps([self.titles, self.labels, self.predicted])
        return f"{zlib.crc32(self.file):x}{zlib.crc32(words.encode()):x}"


class Stage(NamedTuple):
    """The map of one layer.

    Attributes:
        name: of the layer. coordinates: (N, dimensions). lines: sentences of numbers about it.
        trust: (N,) each point's trustworthiness. neighbours: (N, k) its nearest by the features; None while unknown.
        live: the map still moves.
    """

    name: str
    coordinates: np.ndarray
    lines: Sequence[str] = ()
    trust: np.ndarray | None = None
    neighbours: np.ndarray | None = None
    live: bool = False


class Placed(NamedTuple):
    """A picture that was put into the map of a layer: where, (dimensions,), and what to say of it."""

    layer: str
    at: Sequence[float]
    text: str


KEPT_PREDICTIONS = 9  # that have a colour; the rarer ones share one


def point_cloud(
    key: str,
    sheet: Sheet,
    stages: Sequence[Stage],
    current: str,
    *,
    twin: np.ndarray | None = None,
    twin_text: str = "",
    placed: Sequence[Placed] = (),
    own: int = -1,
    colour: str = "label",
    drawn: str = "pictures",
    halo: bool = True,
    grid: bool = False,
    alt: str = "",
    hint: str = "",
    room: int = 16,
    progress: tuple[float, str] | None = None,
    take: Callable[[str], None] | None = None,
    stop: Callable[[], None] | None = None,
) -> None:
    """Draw the map of the layer `current`; the slider below moves the same points to those of the others.

    Args:
        twin: (N, dimensions), the map of noise. own: the number of the visitor's own picture.
        colour: "label", "prediction" or "correctness". drawn: "pictures" or "dots".
        halo: a red disc behind each point, the wider the less its neighbours may be trusted.
        grid: every picture on a cell of its own. alt, hint: what it shows; what to do while nothing is pointed at.
        stages: may be empty while nothing is known: what was drawn before stays.
        room: page pixels below the map. progress: the share done of what is being made, and what to say of it.
        take: called with the layer that the visitor goes to. stop: called when the visitor stops what is being made.

    Raises:
        ValueError: no layer of that name, or arrays of another number of pictures.
    """
    count = len(sheet.titles)
    known = not stages or current in [stage.name for stage in stages]
    if not known or any(len(stage.coordinates) != count for stage in stages):
        raise ValueError(f"The map of {current} with {count} pictures is not among those given.")
    dimensions = stages[0].coordinates.shape[1] if stages else 2
    near = [stage.neighbours for stage in stages if stage.neighbours is not None]
    head = {
        "kind": "cloud",
        "sheet": sheet.name,
        "count": count,
        "dimensions": dimensions,
        "k": near[0].shape[1] if near else 0,
        "layers": [
            {"name": s.name, "lines": list(s.lines), "live": s.live, "judged": s.neighbours is not None} for s in stages
        ],
        "current": current,
        "twin": twin is not None,
        "twin_text": twin_text,
        "placed": [{"layer": p.layer, "at": [float(v) for v in p.at], "text": p.text} for p in placed],
        "own": own,
        "colour": colour,
        "drawn": drawn,
        "halo": halo,
        "grid": grid,
        "alt": alt,
        "hint": hint,
        "room": room,
        "progress": {"share": min(1.0, progress[0]), "text": progress[1]} if progress else None,
    }
    parts: list[np.ndarray] = []
    for stage in stages:
        parts.append(np.asarray(stage.coordinates, "<f4"))
        if stage.neighbours is not None:
            parts += [np.asarray(stage.trust, "<f4"), np.asarray(stage.neighbours, "<u2")]
    if twin is not None:
        parts.append(np.asarray(twin, "<f4"))

    def went() -> None:
        found = st.session_state[key].layer
        if take and found in [stage.name for stage in stages]:
            take(found)

    def stopped() -> None:
        if stop and st.session_state[key].stop:
            stop()

    with st.container(key=f"{key}_sheet"):
        _component(key=f"{key}_words", data=_packed(_words(sheet), [sheet.file]))
    data = _packed(head, [_padded(part.tobytes()) for part in parts])
    _component(key=key, data=data, on_layer_change=went, on_stop_change=stopped)


def _words(sheet: Sheet) -> dict[str, Any]:
    label_names = sorted(set(sheet.labels))
    codes = {name: code for code, name in enumerate(label_names)}
    names, frequent = np.unique([word or "nothing" for word in sheet.predicted], return_counts=True)
    kept = label_names if set(names) <= set(label_names) else sorted(names[np.argsort(-frequent)][:KEPT_PREDICTIONS])
    known = {name: code for code, name in enumerate(kept)}
    return {
        "kind": "sheet",
        "name": sheet.name,
        "columns": sheet.columns,
        "cell": sheet.cell,
        "crisp": sheet.crisp,
        "titles": list(sheet.titles),
        "label_names": label_names,
        "label": [codes[label] for label in sheet.labels],
        "predicted_words": list(sheet.predicted),
        "predicted_names": [*kept, "another"],
        "predicted": [known.get(word, len(kept)) for word in sheet.predicted],
        "correct": [int(one) for one in sheet.correct],
    }


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _packed(head: dict[str, Any], parts: Sequence[bytes]) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "big") + text + b"".join(parts)
