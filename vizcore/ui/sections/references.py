"""The parts of the page of references: a list of the lesson, a topic, and one entry."""

from collections.abc import Mapping, Sequence

import streamlit as st

from vizcore.content import references
from vizcore.content.references import Given, Reference
from vizcore.ui import prose, shell

words = prose.words(__file__)
Cited = Mapping[Reference, Sequence[str]]


def of_the_lesson(part: int, several: Sequence[Given], cited: Cited) -> None:
    """The references of one part of the lesson: as it gives them, then the full record."""
    st.subheader(words.text("part one" if part == 1 else "part two"), anchor=False)
    for given in several:
        before = f":gray[{_plain(given.given)}]  \n"
        entry(given.reference, cited, before, f"  \n:gray[{given.note}]" if given.note else "")


def about(topic: str, several: Sequence[Reference], cited: Cited) -> None:
    """A topic, folded."""
    with st.expander(f"{topic[0].upper()}{topic[1:]} ({len(several)})"):
        if topic == references.FAILURES:
            st.caption(words.text("of known failures"))
        for reference in several:
            entry(reference, cited)


def entry(reference: Reference, cited: Cited, before: str = "", after: str = "") -> None:
    """One reference with its address, and links to the pages that cite it, or to its place on the timeline."""
    left, right = st.columns([3, 1])
    title = f"[{reference.title}]({reference.url})" if reference.url else reference.title
    live = f"  \nLive: [{reference.live.removeprefix('https://')}]({reference.live})" if reference.live else ""
    left.markdown(f"{before}{reference.authors}: {title}. {reference.venue}{live}{after}")
    with right.container(gap=None):
        for stem in in_order(cited[reference]):
            shell.link(stem)
        if reference.place and not cited[reference]:
            shell.link("timeline", words.text("on the timeline"), work=reference.place)


def in_order(stems: Sequence[str]) -> list[str]:
    """Pages in the order of the page table."""
    from dashboard import PAGES

    table = [page.stem for pages in PAGES.values() for page in pages]
    return sorted(stems, key=lambda stem: table.index(stem) if stem in table else len(table))


def as_they_stand(lines: Sequence[tuple[str, str]]) -> None:
    """Sources as their pages give them, each with a link to its page."""
    for stem, line in lines:
        left, right = st.columns([3, 1])
        left.markdown(line)
        with right:
            shell.link(stem)


def _plain(text: str) -> str:
    """An address as text: the record below it has the link."""
    return f"`{text}`" if text.startswith("https://") else text
