"""A grid of thumbnails that works as one radio group: arrow keys move, Enter and a click choose.

A convenience beside the select box, which holds the truth.
"""

import base64
import io
from collections.abc import Callable, Sequence

import streamlit as st
from PIL import Image, ImageOps

CELL, COLUMNS = 72, 6

_CSS = """
[role=radiogroup] {
  display: grid; grid-template-columns: repeat(auto-fill, 64px); gap: 6px;
  width: min(414px, 80vw); padding: 4px;
}
button {
  width: 64px; height: 64px; padding: 0; border: 0; border-radius: 6px; cursor: pointer;
  background-repeat: no-repeat; outline-offset: 2px;
}
button:hover { filter: brightness(1.1); }
button:focus-visible { outline: 2px solid var(--st-text-color); }
button[aria-checked=true] { outline: 3px solid var(--st-primary-color); }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const group = parentElement.querySelector('[role=radiogroup]')
  const rows = Math.ceil(data.ids.length / data.columns)
  group.setAttribute('aria-label', data.label)
  if (group.dataset.ids !== data.ids.join()) {
    group.dataset.ids = data.ids.join()
    group.replaceChildren(...data.ids.map((id, index) => {
      const button = document.createElement('button')
      button.type = 'button'
      button.title = data.titles[index]
      button.setAttribute('role', 'radio')
      button.setAttribute('aria-label', data.titles[index])
      button.style.backgroundImage = `url(${data.sprite})`
      button.style.backgroundSize = `${64 * data.columns}px ${64 * rows}px`
      button.style.backgroundPosition =
        `${-64 * (index % data.columns)}px ${-64 * Math.floor(index / data.columns)}px`
      button.onclick = () => setTriggerValue('chosen', id)
      return button
    }))
  }
  const stop = Math.max(0, data.ids.indexOf(data.selected))
  ;[...group.children].forEach((button, index) => {
    button.setAttribute('aria-checked', data.ids[index] === data.selected)
    button.tabIndex = index === stop ? 0 : -1
  })
  group.onkeydown = (event) => {
    const buttons = [...group.children]
    const across = Math.max(1, Math.round(group.clientWidth / 70))
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key]
    const at = buttons.indexOf(event.target)
    if (!step || at < 0) return
    event.preventDefault()
    const next = buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]
    buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1 })
    next.focus()
  }
}
"""

_grid = st.components.v2.component("vizcore.picker", html='<div role="radiogroup"></div>', css=_CSS, js=_JS)


@st.cache_data(max_entries=4, show_spinner=False)
def _sprite(kind: str) -> str:
    """All thumbnails of a kind as one JPEG, as a data address."""
    from vizcore.images import gallery

    assets = gallery.records(kind)
    sheet = Image.new("RGB", (COLUMNS * CELL, -(-len(assets) // COLUMNS) * CELL))
    for index, asset in enumerate(assets):
        thumbnail = ImageOps.fit(gallery.open_image(asset), (CELL, CELL))
        sheet.paste(thumbnail, (index % COLUMNS * CELL, index // COLUMNS * CELL))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def thumbnails(
    key: str, ids: Sequence[str], titles: Sequence[str], selected: str, take: Callable[[str], None]
) -> None:
    """Draw the grid of the gallery; `take(id)` is called with the picture chosen."""

    def chosen() -> None:
        if st.session_state[key].chosen in ids:
            take(st.session_state[key].chosen)

    _grid(
        key=key,
        data={
            "sprite": _sprite("gallery"), "columns": COLUMNS, "ids": list(ids), "titles": list(titles),
            "selected": selected, "label": "Pictures",
        },
        on_chosen_change=chosen,
    )  # fmt: skip
