"""Navigation and the frame of every page: title, shared sidebar, calm errors, links to the neighbours."""

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import StopException, get_script_run_ctx

from vizcore.content import loader
from vizcore.types import OtherNetworkError
from vizcore.ui import address, progress, sidebar, widgets
from vizcore.ui.view import View

ROOT = Path(__file__).parents[2]
COURSE = "Visualizing neural networks"
ALL = "All"  # the tab that shows the parts of all tabs, to print or to search them
LOOK_FOR = "Look for"  # the heading in a page's text of the line above its figure
_log = logging.getLogger(__name__)


class Page(NamedTuple):
    """A line of the page table: pages/<stem>.py is served at /<stem>.

    Attributes:
        number: of the section of the lesson. idea: what it asks, in a sentence or two.
        of_class: whether its figures explain a class, which is then chosen on top.
    """

    stem: str
    number: int | None
    title: str
    icon: str
    idea: str
    of_class: bool = True

    @property
    def file(self) -> Path:
        return ROOT / "pages" / f"{self.stem}.py"

    @property
    def label(self) -> str:
        return self.title if self.number is None else f"{self.number} {self.title}"


Table = Mapping[str, Sequence[Page]]

_view: ContextVar[View | None] = ContextVar("view", default=None)


def route(table: Table, home: str = "overview") -> None:
    """Draw the frame and run the page the address names; the bare address leads to `home`.

    Title and sidebar are drawn here, outside the page's own script: Streamlit then keeps their widgets, and
    their part of the address, when the visitor goes from page to page.
    """
    pages = [page for section in table.values() for page in section if page.file.exists()]
    targets = {page: st.Page(page.file, title=page.label, icon=f":material/{page.icon}:") for page in pages}
    door = st.Page(_no_page, title=COURSE, url_path="start", default=True, visibility="hidden")
    sections = {name: [targets[p] for p in section if p in targets] for name, section in table.items()}
    # The icon comes before st.navigation, which would otherwise have the browser fetch one from the network.
    st.set_page_config(page_icon=Path(__file__).with_name("favicon.png"), layout="wide")
    st.session_state["targets"] = {page.stem: target for page, target in targets.items()}
    chosen = st.navigation({"": [door]} | {name: links for name, links in sections.items() if links}, position="top")
    if chosen is door:
        st.switch_page(st.session_state["targets"][home], query_params=dict(st.query_params))
    here = next(page for page, target in targets.items() if target is chosen)
    address.arrive(here.stem)
    st.set_page_config(page_title=f"{here.title} · {COURSE}")
    st.html(Path(__file__).with_name("style.css"))
    with st.container(key="head", horizontal=True, gap="small"):
        title = here.title if here.number is None else f":gray[{here.number}] {here.title}"
        st.title(title, anchor=False, width="content")
        st.container(key="idea").markdown(here.idea)
    row = widgets.row.set(widgets.controls("choices"))
    progress.line.set(st.container(key="progress").empty())
    if look_for := loader.page(here.stem).parts.get(LOOK_FOR):
        st.container(key="look_for").markdown(f":material/visibility: {look_for.text}")

    with _calm():
        view = sidebar.draw(here.of_class)
        token = _view.set(view)
        try:
            chosen.run()
        finally:
            _view.reset(token)
            widgets.row.reset(row)
            progress.line.set(None)
    _neighbours(pages, targets, here)
    address.tell()


def _no_page() -> None:
    """The bare address: the router goes on to the home page, so that this one too has its file name as address."""


def begin(file: str) -> View:
    """The first line of every page: the visitor's choices. Pass `__file__`.

    On a fresh server Streamlit runs a page opened by its address alone, without `dashboard.py`; so do tests
    and `streamlit run pages/x.py`. The page is then run again through the table, inside the usual frame.
    """
    view = _view.get()
    if view is not None:
        return view
    from dashboard import PAGES

    run = get_script_run_ctx()
    assert run is not None  # a page runs inside Streamlit
    alone = Path(run.main_script_path).resolve() == Path(file).resolve()
    route(PAGES, Path(file).stem if alone else "overview")
    raise StopException


def link(stem: str, label: str | None = None, help: str | None = None, **settings: str) -> None:
    """A link to another page that keeps model, picture and class; nothing where the table lacks the page.

    Args:
        label: the page's number and title when omitted.
        help: shown when it is pointed at.
        settings: further settings, as they stand in the address of that page.
    """
    if target := st.session_state["targets"].get(stem):
        st.page_link(target, label=label, help=help, query_params=settings or None)


def lesson_map() -> None:
    """Links to all pages, one column per part of the lesson; sections without a page are named."""
    from dashboard import PAGES

    for column, (section, pages) in zip(st.columns(len(PAGES)), PAGES.items(), strict=True):
        with column:
            st.markdown(f"**{section}**")
            for page in pages:
                link(page.stem)
                if not page.file.exists():
                    st.caption(f"{page.label} (to come)")


def fragment(function: Callable, every: float | None = None) -> Callable:
    """`st.fragment` whose errors are sentences, like those of the page.

    Args:
        every: seconds after which it runs again by itself.
    """

    @functools.wraps(function)
    def quiet(*args, **kwargs):
        with address.part(function.__name__), _calm():
            return function(*args, **kwargs)

    return st.fragment(quiet, run_every=every)


def tabs(*parts: tuple[str, Callable[[], None]], key: str = "part") -> None:
    """Parts of a page as tabs: only the open one is drawn, and it stands in the address. The last tab shows them all.

    Args:
        parts: the label of each, in a word or three, and the function that draws it.
        key: unique on the page.
    """
    drawn = dict(parts)

    def parts_of_page() -> None:
        names = [*drawn, ALL]
        address.begin(key, names[0], lambda texts: texts[0], lambda value: value in names)
        several = st.tabs(names, key=key, on_change="rerun")
        chosen = st.session_state[key]
        address.note(key, chosen, names[0], (chosen,))
        with several[names.index(chosen)]:
            for draw in drawn.values() if chosen == ALL else [drawn[chosen]]:
                draw()

    parts_of_page.__name__ = f"tabs_{key}"
    fragment(parts_of_page)()


@contextlib.contextmanager
def _calm() -> Iterator[None]:
    """Show what a visitor's input caused as a sentence. A fault of ours still looks like one."""
    from vizcore.models import ModelError

    try:
        yield
    except OtherNetworkError as error:
        _log.info("Shown to the visitor: %s", error)
        sidebar.offer(str(error))
    except (ModelError, ValueError) as error:
        _log.warning("Shown to the visitor: %s", error, exc_info=True)
        st.warning(str(error), icon=":material/info:")


def _neighbours(pages: Sequence[Page], targets: Mapping[Page, st.Page], here: Page) -> None:
    """Links to the page before and the page after."""
    index = pages.index(here)
    with st.container(key="neighbours", horizontal=True, horizontal_alignment="distribute"):
        if index > 0:
            st.page_link(targets[pages[index - 1]], label=pages[index - 1].label, icon=":material/arrow_back:")
        if index + 1 < len(pages):
            after = pages[index + 1]
            st.page_link(targets[after], label=after.label, icon=":material/arrow_forward:", icon_position="right")
