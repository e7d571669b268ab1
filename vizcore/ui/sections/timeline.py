"""The parts of the page on the methods since: the summary, a work, the lists, a method that runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from vizcore import methods
from vizcore.content import papers
from vizcore.content.papers import Work
from vizcore.evaluation import compare
from vizcore.figures import tables
from vizcore.ui import blocks, cache, prose, shell
from vizcore.ui.blocks import Panel
from vizcore.ui.progress import progress_here
from vizcore.ui.view import View

words = prose.words(__file__)
FAMILY = {wording: family for family, wording in papers.FAMILIES.items()}
GROUPS = {  # families that fit on one screen
    "methods": ("gradient", "relu rule", "cam", "perturbation", "propagation", "attention"),
    "features and tools": ("feature visualization", "projection", "tool"),
    "tests and people": ("evaluation", "robustness", "bias", "user study"),
}
NAMED = [*GROUPS, "all", *FAMILY]  # what can be shown, as it stands in the address


def group_of(work: Work) -> str:
    """The group of families that a work belongs to."""
    return next(name for name, families in GROUPS.items() if work.family in families)


def shown(named: str) -> Sequence[str]:
    """The families to show: those of a group, all, or those of a family's group."""
    if named == "all":
        return tuple(papers.FAMILIES)
    return next(families for name, families in GROUPS.items() if named == name or FAMILY.get(named) in families)


def summary() -> None:
    """The lesson in three sentences, each with links to the pages that show it."""
    for column, (sentence, stems) in zip(st.columns(3, gap="large"), papers.SUMMARY, strict=True):
        with column:
            st.markdown(sentence)
            with st.container(gap=None):
                for stem in stems:
                    shell.link(stem)


def titled(method: str) -> str:
    """A method's title and its family."""
    entry = methods.METHODS[method]
    return f"{entry.title} ({papers.FAMILIES.get(entry.family, entry.family)})"


# A work.


def about(work: Work) -> None:
    """What a work is called, who wrote it, its idea and its known failure."""
    venue = f"[{work.venue}]({work.url})" if work.url else work.venue
    st.markdown(f"**{work.title}**  \n{work.authors}. {venue}")
    words.say("a work", idea=work.idea, failure=work.failure)


def where(work: Work, method: str, choose: Callable[[str], None]) -> None:
    """Where a work is to be seen: below (`method` runs there), by a button that calls `choose`, on another page."""
    st.caption(f"Family: {papers.FAMILIES[work.family]}")
    if work.method == method:
        st.caption(words.text("it runs below"))
    elif work.method in methods.METHODS:
        st.button("Run it here", icon=":material/play_arrow:", key="run_work", on_click=choose, args=(work.key,))
    elif not work.page:
        st.caption(words.text("it does not run here"))
    if work.page:
        shell.link(work.page, **dict(work.address))


# Lists.


def all_works() -> None:
    """Every work, folded."""
    several = papers.in_family(None)
    with st.expander(f"All {len(several)} works as a list", icon=":material/list:"):
        works(several, "All works")


def works(several: Sequence[Work], caption: str, idea: str = "Idea") -> None:
    """Works as a list; `caption` for those who cannot see it, `idea` the head of its third column."""
    st.html(tables.works_table(several, methods.METHODS, caption, idea))


def verdicts() -> None:
    """Which method passed which test."""
    st.html(tables.verdicts(papers.VERDICTS, papers.QUESTIONS, papers.WORKS, "What four tests found"))
    st.caption(words.text("caption: verdicts"))


# A method that runs.


def run(view: View, method: str, layer: str | None, params: Mapping[str, Any], beside: bool, opacity: float) -> None:
    """The method's picture and what it cost, with Grad-CAM `beside` it and how alike the two are."""
    entry = methods.METHODS[method]
    maps = cache.feature_maps(view, layer) if layer else None
    cost = entry.cost(view.net, params, maps) if entry.cost else None
    with progress_here():
        result = cache.attribution(view, method, layer=layer, **params)
    alt = f"{entry.title} of {view.class_name} for {view.title}"
    panels = [Panel(result, f"{entry.title}, “{view.class_name}”", alt, view.picture, opacity=opacity)]
    if result.values.ndim == 2:
        panels.append(Panel(result, f"{entry.title} alone", f"{alt}, the map alone"))
    likeness = ""
    if beside:
        old = cache.attribution(view, "grad_cam", layer=layer)
        alt = f"Grad-CAM for {view.title}"
        panels.append(Panel(old, "Grad-CAM, on its own scale", alt, view.picture, opacity=opacity))
        alike = compare.in_words(compare.likeness(result.values, old.values, view.net.input_size))
        likeness = words.text("likeness with Grad-CAM", alike=alike)
    blocks.compare(panels, share=False, columns=3, room=blocks.MAIN_ROOM)
    prose.notes(result)
    seconds = f"{result.meta['seconds']:.2g}"
    words.say("what it cost", cost=cost.sentence() if cost else "", seconds=seconds, likeness=likeness)
    work, control = papers.of_method(method), words.text("a control") if entry.family == "control" else ""
    st.caption(f"{entry.title}: {entry.paper}. {work.failure if work else control}")
