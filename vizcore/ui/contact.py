"""Contact sheets in the browser: groups of tiles in two halves, the patches and the same drawn back.

Under the pointer a tile and its partner in the other half are framed and named; a click on a group chooses it.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

_CSS = """
.sheet { font-family: var(--st-font); color: var(--st-text-color); position: relative; }
.group {
  all: unset; box-sizing: border-box; cursor: pointer; display: block; padding: 5px 8px; border-radius: 6px;
  border: 2px solid transparent;
}
.group:hover { background: var(--st-secondary-background-color); }
.group:focus-visible { outline: 2px solid var(--st-primary-color); }
.group[aria-pressed=true] { border-color: var(--st-primary-color); }
.head { display: block; font-size: 0.875rem; line-height: 1.35; padding-bottom: 3px; }
.head b { font-weight: 600; }
.head span { opacity: 0.8; font-variant-numeric: tabular-nums; }
.halves { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
.half { position: relative; line-height: 0; }
.half canvas { width: 100%; border-radius: 2px; }
.frame {
  position: absolute; box-sizing: border-box; pointer-events: none; border: 2px solid #fff;
  outline: 2px solid var(--st-primary-color); display: none;
}
.titles { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; padding: 0 10px; font-size: 0.875rem; }
.rows .titles { padding-left: 132px; }
.rows .group { display: grid; grid-template-columns: 112px 1fr; gap: 10px; align-items: center; }
.rows .head b { display: block; font-size: 1.05rem; }
.rows .head span { display: block; }
.units .groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 8px; }
.units .titles { display: none; }
.label {
  position: absolute; pointer-events: none; display: none; z-index: 5; padding: 2px 8px; border-radius: 4px;
  font-size: 0.85rem; white-space: nowrap; font-variant-numeric: tabular-nums;
  background: var(--st-text-color); color: var(--st-background-color);
}
@media (max-width: 760px) {
  .rows .titles { padding-left: 10px; }
  .rows .group { grid-template-columns: 1fr; gap: 2px; }
  .rows .head :is(b, span) { display: inline; }
}
"""

_HTML = """<div class="sheet"><div class="titles"></div><div class="groups" role="group"></div>
<div class="label" aria-hidden="true"></div></div>"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const size = new DataView(data.buffer, data.byteOffset).getUint32(0)
  const meta = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)))
  const sheet = parentElement.querySelector('.sheet'), label = sheet.querySelector('.label')
  const titles = sheet.querySelector('.titles'), place = sheet.querySelector('.groups')
  const make = (kind, name, inside, text) => {
    const node = document.createElement(kind)
    if (name) node.className = name
    if (text !== undefined) node.textContent = text
    inside.append(node)
    return node
  }
  sheet.className = `sheet ${meta.mode}`
  place.setAttribute('aria-label', meta.alt)
  titles.replaceChildren()
  for (const title of meta.titles) make('span', '', titles, title)
  const drawn = sheet.dataset.drawn === meta.name
  if (!drawn) place.replaceChildren()
  let start = 4 + size
  const images = meta.sizes.map((bytes) => {
    const part = data.subarray(start, start + bytes)
    start += bytes
    return drawn ? null : createImageBitmap(new Blob([part]))
  })
  const waiting = []
  meta.groups.forEach((group, number) => {
    const box = drawn ? place.children[number] : make('button', 'group', place)
    box.type = 'button'
    box.setAttribute('aria-pressed', group.on)
    box.setAttribute('aria-label', `${group.name}: ${group.text}. ${group.labels.join('; ')}`)
    box.onclick = () => setTriggerValue('chosen', number)
    if (drawn) return
    const head = make('span', 'head', box)
    make('b', '', head, group.name)
    head.append(' ')
    make('span', '', head, group.text)
    const halves = make('span', 'halves', box), count = group.labels.length
    const rows = Math.ceil(count / group.columns)
    const pair = [0, 1].map((half) => {
      const cover = make('span', 'half', halves), canvas = make('canvas', '', cover)
      const step = group.cell + group.gap
      canvas.width = group.columns * step - group.gap
      canvas.height = rows * step - group.gap
      waiting.push(images[group.image].then((bitmap) => {
        const brush = canvas.getContext('2d')
        for (let i = 0; i < count; i++) {
          const column = i % group.columns, row = Math.floor(i / group.columns)
          brush.drawImage(bitmap, (half * group.columns + column) * group.cell, (group.top + row) * group.cell,
            group.cell, group.cell, column * step, row * step, group.cell, group.cell)
        }
      }))
      return { cover, canvas, frame: make('span', 'frame', cover) }
    })
    const point = (event) => {
      const inside = event.currentTarget.getBoundingClientRect()
      const column = Math.floor((event.clientX - inside.left) / inside.width * group.columns)
      const row = Math.floor((event.clientY - inside.top) / inside.height * rows)
      const index = row * group.columns + column
      const found = column >= 0 && column < group.columns && row >= 0 && index < count
      for (const { canvas, frame } of pair) {
        const scale = canvas.clientWidth / canvas.width, step = (group.cell + group.gap) * scale
        frame.style.display = found ? 'block' : 'none'
        frame.style.left = `${column * step}px`
        frame.style.top = `${row * step}px`
        frame.style.width = frame.style.height = `${group.cell * scale}px`
      }
      label.style.display = found ? 'block' : 'none'
      if (!found) return
      label.textContent = group.labels[index]
      const whole = sheet.getBoundingClientRect()
      const x = event.clientX - whole.left + 14, y = event.clientY - whole.top + 18
      label.style.left = `${Math.max(0, Math.min(x, sheet.clientWidth - label.offsetWidth))}px`
      label.style.top = `${y}px`
    }
    for (const { canvas } of pair) {
      canvas.onpointermove = point
      canvas.onpointerleave = () => {
        label.style.display = 'none'
        for (const { frame } of pair) frame.style.display = 'none'
      }
    }
  })
  Promise.all(waiting).then(() => { sheet.dataset.drawn = meta.name })
}
"""

_component = st.components.v2.component("vizcore.contact", html=_HTML, css=_CSS, js=_JS)


class Group(NamedTuple):
    """A unit, or a layer, and its tiles.

    Attributes:
        name, text: its heading.
        labels: one for each pair of tiles.
        image: which picture holds it; top: the row of tiles there at which it begins. The left half of the picture
            holds the patches, the right half the drawings.
        columns: tiles in a row of one half. cell: pixels of a tile.
    """

    name: str
    text: str
    labels: Sequence[str]
    image: int
    top: int
    columns: int
    cell: int


def contact(
    key: str,
    images: Sequence[bytes],
    groups: Sequence[Group],
    titles: tuple[str, str],
    take: Callable[[int], None],
    *,
    rows: bool = False,
    chosen: int | None = None,
    alt: str = "",
) -> None:
    """Draw contact sheets; `take(group)` is called with the number of the one clicked.

    A convenience beside widgets that choose the same; it works by keyboard too.

    Args:
        images: encoded pictures.
        titles: what stands left, what stands right.
        rows: one group below the other with its heading to the left; otherwise as many side by side as fit.
        chosen: the group with a frame.
        alt: what the sheet shows, for those who cannot see it.
    """
    name = 0
    for image in images:
        name = zlib.crc32(image, name)
    described = [group._asdict() | {"gap": max(2, group.cell // 32), "on": n == chosen}
                 for n, group in enumerate(groups)]  # fmt: skip
    words = json.dumps([[group.name, group.text, *group.labels] for group in groups])
    head = json.dumps(
        {"mode": "rows" if rows else "units", "groups": described, "titles": titles, "alt": alt,
         "sizes": [len(image) for image in images], "name": f"{zlib.crc32(words.encode(), name):x}"}
    ).encode()  # fmt: skip

    def clicked() -> None:
        number = st.session_state[key].chosen
        if isinstance(number, int) and 0 <= number < len(groups):
            take(number)

    _component(
        key=key, data=len(head).to_bytes(4, "big") + head + b"".join(images), on_chosen_change=clicked
    )
