"""Reads the texts of the pages: Markdown files that can be edited while the dashboard runs.

A file has one `## heading` for each part of its page, in reading order, and the headings of :data:`LISTS` and
"Exercises" for what stands on every page. Two marks, neither of which clashes with LaTeX:

    {{name}}                    a value that the page passes
    [[term]], [[term|shown]]    a word of the glossary

A text can be wrong only in a test: whatever is odd in a file becomes an entry of :attr:`Text.problems`, and a mark
that nobody knows is logged and shown readably, so that no student ever meets an error for it.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from vizcore.content import glossary

PAGES = Path(__file__).parent / "pages"
LISTS = ("What to notice", "Where it misleads", "Formula", "Steps", "Sources")
VALUE = re.compile(r"\{\{([A-Za-z_]\w*)\}\}")
TERM = re.compile(r"\[\[([^\[\]|]+)(?:\|([^\[\]]+))?\]\]")
_BULLET = re.compile(r"(?:[-*]|\d+[.)])\s+")
_FORMULA = re.compile(r"(?=\S)")  # an indented line goes on with the formula before
_OWN_LINE = re.compile(r"(?:[-*>|]|\d+[.)]|#+)\s")  # these begin a line of their own in Markdown


class Item(NamedTuple):
    """A paragraph, an item of a list or a formula, with its marks; `where` is "file:line"."""

    text: str
    where: str


class Text(NamedTuple):
    """One file.

    Attributes:
        title: what stands behind "# " in the first line, if anything.
        parts: heading to what stands below it, for all headings but those of `lists` and the exercises.
        headings: heading to its own "file:line", for all headings.
        lists: the items below each heading of :data:`LISTS`; an absent heading has none.
        exercises: (question, answer) pairs.
        problems: what is wrong in the file, each with file and line.
    """

    title: str
    parts: Mapping[str, Item]
    headings: Mapping[str, str]
    lists: Mapping[str, tuple[Item, ...]]
    exercises: tuple[tuple[Item, Item], ...]
    problems: tuple[str, ...]


def page(stem: str) -> Text:
    """The text of a page as it lies on the disk now; an empty one, and a line in the log, where there is none."""
    return read(PAGES / f"{stem}.md")


def read(path: Path) -> Text:
    """The text of a file, read again whenever the file has changed."""
    try:
        state = path.stat()
        return _read(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        report(f"{path}: {error.strerror}")
        return parse("", str(path))


@lru_cache(maxsize=64)
def _read(path: Path, changed: int, size: int) -> Text:
    text = parse(path.read_text(encoding="utf-8-sig", errors="replace"), f"content/{path.parent.name}/{path.name}")
    for problem in text.problems:
        report(problem)
    return text


@lru_cache(maxsize=256)
def report(problem: str) -> None:
    """Log a problem, once."""
    logging.getLogger(__name__).warning(problem)


def parse(source: str, name: str = "text") -> Text:
    """The text of a file's content; `name` is what its problems are reported under."""
    title, problems = "", []
    headings: dict[str, str] = {}
    sections: dict[str, list[tuple[int, str]]] = {"": []}
    lines = sections[""]
    for number, line in enumerate(source.splitlines(), 1):
        if line.startswith("## "):
            heading = line[3:].strip()
            if heading in headings:
                problems.append(f"{name}:{number}: a second '## {heading}'")
            headings.setdefault(heading, f"{name}:{number}")
            lines = sections.setdefault(heading, [])
        elif number == 1 and line.startswith("# "):
            title = line[2:].strip()
        else:
            lines.append((number, line))
        if "\ufffd" in line:
            problems.append(f"{name}:{number}: a letter that is not UTF-8")
    problems += [f"{name}:{n}: text before the first '## heading'" for n, line in sections.pop("") if line.strip()]
    lists: dict[str, tuple[Item, ...]] = dict.fromkeys(LISTS, ())
    parts: dict[str, Item] = {}
    exercises: tuple[tuple[Item, Item], ...] = ()
    for heading, lines in sections.items():
        if heading == "Exercises":
            exercises = tuple(_exercises(lines, name, problems))
        elif heading in LISTS:
            begins = _FORMULA if heading == "Formula" else _BULLET
            lists[heading] = tuple(_items(lines, name, begins, problems))
        else:
            first = next((number for number, line in lines if line.strip()), None)
            where = headings[heading] if first is None else f"{name}:{first}"
            parts[heading] = Item(_paragraphs([line for _, line in lines]), where)
    return Text(title, parts, headings, lists, exercises, tuple(problems))


def _paragraphs(lines: Sequence[str]) -> str:
    """The lines as Markdown in which every paragraph is one line."""
    joined = ""
    for line in map(str.strip, lines):
        if not joined or joined.endswith("\n"):
            joined += line or "\n"
        elif line:
            joined += ("\n" if _OWN_LINE.match(line) else " ") + line
        else:
            joined += "\n\n"
    return re.sub(r"\n{3,}", "\n\n", joined).strip()


def _items(lines: Sequence[tuple[int, str]], name: str, begins: re.Pattern[str], problems: list[str]) -> list[Item]:
    """The items of a list; a line without the mark that begins one goes on with the one before."""
    found: list[Item] = []
    for number, line in lines:
        if mark := begins.match(line):
            found.append(Item(line[mark.end() :].strip(), f"{name}:{number}"))
        elif line.strip() and found:
            found[-1] = found[-1]._replace(text=f"{found[-1].text} {line.strip()}")
        elif line.strip():
            problems.append(f"{name}:{number}: an item begins with '- '")
    return found


def _exercises(lines: Sequence[tuple[int, str]], name: str, problems: list[str]) -> Iterator[tuple[Item, Item]]:
    """Questions behind "### ", each with the answer below it."""
    starts = [at for at, (_, line) in enumerate(lines) if line.startswith("### ")]
    before = lines[: starts[0]] if starts else lines
    problems += [f"{name}:{number}: a question begins with '### '" for number, line in before if line.strip()]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        number, question = lines[start]
        answer = _paragraphs([line for _, line in lines[start + 1 : end]])
        if not answer:
            problems.append(f"{name}:{number}: a question without an answer")
        yield Item(question[4:].strip(), f"{name}:{number}"), Item(answer, f"{name}:{number + 1}")


def fill(item: Item, values: Mapping[str, Any]) -> str:
    """The item with its values and its terms, as Markdown (terms as HTML). A value may itself hold terms."""

    def value(match: re.Match) -> str:
        if match[1] not in values:
            report(f"{item.where}: the page passes no value {match[0]}")
            return "…"
        found = values[match[1]]
        return "" if found is None else str(found)

    return terms(VALUE.sub(value, item.text), item.where)


def terms(text: str, where: str = "a sentence of the page") -> str:
    """The text with every [[term]] as HTML that explains it; an unknown one is shown as a plain word and logged."""

    def term(match: re.Match) -> str:
        try:
            return glossary.term(match[1], match[2])
        except KeyError:
            report(f"{where}: {match[1]!r} is not in the glossary")
            return match[2] or match[1]

    return TERM.sub(term, text)


def fill_all(items: Sequence[Item], values: Mapping[str, Any]) -> list[str]:
    """The items of a list, filled; without those that are empty.

    An item that is nothing but one {{name}} takes a whole sentence, none (an empty value), or a list of sentences.
    """
    filled: list[str] = []
    for item in items:
        alone = VALUE.fullmatch(item.text)
        several = values.get(alone[1]) if alone else None
        if isinstance(several, list | tuple):
            filled += [terms(str(one), item.where) for one in several]
        else:
            filled.append(fill(item, values))
    return [text for text in filled if text.strip()]
