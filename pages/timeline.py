"""18 Summary and the methods since: the lesson in three sentences, the works by year, and most of them to run."""

import streamlit as st

from vizcore import methods, ui
from vizcore.content import papers
from vizcore.figures import timeline as timeline_figures
from vizcore.ui.address import AUTO
from vizcore.ui.components import timeline
from vizcore.ui.sections import timeline as section

view, words = ui.begin(__file__), ui.words(__file__)
FAMILY = {wording: family for family, wording in papers.FAMILIES.items()}
DEFAULT = "layer_cam" if view.net.cam_layer else "saliency"


def choose(key: str) -> None:
    """A work was clicked: show it, and run it where it runs here."""
    method = papers.find(key).method
    runs = method in methods.METHODS
    st.session_state["work"] = AUTO if runs else key
    if runs:
        st.session_state["method"] = AUTO if method == DEFAULT else method


section.summary()
words.part("What came since")
named = ui.one_pill("Family", ["all", *FAMILY], "all", key="family", wrap=True)
family = FAMILY.get(named)
figure, card = st.container(), st.container(border=True)

words.part("Run it here")
panel = st.container()
with panel, ui.controls("method_controls"):
    method = ui.linked_select(
        "Method", methods.names(), "method", default=DEFAULT, width=330, format_func=section.titled
    )
of_method = papers.of_method(method)

with card:
    left, right = st.columns([3, 1], gap="large")
    with left:
        shown = ui.linked_select(
            "Work",
            [work.key for work in papers.WORKS],
            "work",
            default=of_method.key if of_method else "sanity_checks",
            format_func=lambda key: f"{papers.find(key).name} ({papers.find(key).venue})",
            order=[work.key for work in papers.in_family(None)],
        )
        work = papers.find(shown)
        section.about(work)
    with right:
        section.where(work, method, choose)
with figure:
    timeline(
        "timeline",
        timeline_figures.charts(papers.WORKS, methods.METHODS, family, work.key),
        timeline_figures.tips(papers.WORKS),
        choose,
        chosen=work.key,
        label="Works by year and family; the arrow keys move from one to the next",
    )


@ui.fragment
def live() -> None:
    """The chosen method on the current picture with its cost; below it what does not have to wait for it."""
    entry = methods.METHODS[method]
    takes_layer = any(param.kind == "layer" for param in entry.params)
    has_maps = view.net.cam_layer is not None
    top, layer, beside = st.container(), None, False
    with top, ui.controls("live_controls"):
        if takes_layer and has_maps:
            layer = ui.layer_select(view, keep=lambda item: item.spatial)
        params = ui.param_widgets(entry, f"run_{method}")
        if has_maps and method != "grad_cam":
            beside = ui.toggle("Grad-CAM beside it", True, key="beside")
        opacity = ui.opacity()

    if family is None:
        section.all_works()
    else:
        words.part("The list: {{family}}", family=named)
        section.works(papers.in_family(family), f"Works on {named}")
    words.part("Does a picture show what the network does?")
    section.verdicts()
    words.part("Does it help people?")
    section.works(papers.in_family("user study"), "User studies", "What it found")
    words.end(functions=[entry.run], snippet=ui.snippet(view, method, layer=layer, **params), critics=papers.sources())
    with top:
        section.run(view, method, layer, params, beside, opacity)


with panel:
    live()
