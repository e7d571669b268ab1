"""Small figures about the layers of a network, as HTML that follows the page's theme."""

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Column(NamedTuple):
    """One bar: its height from 0 to 1, its label, whether it is chosen, and a stronger part of it."""

    height: float
    label: str
    chosen: bool = False
    part: float = 0.0


def columns(bars: Sequence[Column], title: str, top: str, ends: tuple[str, str]) -> str:
    """Upright bars, one per layer, from the input (left) to the output; pointing at one names it.

    Args:
        title: what is drawn, also for those who cannot see it. top: what a full-height bar means.
        ends: the words below the first and the last bar.
    """
    drawn = "".join(
        f'<li title="{html.escape(bar.label)}"{" class=on" if bar.chosen else ""}>'
        f'<i style="height:{100 * bar.height:.1f}%">'
        f'<b style="height:{100 * bar.part / (bar.height or 1):.1f}%"></b></i></li>'
        for bar in bars
    )
    left, right = map(html.escape, ends)
    spoken = html.escape(f"{title}: {'; '.join(bar.label for bar in bars)}")
    return (
        f'<figure class="viz-columns"><figcaption>{html.escape(title)}</figcaption>'
        f'<div class="top">{html.escape(top)}</div>'
        f'<ol role="img" aria-label="{spoken}">'
        f'{drawn}</ol><div class="ends"><span>{left}</span><span>{right}</span></div></figure>'
    )


def bars(names: Sequence[str], shares: Sequence[float], chosen: int | None = None) -> str:
    """Lying bars with percentages, one line each, in the look of the sidebar."""
    lines = "".join(
        f"<li{' aria-current=true' if index == chosen else ''}><span>{html.escape(name)}</span>"
        f'<b>{percent(share)}</b><i style="width:{100 * share:.1f}%"></i></li>'
        for index, (name, share) in enumerate(zip(names, shares, strict=True))
    )
    return f'<ol class="viz-bars" aria-label="Probabilities">{lines}</ol>'


def percent(share: float) -> str:
    """Three significant digits at most."""
    return "&lt; 0.01 %" if share < 1e-4 else f"{100 * share:.3g} %"


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
