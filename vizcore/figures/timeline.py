"""The timeline as HTML that follows the page's theme: works by year and family, a list, a grid of verdicts."""

import html
from collections.abc import Collection, Sequence
from typing import NamedTuple

from vizcore.content.papers import FAMILIES, Work
from vizcore.figures.tables import short

EARLY = 2013  # all before it share the first column
COLUMN, ROW, PAD, HEAD = 58, 23, 7, 30  # smallest width of a year, and heights, in pixels
LETTER, DOT = 6.5, 17  # the widest a letter gets on average, and the room for the dot and a gap


class Place(NamedTuple):
    """Where a work stands: the column of its year, its row within the lane."""

    work: Work
    column: int
    row: int


def columns(works: Sequence[Work]) -> list[str]:
    """The heads of the columns: the early years in one, then every year up to the last."""
    years = [work.year for work in works]
    early = sorted({year for year in years if year < EARLY})
    head = [f"{early[0]}" if len(early) == 1 else f"before {EARLY}"] if early else []
    return head + [str(year) for year in range(EARLY, max(years) + 1)]


def width(work: Work) -> float:
    """Pixels a label takes at most, its dot and a gap included."""
    return DOT + LETTER * len(work.name)


def lanes(works: Sequence[Work]) -> dict[str, list[Place]]:
    """Every family's works with a place each, so that no two labels of a lane overlap.

    A label begins at its year and may run on over the next ones; the first row with room there takes it.
    """
    early = int(any(work.year < EARLY for work in works))
    found: dict[str, list[Place]] = {}
    for family in FAMILIES:
        ends: list[float] = []
        for work in sorted((w for w in works if w.family == family), key=lambda w: w.year):
            column = max(0, work.year - EARLY + early)
            start = column * COLUMN
            row = next((row for row, end in enumerate(ends) if end <= start), len(ends))
            ends[row:] = [start + width(work), *ends[row + 1 :]]
            found.setdefault(family, []).append(Place(work, column, row))
    return found


def chart(works: Sequence[Work], runs: Collection[str], family: str | None = None, chosen: str | None = None) -> str:
    """The figure: one lane per family, one button per work (`data-key`), filled where the work runs here.

    Args:
        runs: names of the methods that run here. family: the others are dimmed. chosen: key of the work marked.
    """
    heads, places = columns(works), lanes(works)
    wide = len(heads) + 0.4  # the labels of the last year need a little more than their column
    share, top = 100 / wide, HEAD
    names, field = [], []
    for index, head in enumerate(heads):
        gap = " early" if index == 0 and int(head.split()[-1]) < EARLY else ""
        field.append(f'<div class="year{gap}" style="left:{share * index:.3f}%;width:{share:.3f}%">{head}</div>')
    for number, (key, lane) in enumerate(places.items()):
        tall = (1 + max(place.row for place in lane)) * ROW + 2 * PAD
        dim = " dim" if family not in (None, key) else ""
        names.append(f'<div class="family{dim}" style="top:{top}px;height:{tall}px">{html.escape(FAMILIES[key])}</div>')
        field.append(f'<div class="lane{" even" if number % 2 else ""}" style="top:{top}px;height:{tall}px"></div>')
        for work, column, row in lane:
            marked = "chosen" if work.key == chosen else dim.strip()
            classes = ("work", "runs" * (work.method in runs), marked)
            where = f"left:calc({share * column:.3f}% + 4px);top:{top + PAD + row * ROW}px"
            spoken = f"{work.name}, {work.venue}" + (", runs here" if work.method in runs else "")
            field.append(
                f'<button type="button" tabindex="-1" class="{" ".join(filter(None, classes))}" style="{where}" '
                f'data-key="{work.key}" aria-pressed="{str(work.key == chosen).lower()}" '
                f'aria-label="{html.escape(spoken)}"><i></i>{html.escape(work.name)}</button>'
            )
        top += tall
    return (
        f'<div class="names" style="height:{top}px">{"".join(names)}</div><div class="field" '
        f'style="height:{top}px;min-width:{COLUMN * wide:.0f}px">{"".join(field)}</div>'
    )


def tips(works: Sequence[Work]) -> dict[str, list[str]]:
    """What the pointer shows at each work, by key: the name, who and where, and the idea."""
    return {work.key: [work.name, f"{short(work.authors)}, {work.venue}", work.idea] for work in works}
