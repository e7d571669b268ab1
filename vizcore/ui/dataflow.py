"""The network's graph in the browser, zoomed and clicked, and the cached gradients behind it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.ui.cache import View
from vizcore.ui.jobs import Job, shared
from vizcore.ui.progress import working

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.inspection.layer_gradients import Quantity, Size
    from vizcore.models import Net

_CSS = """
.flow { position: relative; border: 1px solid var(--st-border-color); border-radius: 6px; overflow: hidden; }
.flow:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
svg { display: block; width: 100%; touch-action: pan-y; cursor: grab; font-family: var(--st-font); }
svg.moving { cursor: grabbing; }
text { text-anchor: middle; pointer-events: none; }
.name { font-size: 12.5px; font-weight: 600; } .shape { font-size: 11px; }
.plain rect, .plain circle { fill: var(--st-secondary-background-color); }
.plain text { fill: var(--st-text-color); }
.node rect, .node circle { stroke: var(--st-text-color); stroke-opacity: .45; stroke-width: 1; }
.pick { cursor: pointer; }
.pick:hover rect { stroke-opacity: 1; stroke-width: 2.5; }
.over rect { stroke: var(--st-text-color); stroke-opacity: 1; stroke-width: 3; }
.off { opacity: .42; }
.off rect, .off circle { stroke-dasharray: 5 4; fill: none; stroke-opacity: .9; }
.off text { fill: var(--st-text-color); }
.chosen rect { stroke: var(--st-primary-color); stroke-opacity: 1; stroke-width: 4.5; stroke-dasharray: none; }
path { fill: none; stroke: var(--st-text-color); stroke-opacity: .5; stroke-width: 1.5; }
path.off { stroke-dasharray: 5 4; stroke-opacity: .3; opacity: 1; }
path.on { stroke: var(--st-primary-color); stroke-opacity: 1; stroke-width: 3; }
marker path { fill: context-stroke; stroke: none; }
.bar { display: flex; gap: 4px; align-items: center; padding: 6px 8px; }
.bar span { flex: 1; font-family: var(--st-font); font-size: .85rem; color: var(--st-text-color); opacity: .78; }
.bar button {
  font: inherit; font-family: var(--st-font); font-size: .95rem; line-height: 1; padding: 6px 10px; cursor: pointer;
  color: var(--st-text-color); background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: 6px;
}
.bar button:focus-visible { outline: 2px solid var(--st-primary-color); }
.tip {
  position: absolute; pointer-events: none; display: none; z-index: 5; padding: 3px 9px; border-radius: 4px;
  font-family: var(--st-font); font-size: .85rem; max-width: 90%; font-variant-numeric: tabular-nums;
  background: var(--st-text-color); color: var(--st-background-color);
}
.option { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

_HTML = """<div class="flow" role="listbox" tabindex="0" aria-activedescendant="at"><svg aria-hidden="true"></svg>
<div class="tip" aria-hidden="true"></div><div class="option" id="at" role="option"></div>
<div class="bar"><span>Click a layer to choose it. Drag to move, Ctrl + wheel to zoom.</span>
<button type="button" data-do="in" aria-label="Zoom in">+</button>
<button type="button" data-do="out" aria-label="Zoom out">−</button>
<button type="button" data-do="find" aria-label="Show the chosen layer">Layer</button>
<button type="button" data-do="fit" aria-label="Show the whole graph">All</button></div></div>"""

_JS = """
const NS = 'http://www.w3.org/2000/svg', views = new WeakMap()
export default function ({ data, parentElement, setTriggerValue }) {
  const flow = parentElement.querySelector('.flow'), svg = flow.querySelector('svg')
  const tip = flow.querySelector('.tip'), option = flow.querySelector('.option')
  let shown = null, boxes = [], active = -1, box = null, pressed = null, moved = false
  const make = (tag, attributes, parent, text) => {
    const element = document.createElementNS(NS, tag)
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
    if (text !== undefined) element.textContent = text
    parent.append(element)
    return element
  }
  const look = (next) => {
    const high = svg.clientHeight / Math.max(1, svg.clientWidth)
    const wide = Math.min(Math.max(next.w, 160), 2.2 * Math.max(shown.width, shown.height / high))
    const x = Math.min(Math.max(next.x, -wide / 2), shown.width - wide / 2)
    box = { x, y: Math.min(Math.max(next.y, -wide * high / 2), shown.height - wide * high / 2), w: wide }
    svg.setAttribute('viewBox', `${box.x} ${box.y} ${box.w} ${box.w * high}`)
    views.set(parentElement, { name: `${data.name} ${shown.width}`, box })
    svg.dataset.zoom = (svg.clientWidth / box.w).toFixed(3)
  }
  const fit = () => {
    const high = svg.clientHeight / Math.max(1, svg.clientWidth), wide = Math.max(shown.width, shown.height / high)
    look({ x: (shown.width - wide) / 2, y: (shown.height - wide * high) / 2, w: wide })
  }
  const centre = (node, wide) => {
    const high = svg.clientHeight / Math.max(1, svg.clientWidth)
    look({ x: node.x - wide / 2, y: node.y - wide * high / 2, w: wide })
  }
  const zoom = (factor, x, y) => {
    const frame = svg.getBoundingClientRect(), high = frame.height / frame.width
    const px = x === undefined ? .5 : (x - frame.left) / frame.width
    const py = y === undefined ? .5 : (y - frame.top) / frame.height
    const w = Math.min(Math.max(box.w / factor, 160), 4 * Math.max(shown.width, shown.height))
    look({ x: box.x + px * (box.w - w), y: box.y + py * (box.w - w) * high, w })
  }
  const point = (index, keyboard) => {
    if (active >= 0) boxes[active].classList.remove('over')
    active = index
    tip.style.display = index < 0 ? 'none' : 'block'
    if (index < 0) return
    const node = shown.nodes[index], high = svg.clientHeight / svg.clientWidth
    if (keyboard) {
      boxes[index].classList.add('over')
      const out = node.x < box.x || node.x > box.x + box.w || node.y < box.y || node.y > box.y + box.w * high
      if (out) centre(node, box.w)
      option.textContent = node.title
      option.setAttribute('aria-selected', node.chosen)
    }
    tip.textContent = node.title
    const scale = svg.clientWidth / box.w, x = (node.x - box.x) * scale - tip.offsetWidth / 2
    const y = (node.y - box.y - shown.high / 2) * scale - tip.offsetHeight - 6
    tip.style.left = `${Math.max(2, Math.min(x, flow.clientWidth - tip.offsetWidth - 4))}px`
    tip.style.top = `${y < 2 ? (node.y - box.y + shown.high / 2) * scale + 6 : y}px`
  }
  const choose = (index) => {
    if (index >= 0 && shown.nodes[index].name) setTriggerValue('chosen', shown.nodes[index].name)
  }
  const draw = () => {
    const next = svg.clientWidth < 720 ? data.narrow : data.wide
    if (!svg.clientWidth || next === shown) return
    shown = next
    const room = shown.height * svg.clientWidth / shown.width
    svg.style.height = `${Math.round(Math.min(Math.max(room, 180), data.height))}px`
    svg.replaceChildren()
    const arrow = make('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 9, markerHeight: 9,
      orient: 'auto', markerUnits: 'userSpaceOnUse' }, make('defs', {}, svg))
    make('path', { d: 'M0 0L8 4L0 8z' }, arrow)
    for (const edge of shown.edges)
      make('path', { d: edge.d, class: edge.off ? 'off' : edge.on ? 'on' : '', 'marker-end': 'url(#tip)' }, svg)
    boxes = shown.nodes.map((node, index) => {
      const kind = ['node', node.fill ? '' : 'plain', node.name ? 'pick' : '', node.off ? 'off' : '',
        node.chosen ? 'chosen' : ''].filter(Boolean).join(' ')
      const group = make('g', { class: kind, transform: `translate(${node.x} ${node.y})` }, svg)
      group.dataset.layer = node.name
      const fill = node.fill && !node.off ? { style: `fill:${node.fill}` } : {}
      const ink = node.ink && !node.off ? { style: `fill:${node.ink}` } : {}
      if (node.round) make('circle', { r: node.lines[0].length > 1 ? 20 : 13, ...fill }, group)
      else make('rect', { x: -shown.wide / 2, y: -shown.high / 2, width: shown.wide, height: shown.high,
        rx: 6, ...fill }, group)
      node.lines.forEach((line, row) => make('text', { class: row || node.round && line.length > 1 ? 'shape' : 'name',
        y: node.lines.length > 1 ? (row ? 15 : -3) : 4, ...ink }, group, line))
      if (node.join) {
        const badge = make('g', { class: 'plain', transform: `translate(${-shown.wide / 2} 0)` }, group)
        make('circle', { r: node.join.length > 1 ? 17 : 10 }, badge)
        make('text', { class: 'shape', y: 4 }, badge, node.join.length > 1 ? 'cat' : node.join)
      }
      group.onpointerenter = () => { if (!pressed) point(index, false) }
      group.onpointerleave = () => point(-1)
      group.onclick = () => { if (!moved) choose(index) }
      return group
    })
    active = -1
    const kept = views.get(parentElement)
    if (kept && kept.name === `${data.name} ${shown.width}`) look(kept.box); else fit()
    svg.dataset.nodes = boxes.length
  }
  flow.setAttribute('aria-label', data.alt)
  flow.querySelectorAll('button').forEach((button) => {
    button.onclick = () => {
      const chosen = shown.nodes.find((node) => node.chosen)
      const find = () => chosen && centre(chosen, svg.clientWidth)
      const act = { in: () => zoom(1.4), out: () => zoom(1 / 1.4), fit, find }
      act[button.dataset.do]()
    }
  })
  flow.onwheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return  // otherwise the page scrolls
    event.preventDefault()
    zoom(Math.exp(-Math.max(-40, Math.min(40, event.deltaY)) * .01), event.clientX, event.clientY)
    point(-1)
  }
  svg.onpointerdown = (event) => {
    pressed = { x: event.clientX, y: event.clientY, box, id: event.pointerId }
    moved = false
  }
  svg.onpointermove = (event) => {
    if (!pressed) return
    const dx = event.clientX - pressed.x, dy = event.clientY - pressed.y
    if (!moved && Math.hypot(dx, dy) < 5) return
    if (!moved) { moved = true; svg.setPointerCapture(pressed.id); svg.classList.add('moving'); point(-1) }
    const scale = pressed.box.w / svg.clientWidth
    look({ x: pressed.box.x - dx * scale, y: pressed.box.y - dy * scale, w: pressed.box.w })
  }
  svg.onpointerup = svg.onpointercancel = () => { pressed = null; svg.classList.remove('moving') }
  flow.onkeydown = (event) => {
    if (event.target !== flow) return
    const nodes = shown.nodes, at = active < 0 ? Math.max(0, nodes.findIndex((node) => node.chosen)) : active
    const row = (sign) => {  // the nearest node above or below
      const far = (i) => Math.abs(nodes[i].y - nodes[at].y) * 3 + Math.abs(nodes[i].x - nodes[at].x)
      const there = nodes.map((_, i) => i).filter((i) => sign * (nodes[i].y - nodes[at].y) > 1)
      return there.sort((a, b) => far(a) - far(b))[0]
    }
    const act = {
      ArrowRight: () => point(Math.min(at + 1, nodes.length - 1), true),
      ArrowLeft: () => point(Math.max(at - 1, 0), true),
      ArrowDown: () => { const to = row(1); if (to !== undefined) point(to, true) },
      ArrowUp: () => { const to = row(-1); if (to !== undefined) point(to, true) },
      Enter: () => choose(at), ' ': () => choose(at), '+': () => zoom(1.4), '-': () => zoom(1 / 1.4), 0: fit,
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
  flow.onfocus = () => {
    if (shown && flow.matches(':focus-visible')) point(Math.max(0, shown.nodes.findIndex((node) => node.chosen)), true)
  }
  flow.onblur = () => point(-1)
  const watch = new ResizeObserver(draw)
  watch.observe(svg)
  draw()
  return () => watch.disconnect()
}
"""

_flow = st.components.v2.component("vizcore.dataflow", html=_HTML, css=_CSS, js=_JS)


def flow(
    key: str, wide: dict, narrow: dict, name: str, alt: str, take: Callable[[str], None], height: int = 560
) -> None:
    """Draw a graph; `take(name)` is called with the layer clicked, before the page runs again.

    Args:
        wide, narrow: what :func:`vizcore.figures.graph.drawing` returns, for a wide and for a narrow window.
        name: while it stays the same, so does the visitor's zoom.
        height: page pixels at most; a larger graph is made smaller until it is zoomed.
    """

    def clicked() -> None:
        found = st.session_state[key].chosen
        if isinstance(found, str) and any(node["name"] == found for node in wide["nodes"]):
            take(found)

    _flow(
        key=key, data={"wide": wide, "narrow": narrow, "name": name, "alt": alt, "height": height},
        on_chosen_change=clicked,
    )  # fmt: skip


@st.cache_data(max_entries=256, show_spinner=False)
def _sizes(model: str, digest: str, quantity: "Quantity", _net: "Net", _x: "Tensor") -> dict[str, tuple | None]:
    from vizcore.inspection import layer_gradients

    found = layer_gradients.sizes(_net, _x, quantity)
    return {name: None if value is None else tuple(value) for name, value in found.items()}


def sizes(view: View, quantity: "Quantity") -> dict[str, "Size | None"]:
    """The size of the gradient at every layer, from one backward pass, computed once for everyone."""
    from vizcore.inspection.layer_gradients import Size

    with working("One backward pass through all layers"):
        found = _sizes(view.model, view.digest, quantity, view.net, view.x)
    return {name: None if value is None else Size(*value) for name, value in found.items()}


@st.cache_data(max_entries=96, max_size="200MB", show_spinner=False)
def _gradient(
    model: str, digest: str, quantity: "Quantity", layer: str, _net: "Net", _x: "Tensor"
) -> tuple[float, np.ndarray | None]:
    from vizcore.inspection import layer_gradients

    value, gradients = layer_gradients.all_gradients(_net, _x, quantity, [layer])
    gradient = gradients.get(layer)
    return value, None if gradient is None else gradient[0].cpu().numpy()


def gradient(view: View, quantity: "Quantity", layer: str = "input") -> tuple[float, np.ndarray | None]:
    """The quantity, and its gradient at one layer (or the picture), shaped like the layer; None where there is none."""
    return _gradient(view.model, view.digest, quantity, layer, view.net, view.x)


@st.cache_resource(max_entries=128, show_spinner=False)
def _differences(
    model: str, digest: str, quantity: "Quantity", pixel: tuple[int, int, int], steps: tuple[float, ...]
) -> Job:
    return Job()


def differences(
    view: View, quantity: "Quantity", pixel: tuple[int, int, int], steps: Sequence[float]
) -> list[float]:
    """The central difference at one (channel, row, column) for each step, with a progress bar while it takes long."""
    from vizcore.inspection import layer_gradients

    def work(report: Callable[[float], None]) -> list[float]:
        return layer_gradients.central_differences(view.net, view.x, quantity, pixel, steps, report).tolist()

    job = _differences(view.model, view.digest, quantity, pixel, tuple(steps))
    return shared(job, work, f"{2 * len(steps)} forward passes with one pixel moved")
