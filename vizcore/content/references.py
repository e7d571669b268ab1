"""Everything the dashboard cites: the lesson's own references, and the rest by topic, with the pages that cite each.

The records are those of papers.toml; which page cites a work is read off the lists of sources in the pages' texts.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from vizcore.content import loader, papers, questions


class Reference(NamedTuple):
    """A publication, a course or a tool.

    Attributes:
        keys: of its records; one paper may hold two methods.
        names: words by which a list of sources without a link is recognized.
        title, authors, venue, url, live: as in :class:`vizcore.content.papers.Work`.
        topic: what it is about, in words.
        place: where it stands in the timeline, a key; None if nowhere.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    title: str
    authors: str
    venue: str
    url: str | None
    live: str | None
    topic: str
    place: str | None

    def cited_in(self, source: str) -> bool:
        """Whether a line of a list of sources means this: by its address, or by its name where the line has none."""
        if "](http" in source:
            return any(address.rstrip("/") in source for address in (self.url, self.live) if address)
        return any(name.lower() in source.lower() for name in self.names)


class Given(NamedTuple):
    """A reference of the lesson: as it is given there, what it is, and what had to be put right (or nothing)."""

    given: str
    reference: Reference
    note: str


def references() -> tuple[Reference, ...]:
    """All there are, each paper once, in the order of the records."""
    found: dict[str, Reference] = {}
    for work in papers.WORKS:
        name = work.title.split(":")[0]
        if before := found.get(work.title):
            found[work.title] = before._replace(keys=(*before.keys, work.key))
        else:
            topic = papers.FAMILIES[work.family]
            found[work.title] = Reference(
                (work.key,), (name,), work.title, work.authors, work.venue, work.url, work.live, topic, work.key
            )
    for other in papers.OTHERS:
        found[other["title"]] = Reference(
            (other["key"],),
            (other["name"],),
            other["title"],
            other["authors"],
            other["venue"],
            other.get("url"),
            other.get("live"),
            other["topic"],
            None,
        )
    for author, year, title, venue, url in papers.CRITICS:
        found[title] = Reference((), (title,), title, author, f"{venue} {year}", url, None, FAILURES, None)
    return tuple(found.values())


FAILURES = "known failures"
"""The topic of what is cited for a failure only, on the timeline."""


def lesson() -> dict[int, list[Given]]:
    """The lesson's references by part, in its order."""
    by_key = {key: reference for reference in references() for key in reference.keys}
    return {
        part: [Given(line["given"], by_key[line["key"]], line.get("note", "")) for line in lines]
        for part, lines in groupby(papers.LESSON, key=lambda line: line["part"])
    }


def by_topic() -> dict[str, list[Reference]]:
    """What the lesson does not name, by topic: those of the timeline in its order, then the others; by year inside."""
    known = {given.reference for several in lesson().values() for given in several}
    rest = [reference for reference in references() if reference not in known]
    topics = dict.fromkeys([*papers.FAMILIES.values(), *(reference.topic for reference in rest)])
    found = {topic: [reference for reference in rest if reference.topic == topic] for topic in topics}
    return {topic: several for topic, several in found.items() if several}


def _sources() -> Iterator[tuple[str, str]]:
    """Every line of every list of sources, with the page it stands on."""
    for path in sorted(loader.PAGES.glob("*.md")):
        yield from ((path.stem, item.text) for item in loader.read(path).lists["Sources"])
    for path in sorted(questions.FOLDER.glob("*.md")):
        yield from (("questions", item.text) for item in loader.read(path).lists["Sources"])


def citing() -> dict[Reference, list[str]]:
    """The pages that name each reference among their sources; what is cited for a failure stands on the timeline."""
    lines = list(_sources())
    return {
        reference: list(dict.fromkeys(stem for stem, line in lines if reference.cited_in(line)))
        or ["timeline"] * (reference.topic == FAILURES)
        for reference in references()
    }


def only_on_pages() -> list[tuple[str, str]]:
    """(page, line): sources of a page that no record matches."""
    known = references()
    return [
        (stem, line)
        for stem, line in _sources()
        if not loader.VALUE.fullmatch(line) and not any(reference.cited_in(line) for reference in known)
    ]
