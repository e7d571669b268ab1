"""The timeline as HTML that follows the page's theme: works by year and family, a list, a grid of verdicts."""

import html
from collections.abc import Collection, Sequence
from typing import NamedTuple

from vizcore.content.papers import FAMILIES, Work
from vizcore.figures.tables import short

EARLY = 2013  # all before it share the first column
COLUMNS = (40, 46, 58)  # smallest widths of a year, in pixels: for a phone, a projector, a wide window
NAMES = (92, 118, 118)  # and of the families' names
ROW, PAD, HEAD = 21, 5, 28  # heights, in pixels
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


def lanes(works: Sequence[Work], column: int = COLUMNS[-1]) -> dict[str, list[Place]]:
    """Every family's works with a place each, so that no two labels of a lane overlap where a year is `column` wide.

    A label begins at its year and may run on over the next ones; the first row with room there takes it.
    """
    early = int(any(work.year < EARLY for work in works))
    found: dict[str, list[Place]] = {}
    for family in FAMILIES:
        ends: list[float] = []
        for work in sorted((w for w in works if w.family == family), key=lambda w: w.year):
            year = max(0, work.year - EARLY + early)
            start = year * column
            row = next((row for row, end in enumerate(ends) if end <= start), len(ends))
            ends[row:] = [start + width(work), *ends[row + 1 :]]
            found.setdefault(family, []).append(Place(work, year, row))
    return found


def charts(
    works: Sequence[Work], runs: Collection[str], family: str | None = None, chosen: str | None = None
) -> list[tuple[int, str]]:
    """The figure laid out for each of `COLUMNS`, each with the width in pixels that it needs, narrowest first.

    Args:
        runs: names of the methods that run here. family: the others are dimmed. chosen: key of the work marked.
    """
    return [chart(works, runs, family, chosen, column) for column in COLUMNS]


def chart(
    works: Sequence[Work],
    runs: Collection[str],
    family: str | None = None,
    chosen: str | None = None,
    column: int = COLUMNS[-1],
) -> tuple[int, str]:
    """The width it needs and its HTML: one lane per family, one button per work (`data-key`), filled where it runs
    here; arguments as for :func:`charts`, and the smallest width of a year.
    """
    heads, places = columns(works), lanes(works, column)
    ends = (place.column * column + width(place.work) for lane in places.values() for place in lane)
    tail = max(0, round(max(ends) - len(heads) * column))  # what the last years' labels need beyond their columns
    beside = NAMES[COLUMNS.index(column)]
    top, names, field = HEAD, [], []

    def left(year: int) -> str:
        return f"left:calc((100% - {tail}px) * {year / len(heads):.5f}"

    for index, head in enumerate(heads):
        gap = " early" if index == 0 and int(head.split()[-1]) < EARLY else ""
        wide = f"width:calc((100% - {tail}px) / {len(heads)})"
        field.append(f'<div class="year{gap}" style="{left(index)});{wide}">{head}</div>')
    for number, (key, lane) in enumerate(places.items()):
        tall = (1 + max(place.row for place in lane)) * ROW + 2 * PAD
        dim = " dim" if family not in (None, key) else ""
        names.append(f'<div class="family{dim}" style="top:{top}px;height:{tall}px">{html.escape(FAMILIES[key])}</div>')
        field.append(f'<div class="lane{" even" if number % 2 else ""}" style="top:{top}px;height:{tall}px"></div>')
        for work, year, row in lane:
            marked = "chosen" if work.key == chosen else dim.strip()
            classes = ("work", "runs" * (work.method in runs), marked)
            where = f"{left(year)} + 4px);top:{top + PAD + row * ROW}px"
            spoken = f"{work.name}, {work.venue}" + (", runs here" if work.method in runs else "")
            field.append(
                f'<button type="button" tabindex="-1" class="{" ".join(filter(None, classes))}" style="{where}" '
                f'data-key="{work.key}" aria-pressed="{str(work.key == chosen).lower()}" '
                f'aria-label="{html.escape(spoken)}"><i></i>{html.escape(work.name)}</button>'
            )
        top += tall
    inner = column * len(heads) + tail
    return beside + inner, (
        f'<div class="names" style="height:{top}px;flex-basis:{beside}px">{"".join(names)}</div><div class="field" '
        f'style="height:{top}px;min-width:{inner}px">{"".join(field)}</div>'
    )


def tips(works: Sequence[Work]) -> dict[str, list[str]]:
    """What the pointer shows at each work, by key: the name, who and where, and the idea."""
    return {work.key: [work.name, f"{short(work.authors)}, {work.venue}", work.idea] for work in works}
