"""A square to draw a digit in, with mouse, pen or finger."""

import numpy as np
import streamlit as st

SIDE = 84  # pixels that come back, three for each of MNIST's 28

_CSS = """
.pad { display: inline-flex; flex-direction: column; gap: 6px; align-items: flex-start; }
canvas {
  width: 196px; height: 196px; background: #000; border-radius: 4px; touch-action: none; cursor: crosshair;
  border: 1px solid var(--st-border-color);
}
button {
  font: inherit; font-family: var(--st-font); font-size: 0.9rem; color: var(--st-text-color); cursor: pointer;
  background: none; border: 1px solid var(--st-border-color); border-radius: 6px; padding: 4px 14px;
}
button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""

_HTML = """<div class="pad"><canvas width="196" height="196" role="img"></canvas>
<button type="button">Clear</button></div>"""

_JS = """
export default function ({ data, parentElement, setStateValue }) {
  const canvas = parentElement.querySelector('canvas'), brush = canvas.getContext('2d')
  canvas.setAttribute('aria-label', data.label)
  brush.lineWidth = 15; brush.lineCap = brush.lineJoin = 'round'; brush.strokeStyle = '#fff'
  let last = null
  const at = (event) => {
    const frame = canvas.getBoundingClientRect()
    const x = event.clientX - frame.left, y = event.clientY - frame.top
    return [x / frame.width * 196, y / frame.height * 196]
  }
  const line = (event) => {
    const here = at(event)
    brush.beginPath(); brush.moveTo(...(last || here)); brush.lineTo(...here); brush.stroke()
    last = here
  }
  const send = () => {
    const small = document.createElement('canvas')
    small.width = small.height = data.side
    const pen = small.getContext('2d')
    pen.imageSmoothingQuality = 'high'
    pen.drawImage(canvas, 0, 0, data.side, data.side)
    const pixels = pen.getImageData(0, 0, data.side, data.side).data
    const ink = Array.from({ length: data.side * data.side }, (_, i) =>
      String.fromCharCode(Math.round(pixels[4 * i] * pixels[4 * i + 3] / 255)))
    setStateValue('ink', btoa(ink.join('')))
  }
  canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); last = null; line(event) }
  canvas.onpointermove = (event) => { if (canvas.hasPointerCapture(event.pointerId)) line(event) }
  canvas.onpointerup = canvas.onpointercancel = () => { if (last) { last = null; send() } }
  parentElement.querySelector('button').onclick = () => {
    brush.clearRect(0, 0, 196, 196)
    setStateValue('ink', '')
  }
}
"""

_pad = st.components.v2.component("vizcore.canvas", html=_HTML, css=_CSS, js=_JS)


def draw_digit(key: str, label: str = "Draw a digit here") -> np.ndarray | None:
    """The drawing, (28, 28) uint8 sized and centred like MNIST (white on black); None while it is empty.

    It stays in the visitor's session and is not part of the address.
    """
    from vizcore.images import handwriting

    result = _pad(
        key=key, data={"side": SIDE, "label": label}, default={"ink": ""}, on_ink_change=lambda: None
    )
    ink = handwriting.read(result.ink, SIDE)
    return None if ink is None else handwriting.normalize(ink)
