"""The settings of the controls in the page's address, so that a link shows the same view.

The page's own run writes the address: each control notes what it shows, and at the end of the run (of the page, or of
the fragment that ran) the browser replaces the address by all that differs from its default. Streamlit's own
`bind="query-params"` is not used: its browser side forgets a control that React puts in another place, as happens
below one that comes or goes, and it adds an entry to the browser's history for each control that vanishes.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs, urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

AUTO = "auto"  # stands for the default, whatever it is for the model and picture at hand
SHARED = frozenset({"model", "image", "digit", "crop", "fit", "class"})  # settings that all pages share
_EMBED = {"embed", "embed_options"}  # Streamlit's own

Texts = tuple[str, ...]  # a setting as it stands in the address; several pills are several texts

_write = st.components.v2.component(
    "vizcore.address",
    js="""export default ({ data }) => {
  if (!data || !location.pathname.split('/').includes(data.page)) return
  const kept = ([name]) => name.startsWith('embed') || data.kept.includes(name)
  const own = [...new URLSearchParams(location.search)].filter(kept)
  const query = [new URLSearchParams(own).toString(), data.query].filter(Boolean).join('&')
  const address = query ? `?${query}` : location.pathname
  if (location.search !== (query ? `?${query}` : '')) history.replaceState(history.state, '', address)
}""",
)


@dataclasses.dataclass
class _Visit:
    """What a visitor's session knows of addresses.

    Attributes:
        here: the page that is shown.
        shared, own: what was last asked of, or set in, the controls of all pages and of this page: what a control
            begins with when it appears, or appears again.
        left: by page, `own` as it was when the page was left.
        told: what the controls that are drawn now show, where it differs from their default, and which part of the
            page drew them.
        known: the names of this page's controls.
        browser: the names of settings that a component of this page writes into the address itself.
        following: the defaults that controls follow which nobody has set.
        paths: of each fragment, by name: the fragments around it, and its own name.
        turn: counts the runs.
    """

    here: str = ""
    shared: dict[str, Texts] = dataclasses.field(default_factory=dict)
    own: dict[str, Texts] = dataclasses.field(default_factory=dict)
    left: dict[str, dict[str, Texts]] = dataclasses.field(default_factory=dict)
    told: dict[str, tuple[Texts, Texts]] = dataclasses.field(default_factory=dict)
    known: set[str] = dataclasses.field(default_factory=set)
    browser: set[str] = dataclasses.field(default_factory=set)
    following: dict[str, Any] = dataclasses.field(default_factory=dict)
    paths: dict[str, Texts] = dataclasses.field(default_factory=dict)
    turn: int = 0

    def memory(self, key: str) -> dict[str, Texts]:
        return self.shared if key in SHARED else self.own


_part: ContextVar[Texts] = ContextVar("part", default=())  # the fragments inside which a control is drawn


def _visit() -> _Visit:
    return st.session_state.setdefault("visit", _Visit())


# The page's side: where a run begins, and where it ends.


def arrive(here: str) -> None:
    """Take the settings that the address asks for, on coming to a page. Call before the first control.

    A link may name settings; Back and Forward name them all; a page that is reached without any is shown as it was
    left.

    Args:
        here: the page that is about to run.
    """
    run = get_script_run_ctx()
    assert run is not None  # a page runs inside Streamlit
    visit = _visit()
    visit.told, visit.turn = {}, visit.turn + 1
    came, back = visit.here != here, run.is_history_navigation
    if not came and not back:
        return
    asked = {key: tuple(texts) for key, texts in parse_qs(run.query_string, keep_blank_values=True).items()}
    asked = {key: texts for key, texts in asked.items() if key not in _EMBED}
    if visit.here and came:
        visit.left[visit.here] = dict(visit.own)
    forget(*visit.known, *(SHARED if back else SHARED & set(asked)))
    shared = {key: texts for key, texts in asked.items() if key in SHARED}
    visit.shared = shared if back else visit.shared | shared
    visit.own = {key: texts for key, texts in asked.items() if key not in SHARED}
    if not asked and not back:
        visit.own = visit.left.get(here, {})
    visit.here, visit.known, visit.browser = here, set(), set()


def tell(slot: str = "page", now: bool = True) -> None:
    """Have the browser write what the controls show into the address, in place of what stands there.

    Args:
        slot: a name for the place in the page from which it is written; unique on the page.
        now: otherwise only the place is kept.
    """
    visit, run, data = _visit(), get_script_run_ctx(), None
    if now and run:
        told = sorted(visit.told.items(), key=lambda item: (item[0] not in SHARED, item[0]))
        query = urlencode([(key, text) for key, (texts, _) in told for text in texts])
        data = {"query": query, "page": visit.here, "turn": visit.turn, "kept": sorted(visit.browser)}
        run.query_string = query
    with st.container(key=f"address_{slot}"):
        _write(key=f"tell_{slot}", data=data)


@contextlib.contextmanager
def part(name: str) -> Iterator[None]:
    """Around a fragment: controls that it no longer draws leave the address; and it writes it when it runs alone."""
    visit, run = _visit(), get_script_run_ctx()
    alone = bool(run and run.fragment_ids_this_run) and not _part.get()
    path = visit.paths.get(name, (name,)) if alone else (*_part.get(), name)
    visit.paths[name] = path
    visit.told = {key: (texts, by) for key, (texts, by) in visit.told.items() if by[: len(path)] != path}
    visit.turn += alone
    token = _part.set(path)
    try:
        yield
    finally:
        _part.reset(token)
    tell(name, alone)


# The controls' side.


def begin(key: str, default: Any, read: Callable[[Texts], Any], fits: Callable[[Any], bool]) -> None:
    """Give a control its value before it is drawn: it keeps one that fits; else what was asked, else its default.

    Args:
        read: the value from the address; ValueError where there is none in it.
        fits: whether the control can show a value.
    """
    visit = _visit()
    if key not in SHARED:
        visit.known.add(key)
    if key in st.session_state and fits(st.session_state[key]):
        return
    value = default
    with contextlib.suppress(ValueError):
        asked = visit.memory(key).get(key)
        value = default if asked is None else read(asked)
    st.session_state[key] = value if fits(value) else default


def follow(key: str, default: Any, read: Callable[[Texts], Any], fits: Callable[[Any], bool]) -> None:
    """As :func:`begin`, for a control whose default changes: until somebody sets it, it shows the default of now."""
    visit = _visit()
    value = st.session_state.get(key)
    if value is not None and value != default and (value == visit.following.get(key) or not fits(value)):
        st.session_state.pop(key, None)
        visit.memory(key).pop(key, None)
    begin(key, default, read, fits)


def note(key: str, value: Any, default: Any, texts: Sequence[str]) -> None:
    """Note what a control shows: for the address, and for when it appears again.

    Args:
        texts: the value, as it stands in the address where it is not the default.
    """
    visit = _visit()
    if value == default:
        visit.following[key] = default
        visit.memory(key).pop(key, None)
        visit.told.pop(key, None)
        return
    visit.following.pop(key, None)
    visit.memory(key)[key] = tuple(texts)
    visit.told[key] = tuple(texts), _part.get()


def forget(*keys: str) -> None:
    """Have controls begin again, as if nobody had set them; to be called before the page runs again."""
    visit = _visit()
    for key in keys:
        visit.memory(key).pop(key, None)
        visit.following.pop(key, None)
        st.session_state.pop(key, None)


def leave_to_the_browser(*keys: str) -> None:
    """Settings that a component writes into the address without asking the server: they are left as they stand."""
    _visit().browser.update(keys)


def put(**settings: Any) -> None:
    """Set controls, drawn or not, before the page runs again."""
    visit = _visit()
    for key, value in settings.items():
        st.session_state[key] = value
        visit.memory(key)[key] = (str(value),)


def asked(key: str) -> str | None:
    """What the address, or the visitor, asked of a control, as text; None where it shows its default."""
    visit, value = _visit(), st.session_state.get(key)
    if value is not None:
        return None if value in (AUTO, visit.following.get(key)) else str(value)
    texts = visit.memory(key).get(key)
    return texts[0] if texts else None


def follow_option(key: str, options: Sequence[str], default: str) -> str:
    """As :func:`follow`, for a control with options, which stand in the address as they are; the one to be shown."""
    offered = set(options)
    follow(key, default, lambda texts: texts[0], lambda value: value in offered)
    return st.session_state[key]


def setting(key: str, options: Sequence[str], default: str | None = None) -> str:
    """A setting that no control of Streamlit's holds: one of some options; the first when no default is named."""
    default = default or options[0]
    chosen = follow_option(key, options, default)
    note(key, chosen, default, (chosen,))
    return chosen
