"""Hundreds of small pictures as one element: hover names a tile, a click or Enter chooses it.

The pictures travel as one encoded sprite; the browser cuts it and fits columns and tile size to its width.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from vizcore.figures.sprites import Layout

_CSS = """
.box { position: relative; outline-offset: 4px; border-radius: 2px; }
.box:focus-visible { outline: 2px solid var(--st-primary-color); }
canvas { display: block; cursor: pointer; }
.ring {
  position: absolute; box-sizing: content-box; pointer-events: none; display: none;
  border: 3px solid var(--st-primary-color); border-radius: 3px;
}
.ring.over { border: 2px solid var(--st-text-color); }
.label {
  position: absolute; pointer-events: none; display: none; z-index: 5; padding: 2px 8px; border-radius: 4px;
  font-family: var(--st-font); font-size: 0.85rem; white-space: nowrap; font-variant-numeric: tabular-nums;
  background: var(--st-text-color); color: var(--st-background-color);
}
.option { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

_HTML = """<div class="box" role="listbox" tabindex="0" aria-activedescendant="active">
<canvas aria-hidden="true"></canvas><div class="ring"></div><div class="ring over"></div>
<div class="label" aria-hidden="true"></div><div class="option" id="active" role="option"></div></div>"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const head = new DataView(data.buffer, data.byteOffset).getUint32(0)
  const meta = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + head)))
  const box = parentElement.querySelector('.box'), canvas = box.querySelector('canvas')
  const [chosen, over] = box.querySelectorAll('.ring')
  const label = box.querySelector('.label'), option = box.querySelector('.option')
  const count = meta.labels.length, gap = meta.gap
  let sheet = null, cell = 0, columns = 1, selected = meta.selected, active = -1, gone = false

  const place = (ring, index, width) => {
    ring.style.display = index < 0 ? 'none' : 'block'
    ring.style.left = `${(index % columns) * (cell + gap) - width}px`
    ring.style.top = `${Math.floor(index / columns) * (cell + gap) - width}px`
    ring.style.width = ring.style.height = `${cell}px`
  }
  const point = (index) => {
    active = index
    place(over, index, 2)
    label.style.display = index < 0 ? 'none' : 'block'
    if (index < 0) return
    label.textContent = meta.labels[index]
    const x = (index % columns) * (cell + gap), y = Math.floor(index / columns) * (cell + gap)
    label.style.left = `${Math.max(0, Math.min(x, box.clientWidth - label.offsetWidth))}px`
    label.style.top = `${y < 32 ? y + cell + 6 : y - 30}px`
    option.textContent = meta.labels[index]
    option.setAttribute('aria-posinset', index + 1)
    option.setAttribute('aria-setsize', count)
    option.setAttribute('aria-selected', index === selected)
  }
  const choose = (index) => {
    if (index < 0) return
    selected = index
    place(chosen, index, 3)
    setTriggerValue('chosen', index)
  }
  const draw = () => {
    const width = box.clientWidth
    if (!sheet || !width) return
    cell = meta.largest
    const fits = () => Math.max(1, Math.floor((width + gap) / (cell + gap)))
    while (cell > meta.smallest && Math.ceil(count / fits()) * (cell + gap) > meta.height) cell -= 1
    columns = Math.min(count, fits())
    const ratio = window.devicePixelRatio || 1, rows = Math.ceil(count / columns)
    const wide = columns * (cell + gap) - gap, high = rows * (cell + gap) - gap
    canvas.width = Math.round(wide * ratio); canvas.height = Math.round(high * ratio)
    canvas.style.width = `${wide}px`; canvas.style.height = `${high}px`
    const brush = canvas.getContext('2d')
    brush.imageSmoothingEnabled = meta.smooth || cell * ratio < meta.cell
    brush.imageSmoothingQuality = 'high'
    for (let i = 0; i < count; i++) {
      const left = Math.round((i % columns) * (cell + gap) * ratio)
      const top = Math.round(Math.floor(i / columns) * (cell + gap) * ratio)
      brush.drawImage(sheet, (i % meta.columns) * meta.cell, Math.floor(i / meta.columns) * meta.cell,
        meta.cell, meta.cell, left, top, Math.round(cell * ratio), Math.round(cell * ratio))
    }
    canvas.dataset.tiles = count
    canvas.dataset.drawn = meta.name
    place(chosen, selected, 3)
    point(active < count ? active : -1)
  }
  const under = (event) => {
    const frame = canvas.getBoundingClientRect()
    const column = Math.floor((event.clientX - frame.left) / (cell + gap))
    const index = Math.floor((event.clientY - frame.top) / (cell + gap)) * columns + column
    return column >= 0 && column < columns && index >= 0 && index < count ? index : -1
  }
  box.setAttribute('aria-label', meta.alt)
  canvas.onpointermove = (event) => point(under(event))
  canvas.onpointerleave = () => point(-1)
  canvas.onclick = (event) => choose(under(event))
  box.onfocus = () => { if (box.matches(':focus-visible')) point(Math.max(0, selected)) }
  box.onblur = () => point(-1)
  box.onkeydown = (event) => {
    const at = active < 0 ? Math.max(0, selected) : active
    if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choose(at); return }
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns,
      Home: 0, End: count - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    if (to >= 0 && to < count) point(to)
  }
  createImageBitmap(new Blob([data.subarray(4 + head)])).then((bitmap) => {
    if (!gone) { sheet = bitmap; draw() }
  })
  const watch = new ResizeObserver(draw)
  watch.observe(box)
  return () => { gone = true; watch.disconnect() }
}
"""

_sheet = st.components.v2.component("vizcore.tiles", html=_HTML, css=_CSS, js=_JS)


def tiles(
    sprite: bytes,
    layout: "Layout",
    labels: Sequence[str],
    key: str,
    *,
    selected: int | None = None,
    alt: str = "",
    smooth: bool = False,
    height: int = 520,
    largest: int = 128,
    smallest: int = 22,
    gap: int = 2,
    take: Callable[[int], None] | None = None,
) -> int | None:
    """Draw the tiles of a sprite; the position of the tile just chosen, or None.

    Args:
        sprite: the encoded picture. layout: its tiles, without gaps (see :func:`vizcore.figures.sprites.atlas`).
        labels: one per tile, shown where the mouse or the keyboard points.
        selected: position of the tile with a ring. alt: what the sheet shows, for those who cannot see it.
        smooth: bilinear enlargement in the browser; otherwise crisp.
        height: the tiles shrink, down to `smallest`, until they fit into so many page pixels.
        gap: page pixels between the tiles.
        take: called with the position before the page runs again: the place to set a widget's value.

    Raises:
        ValueError: not one label per tile, or a sprite with gaps.
    """
    if len(labels) != layout.count or layout.gap:
        raise ValueError(f"{len(labels)} labels and a gap of {layout.gap} for {layout.count} tiles")
    head = json.dumps(
        {
            "columns": layout.columns, "cell": layout.cell, "labels": list(labels), "alt": alt,
            "smooth": smooth, "selected": -1 if selected is None else selected, "height": height,
            "largest": largest,
            "smallest": smallest, "gap": gap, "name": f"{zlib.crc32(sprite):x}",
        }
    ).encode()  # fmt: skip

    def chosen() -> None:
        index = st.session_state[key].chosen
        if take and isinstance(index, int) and 0 <= index < layout.count:
            take(index)

    result = _sheet(key=key, data=len(head).to_bytes(4, "big") + head + sprite, on_chosen_change=chosen)
    index = result.chosen
    return index if isinstance(index, int) and 0 <= index < layout.count else None
