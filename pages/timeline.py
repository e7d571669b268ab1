"""18 Summary and the methods since: the lesson in three sentences, the works by year, and most of them to run."""

import streamlit as st

from vizcore import methods, ui
from vizcore.content import papers
from vizcore.figures import timeline as timeline_figures
from vizcore.ui import address, prose
from vizcore.ui.components import timeline
from vizcore.ui.sections import timeline as section

view, words = ui.begin(__file__), ui.words(__file__)
DEFAULT = "layer_cam" if view.net.cam_layer else "saliency"


def choose(key: str) -> None:
    """A work was clicked: show it, and run it where it runs here."""
    method = papers.find(key).method
    runs = method in methods.METHODS
    st.session_state["work"] = address.AUTO if runs else key
    if runs:
        st.session_state["method"] = address.AUTO if method == DEFAULT else method


def run_it(key: str) -> None:
    """The same, and open the part where it runs."""
    choose(key)
    st.session_state["part"] = "Run it here"


asked = address.asked("method")
method = asked if asked in methods.METHODS else DEFAULT
of_method = papers.of_method(method)
with ui.choices():
    place = ui.place("family")
    shown = ui.linked_select(
        "Work",
        [work.key for work in papers.WORKS],
        "work",
        default=of_method.key if of_method else "sanity_checks",
        format_func=lambda key: f"{papers.find(key).name} ({papers.find(key).venue})",
        order=[work.key for work in papers.in_family(None)],
        width=220,
    )
work = papers.find(shown)
with place:
    named = ui.linked_select("Show", section.NAMED, "family", default=section.group_of(work), width=170)
family, families = section.FAMILY.get(named), section.shown(named)
timeline(
    "timeline",
    timeline_figures.charts([one for one in papers.WORKS if one.family in families], methods.METHODS, family, shown),
    timeline_figures.tips(papers.WORKS),
    choose,
    chosen=shown,
    label="Works by year and family; the arrow keys move from one to the next",
)
with st.container(border=True):
    left, right = st.columns([3, 1], gap="large")
    with left:
        section.about(work)
    with right:
        section.where(work, method, run_it)


@ui.fragment
def live() -> None:
    """The chosen method on the current picture with its cost."""
    words.part("Run it here")
    with ui.controls("method_controls"):
        chosen = ui.linked_select(
            "Method", methods.names(), "method", default=DEFAULT, width=330, format_func=section.titled
        )
        if chosen != method:
            st.rerun()  # the work above is to be that of the method
        entry, layer, beside = methods.METHODS[method], None, False
        has_maps = view.net.cam_layer is not None
        params = ui.param_widgets(entry, f"run_{method}")
        if any(param.kind == "layer" for param in entry.params) and has_maps:
            layer = ui.layer_select(view, keep=lambda item: item.spatial)
    figure, side = ui.beside("run")
    with side:
        opacity = ui.opacity()
        if has_maps and method != "grad_cam":
            beside = ui.toggle("Grad-CAM beside it", True, key="beside")
    prose.more(functions=[entry.run], snippet=ui.snippet(view, method, layer=layer, **params))
    with figure:
        section.run(view, method, layer, params, beside, opacity)


def tests() -> None:
    """Which method passed which test."""
    words.part("Does a picture show what the network does?")
    section.verdicts()


def people() -> None:
    """The user studies."""
    words.part("Does it help people?")
    section.works(papers.in_family("user study"), "User studies", "What it found")


def listed() -> None:
    """The works as a list."""
    if family is None:
        section.all_works()
    else:
        words.part("The list: {{family}}", family=named)
        section.works(papers.in_family(family), f"Works on {named}")


ui.tabs(("Run it here", live), ("The lesson", section.summary), ("Tests", tests), ("People", people), ("List", listed))
words.end(critics=papers.sources())
