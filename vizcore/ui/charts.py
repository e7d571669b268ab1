"""Charts on a page: with a text for those who cannot see them, and their numbers as a table."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from vizcore.figures import charts

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FEW, TALL = 9, 380  # a table of more lines scrolls within so many page pixels


def chart(figure: "Figure", key: str, alt: str, **options: Any) -> None:
    """A chart, and under it its data, made when they are asked for.

    Args:
        alt: what it shows, for those who cannot see it.
        options: as for `st.plotly_chart`.
    """
    st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False}, **options)
    data = st.popover("Data", icon=":material/table:", type="tertiary", key=f"{key}_data", on_change="rerun")
    if not data.open:
        return
    heads, rows = charts.table(figure)
    with data:
        shown = {head: [charts.said(row[at]) for row in rows] for at, head in enumerate(heads)}
        st.table(shown, hide_index=True, height=TALL if len(rows) > FEW else "content", alt=f"The numbers of: {alt}")
        st.download_button(
            "CSV",
            as_csv(heads, rows),
            f"{key}.csv",
            "text/csv",
            key=f"{key}_csv",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
        )


def as_csv(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as comma-separated values, with a line of heads; nothing for a gap."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([heads, *rows])
    return file.getvalue()
