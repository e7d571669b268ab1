"""Tables of numbers and of works, as HTML."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from vizcore.content.papers import Work, of_method
from vizcore.figures.render import signed

if TYPE_CHECKING:
    from vizcore.inspection.relu_step import Step


def number_grid(values: ArrayLike, title: str, dropped: ArrayLike | None = None, mask: bool = False) -> str:
    """A grid of numbers as HTML.

    Args:
        values: (n, n).
        dropped: (n, n), true where the number goes no further: it is struck through.
        mask: draw ones as filled cells and zeros as empty ones.
    """
    struck = None if dropped is None else np.asarray(dropped)
    rows = []
    for r, row in enumerate(np.asarray(values).tolist()):
        cells = []
        for c, value in enumerate(row):
            text = f"{value:g}".replace("-", "−")
            if struck is not None and struck[r, c]:
                cells.append(f'<td class="out"><s>{text}</s></td>')
            else:
                kind = "on" if mask and value else "zero" if value == 0 else ""
                cells.append(f'<td class="{kind}">{text}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><caption>{title}</caption><tbody>{''.join(rows)}</tbody></table>"


def relu_stage(step: Step, stage: str) -> str:
    """HTML of one stage, "forward" or a rule: what goes in, the masks, what comes out."""
    if stage == "forward":
        parts = [number_grid(step.f, "Input f", step.out != step.f), "→", number_grid(step.out, "Output, ReLU(f)")]
        return f'<div class="viz-grid">{"".join(map(_sign, parts))}</div>'
    masks = {
        "backprop": [("f let it through", step.open)],
        "deconvnet": [("R &gt; 0", step.positive)],
        "guided": [("f let it through", step.open), ("R &gt; 0", step.positive)],
    }[stage]
    keep = np.prod([np.asarray(mask) for _, mask in masks], axis=0)
    parts = [number_grid(step.gradient, "Arriving gradient R", keep == 0)]
    for title, mask in masks:
        parts += ["×", number_grid(mask, title, mask=True)]
    parts += ["=", number_grid(step.back[stage], "Sent on")]
    return f'<div class="viz-grid">{"".join(map(_sign, parts))}</div>'


def _sign(part: str) -> str:
    return part if part.startswith("<") else f'<span class="sign">{part}</span>'


def relu_row(step: Step) -> str:
    """HTML table of (1, n) numbers: forward, the arriving gradient, and what each rule sends on."""
    rows = [
        ("Forward: input f", step.f, None),
        ("ReLU(f)", step.out, step.open),
        ("Backward: R arrives", step.gradient, None),
        ("Backprop: f > 0", step.back["backprop"], step.open),
        ("Deconvnet: R > 0", step.back["deconvnet"], step.positive),
        ("Guided: both", step.back["guided"], step.open * step.positive),
    ]
    lines = []
    for number, (title, values, kept) in enumerate(rows):
        marks = [1.0] * values.shape[1] if kept is None else kept[0].tolist()
        cells = "".join(
            f'<td class="{("on" if kept is not None else "") if mark else "out"}">{signed(value + 0.0)}</td>'
            for value, mark in zip(values[0].tolist(), marks, strict=True)
        )
        space = "padding-top:0.6rem;" if number == 2 else ""
        head = f'<th scope="row" style="{space}text-align:left;font-weight:400;padding-right:1rem;white-space:nowrap">'
        lines.append(f"<tr>{head}{html.escape(title)}</th>{cells}</tr>")
    return f'<div class="viz-grid" style="overflow-x:auto"><table><tbody>{"".join(lines)}</tbody></table></div>'


def papers_table(works: Sequence[Work], runs: Collection[str]) -> str:
    """HTML: year, method with its link, venue, what it does and its known failure, newest first.

    Args:
        runs: the works' keys that run here; they are marked.
    """
    cell = 'style="padding:0.45rem 0.9rem 0.45rem 0;vertical-align:top;{}"'
    wide, narrow = cell.format(""), cell.format("white-space:nowrap")
    heads = ("Year", "Method", "Published", "What it does", "Known failure")
    tag = (
        "display:inline-block;margin-left:0.4rem;padding:0 0.4rem;border-radius:0.6rem;"
        "background:color-mix(in srgb,var(--st-primary-color,#3d93ae) 28%,transparent)"
    )
    rows = [
        "".join(f'<th scope="col" {narrow.replace("vertical-align:top", "text-align:left")}>{h}</th>' for h in heads)
    ]
    for work in sorted(works, key=lambda work: -work.year):
        name = html.escape(work.name)
        if work.url:
            name = f'<a href="{work.url}" target="_blank" rel="noopener" style="color:inherit">{name}</a>'
        mark = f' <span style="{tag}">runs here</span>' if work.key in runs else ""
        rows.append(
            f"<td {narrow}>{work.year}</td><td {narrow}><b>{name}</b><br><small>{html.escape(short(work.authors))}"
            f"{mark}</small></td><td {wide}>{html.escape(work.venue)}</td><td {wide}>{html.escape(work.idea)}</td>"
            f"<td {wide}>{html.escape(work.failure)}</td>"
        )
    line = "border-top:1px solid color-mix(in srgb,currentColor 18%,transparent)"
    body = "".join(f'<tr style="{line if n else ""}">{row}</tr>' for n, row in enumerate(rows))
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:0.9rem;line-height:1.4;'
        f'min-width:46rem">{body}</table></div>'
    )


def kernel_tables(sheets: np.ndarray, names: Sequence[str]) -> str:
    """The numbers of a kernel (C, kh, kw), one table per sheet, each number on its grey, 0 to 255."""
    low, span = float(sheets.min()), float(np.ptp(sheets)) or 1.0

    def cell(value: float) -> str:
        grey = round(255 * (value - low) / span)
        ink = "#000" if grey > 127 else "#fff"
        return f'<td style="background:rgb({grey},{grey},{grey});color:{ink}">{value:.2f}</td>'

    tables = "".join(
        f"<table><caption>{html.escape(name)}</caption>"
        + "".join(f"<tr>{''.join(cell(float(value)) for value in row)}</tr>" for row in sheet)
        + "</table>"
        for sheet, name in zip(sheets, names, strict=True)
    )
    return f'<div class="viz-kernel">{tables}</div>'


def short(authors: str) -> str:
    """The first author, and whether there are more: as in a citation."""
    names = authors.replace(" & ", ", ").split(", ")
    return authors if len(names) < 3 else f"{names[0]} et al."


def works_table(works: Sequence[Work], runs: Collection[str], caption: str, idea: str = "Idea") -> str:
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
    """A grid, a line for each method and a column for each test: which passed, in words and by mark; empty where the
    test does not say. On a narrow screen it scrolls beside the methods' names.

    Args:
        found: test, then method or work, then whether it passed. questions: what each test asks.
    """
    by_key = {work.key: work for work in works}
    methods = list(dict.fromkeys(method for results in found.values() for method in results))
    methods.sort(key=lambda method: (sum(not results.get(method, True) for results in found.values()), method))

    def name(method: str) -> str:
        work = by_key.get(method) or of_method(method)
        assert work is not None, method
        return html.escape(work.name)

    def cell(passed: bool | None) -> str:
        if passed is None:
            return "<td class=none>–</td>"
        return f"<td class={'passed' if passed else 'failed'}>{'✓ yes' if passed else '✗ no'}</td>"

    heads = "".join(
        f"<th scope=col>{html.escape(questions[test])}<small>{html.escape(short(by_key[test].authors))} "
        f"{by_key[test].year}</small></th>"
        for test in found
    )
    rows = "".join(
        f"<tr><th scope=row>{name(method)}</th>{''.join(cell(results.get(method)) for results in found.values())}</tr>"
        for method in methods
    )
    return (
        f"{_STYLE}<div class='viz-works verdicts' tabindex=0 role=region aria-label='{html.escape(caption)}'><table>"
        f"<thead><tr><th scope=col>Method</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
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
.verdicts table { table-layout: fixed; min-width: 32rem; }
.verdicts :is(th, td):not(:first-child) { padding: 0.35rem 0.5rem; border-left: 2px solid transparent; }
.verdicts thead th:first-child { width: clamp(6.5rem, 28vw, 9.5rem); }
.verdicts thead th:not(:first-child) { font-size: 0.9rem; opacity: 1; }
.verdicts tbody th { white-space: normal; padding: 0.35rem 0.5rem 0.35rem 0; }
.verdicts td.passed { background: color-mix(in srgb, #2a8fae 24%, transparent); background-clip: padding-box; }
.verdicts td.failed { background: color-mix(in srgb, #c8673c 26%, transparent); background-clip: padding-box; }
.verdicts small { color: inherit; opacity: 0.75; }
/* Where it scrolls: the first column stays, and the edge with more beyond it fades. */
.verdicts :is(th, td):first-child {
  position: sticky; left: 0; z-index: 1; background: light-dark(#ffffff, #14181a); opacity: 1;
}
.viz-works { scrollbar-width: thin; animation: viz-fade linear; animation-timeline: scroll(self inline); }
@keyframes viz-fade {
  from, 90% { mask-image: linear-gradient(to left, transparent, #000 2.5rem); }
  to { mask-image: linear-gradient(to left, #000, #000 2.5rem); }
}
</style>"""
