"""The works of the timeline: what each does, where it was published, what it is known to get wrong.

The records lie in papers.toml. Years and venues are those of the publication cited; a preprint that came earlier is
named beside it.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Work(NamedTuple):
    """One publication.

    Attributes:
        key: its name in an address. name: a label of at most 22 characters. title, authors: as published.
        year: of the first publication named in `venue`, which contains it. venue: where it appeared.
        idea: what it does, at most 140 characters. failure: its known failure or limit, and who showed it.
        url: arXiv, DOI or the publisher's page; None where we are not sure of one.
        live: a page to try it out or to read it on the web, where there is one.
        family: a key of :data:`FAMILIES`.
        method: its name in the registry of methods where it runs here, else None.
        page: the page of the dashboard that shows it, else None. address: settings of that page.
    """

    key: str
    name: str
    title: str
    authors: str
    year: int
    venue: str
    idea: str
    failure: str
    url: str | None
    family: str
    method: str | None = None
    page: str | None = None
    live: str | None = None
    address: tuple[tuple[str, str], ...] = ()


def _works(records: Sequence[dict[str, Any]]) -> tuple[Work, ...]:
    return tuple(Work(**record | {"address": tuple(record.get("address", {}).items())}) for record in records)


_DATA = tomllib.loads(Path(__file__).with_name("papers.toml").read_text(encoding="utf-8"))

FAMILIES: dict[str, str] = _DATA["families"]
"""The key in the records, and the words people read."""

WORKS = _works(_DATA["works"])

CRITICS: tuple[tuple[str, int, str, str, str], ...] = tuple(
    (critic["author"], critic["year"], critic["title"], critic["venue"], critic["url"]) for critic in _DATA["critics"]
)
"""Cited for a failure, and not a work of the timeline: first author, year, title, venue, address."""

OTHERS: tuple[dict[str, str], ...] = tuple(_DATA["others"])
"""Cited on pages, and not works of the timeline."""

LESSON: tuple[dict[str, Any], ...] = tuple(_DATA["lesson"])
"""The lesson's own references: part, as given, and the key of the work or other source that is meant."""

SUMMARY: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
    (line["sentence"], tuple(line["pages"])) for line in _DATA["summary"]
)
"""The lesson's summary, and the pages that show each sentence."""

VERDICTS: dict[str, dict[str, bool]] = _DATA["verdicts"]
"""What the tests found: test, then method, then whether it passed. What is missing is not said here."""

QUESTIONS: dict[str, str] = _DATA["questions"]
"""What each of these tests asks."""


def find(key: str) -> Work:
    """The work of that key.

    Raises:
        ValueError: no such work.
    """
    for work in WORKS:
        if work.key == key:
            return work
    raise ValueError(f"The timeline has no work called '{key}'.")


def of_method(method: str) -> Work | None:
    """The work that a registered method comes from; None for a control."""
    return next((work for work in WORKS if work.method == method), None)


def in_family(family: str | None) -> Sequence[Work]:
    """The works of a family, or all, by year and then in the order of the list."""
    return sorted((work for work in WORKS if family in (None, work.family)), key=lambda work: work.year)


def sources() -> list[str]:
    """The works that are cited for a failure only, as Markdown."""
    return [f"{author} {year}: [{title}]({url}) ({venue} {year})" for author, year, title, venue, url in CRITICS]
