"""The six questions the lesson leaves open, and what is to be said about each in words: questions/1.md to 6.md.

What depends on the network, the picture or the class is not there but computed by the page.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vizcore.content import loader

COUNT = 6
FOLDER = Path(__file__).parent / "questions"


class Question(NamedTuple):
    """One question; the words are Markdown, with the terms of the glossary as HTML.

    Attributes:
        short: for a button. question: as in the lesson.
        answer: at most four sentences. notice, misleads: two points each.
        check: a question to try oneself on the figure, and its answer.
        formula: lines of LaTeX. steps: how the figure is computed. sources: papers.
        pages: stems of the pages that show more.
    """

    short: str
    question: str
    answer: str
    notice: Sequence[str]
    misleads: Sequence[str]
    check: tuple[str, str]
    formula: Sequence[str]
    steps: Sequence[str]
    sources: Sequence[str]
    pages: Sequence[str]


def question(number: int) -> Question:
    """The question of that number, from 1, as it lies on the disk now."""
    text = loader.read(FOLDER / f"{number}.md")
    empty = loader.Item("", "")
    lists = {heading: loader.fill_all(items, {}) for heading, items in text.lists.items()}
    said = {heading: loader.fill(text.parts.get(heading, empty), {}) for heading in ("Question", "Answer", "Pages")}
    asked, answered = text.exercises[0] if text.exercises else (empty, empty)
    return Question(
        text.title,
        said["Question"],
        said["Answer"],
        lists["What to notice"],
        lists["Where it misleads"],
        (loader.fill(asked, {}), loader.fill(answered, {})),
        lists["Formula"],
        lists["Steps"],
        lists["Sources"],
        [line.removeprefix("- ") for line in said["Pages"].splitlines()],
    )


def questions() -> tuple[Question, ...]:
    """All six."""
    return tuple(question(number) for number in range(1, COUNT + 1))
