"""The timeline as HTML that follows the page's theme: works by year and family, a list, a grid of verdicts."""

import html
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from vizcore.literature import FAMILIES, Work, of_method

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


def short(authors: str) -> str:
    """The first author, and whether there are more: as in a citation."""
    names = authors.replace(" & ", ", ").split(", ")
    return authors if len(names) < 3 else f"{names[0]} et al."


def table(works: Sequence[Work], runs: Collection[str], caption: str, idea: str = "Idea") -> str:
    """The works as a list: year, name, idea, known failure, venue with its link, and whether it runs here.

    Args:
        caption: for those who cannot see it. idea: the head of the third column.
    """
    rows = "".join(
        f"<tr><td>{work.year}</td><th scope=row>{html.escape(work.name)}"
        f"{'<small>runs here</small>' if work.method in runs else ''}</th><td>{html.escape(work.idea)}</td>"
        f"<td>{html.escape(work.failure)}</td><td>{venue(work)}</td></tr>"
        for work in works
    )
    titles = ("Year", "Work", html.escape(idea), "Known failure or limit", "Where")
    heads = "".join(f"<th scope=col>{title}</th>" for title in titles)
    return (
        f"{_STYLE}<div class='viz-works list' tabindex=0 role=region aria-label='{html.escape(caption)}'><table>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def venue(work: Work) -> str:
    """The venue, as a link where there is an address."""
    text = html.escape(work.venue)
    return f'<a href="{html.escape(work.url)}" target=_blank rel=noopener>{text}</a>' if work.url else text


def verdicts(
    found: Mapping[str, Mapping[str, bool]], questions: Mapping[str, str], works: Sequence[Work], caption: str
) -> str:
    """A grid: which method passed which test, in words and by mark; empty where the test does not say.

    Args:
        found: test, then method or work, then whether it passed. questions: what each test asks.
    """
    by_key = {work.key: work for work in works}
    methods = list(dict.fromkeys(method for results in found.values() for method in results))
    methods.sort(key=lambda method: (sum(not results.get(method, True) for results in found.values()), method))
    titles = [by_key[m] if m in by_key else of_method(m) for m in methods]
    heads = "".join(f"<th scope=col>{html.escape(work.name)}</th>" for work in titles)

    def cell(passed: bool | None) -> str:
        if passed is None:
            return "<td class=none>–</td>"
        return f"<td class={'passed' if passed else 'failed'}>{'✓ yes' if passed else '✗ no'}</td>"

    rows = "".join(
        f"<tr><th scope=row>{html.escape(questions[test])}<small>{html.escape(short(by_key[test].authors))} "
        f"{by_key[test].year}</small></th>{''.join(cell(results.get(method)) for method in methods)}</tr>"
        for test, results in found.items()
    )
    return (
        f"{_STYLE}<div class='viz-works verdicts' tabindex=0 role=region aria-label='{html.escape(caption)}'><table>"
        f"<thead><tr><th scope=col>The test asks</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


_STYLE = """<style>
.viz-works { overflow-x: auto; }
.viz-works table { border-collapse: collapse; width: 100%; font-size: 0.9rem; line-height: 1.4; }
.viz-works :is(th, td) {
  text-align: left; vertical-align: top; padding: 0.45rem 0.9rem 0.45rem 0; min-width: 3rem;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); font-weight: 400;
}
.viz-works thead th { font-size: 0.8rem; opacity: 0.75; }
.viz-works tbody th { font-weight: 600; white-space: nowrap; }
.viz-works small { display: block; font-weight: 400; font-size: 0.75rem; color: var(--st-link-color, inherit); }
.list td:nth-child(3), .list td:nth-child(4) { min-width: 15rem; }
.list td:last-child { min-width: 8rem; }
.viz-works a { color: inherit; text-underline-offset: 0.2em; }
.verdicts table { table-layout: fixed; min-width: 58rem; }
.verdicts :is(th, td) { overflow-wrap: break-word; }
.verdicts thead th:first-child { width: 15rem; }
.verdicts :is(th, td):not(:first-child) { padding-right: 0.2rem; }
.verdicts tbody th { white-space: normal; font-weight: 400; }
.verdicts td.passed { background: color-mix(in srgb, #2a8fae 24%, transparent); }
.verdicts td.failed { background: color-mix(in srgb, #c8673c 26%, transparent); }
.verdicts td { padding-left: 0.5rem; border-left: 2px solid transparent; background-clip: padding-box; }
.verdicts thead th:not(:first-child) { padding-left: 0.5rem; }
.verdicts small { color: inherit; opacity: 0.75; }
</style>"""
