"""A picture whose cells can be clicked: a map's positions, or the tiles of a sprite."""

from collections.abc import Callable

import streamlit as st
from PIL import Image

_CSS = """
figure { margin: 0; }
.picture { position: relative; width: 100%; cursor: crosshair; line-height: 0; }
img { width: 100%; image-rendering: pixelated; border-radius: 2px; }
.mark { position: absolute; box-sizing: border-box; pointer-events: none; }
.chosen { border: 2px solid #fff; outline: 2px solid var(--st-primary-color); }
.hover { border: 1px solid #fff; outline: 1px solid #000; }
figcaption { font-size: 0.875rem; line-height: 1.5; margin-top: 0.4rem; color: var(--st-text-color);
  font-family: var(--st-font); text-align: center; min-height: 1.5em; }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name)
  const [picture, image, hover, chosen, caption] =
    ['.picture', 'img', '.hover', '.chosen', 'figcaption'].map(find)
  if (image.getAttribute('src') !== data.source) image.src = data.source
  image.alt = data.alt
  caption.textContent = data.caption
  const place = (mark, row, column) => {
    mark.hidden = row < 0
    mark.style.left = `${100 * column / data.columns}%`
    mark.style.top = `${100 * row / data.rows}%`
    mark.style.width = `${100 / data.columns}%`
    mark.style.height = `${100 / data.rows}%`
  }
  place(chosen, data.row, data.column)
  place(hover, -1, 0)
  const at = (event) => {
    const box = picture.getBoundingClientRect()
    const index = (offset, length, count) => Math.min(count - 1, Math.max(0, Math.floor(offset / length * count)))
    const row = index(event.clientY - box.top, box.height, data.rows)
    return [row, index(event.clientX - box.left, box.width, data.columns)]
  }
  picture.onmousemove = (event) => {
    const [row, column] = at(event)
    place(hover, row, column)
    const label = data.labels[row * data.columns + column]
    caption.textContent = label === undefined ? data.caption : label
  }
  picture.onmouseleave = () => { place(hover, -1, 0); caption.textContent = data.caption }
  picture.onclick = (event) => setTriggerValue('chosen', at(event))
}
"""

_HTML = (
    '<figure><div class="picture"><img><div class="mark hover" hidden></div><div class="mark chosen" hidden></div>'
    "</div><figcaption></figcaption></figure>"
)
_component = st.components.v2.component("vizcore.cells", html=_HTML, css=_CSS, js=_JS)


def cells(
    key: str,
    picture: Image.Image,
    rows: int,
    columns: int,
    chosen: tuple[int, int] | None,
    take: Callable[[int, int], None],
    *,
    labels: list[str] | None = None,
    caption: str = "",
    alt: str = "",
) -> None:
    """Draw a picture of rows x columns equal cells; `take(row, column)` is called with the one clicked.

    A convenience beside widgets that work by keyboard. Under the pointer, a cell's label replaces the caption.
    """
    from vizcore.figures import render

    def clicked() -> None:
        found = st.session_state[key].chosen
        if found and 0 <= int(found[0]) < rows and 0 <= int(found[1]) < columns:
            take(int(found[0]), int(found[1]))

    row, column = chosen or (-1, 0)
    _component(
        key=key,
        data={
            "source": render.data_uri(picture), "rows": rows, "columns": columns, "row": row, "column": column,
            "labels": labels or [], "caption": caption, "alt": alt,
        },
        on_chosen_change=clicked,
    )  # fmt: skip
