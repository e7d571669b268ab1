// A pad to draw on; after each stroke the ink, made smaller, goes back as base64.
const sent = new WeakMap() // canvas to the inks it has on it or has sent: those that come back are not drawn again

export default function ({ data, parentElement, setTriggerValue }) {
  const canvas = parentElement.querySelector('canvas')
  const brush = canvas.getContext('2d')
  canvas.setAttribute('aria-label', data.label)
  brush.lineWidth = 15
  brush.lineCap = brush.lineJoin = 'round'
  brush.strokeStyle = '#fff'
  parentElement.querySelector('.pad').classList.toggle('chosen', data.chosen)
  if (!sent.has(canvas)) sent.set(canvas, new Set(['']))
  const known = sent.get(canvas)
  const show = (ink) => {
    const pixels = Uint8Array.from(atob(ink), (letter) => letter.charCodeAt(0))
    const small = document.createElement('canvas')
    small.width = small.height = data.side
    const page = new ImageData(data.side, data.side)
    pixels.forEach((value, i) => {
      page.data.set([255, 255, 255, value], 4 * i)
    })
    small.getContext('2d').putImageData(page, 0, 0)
    brush.clearRect(0, 0, 196, 196)
    brush.drawImage(small, 0, 0, 196, 196)
  }
  if (!known.has(data.ink)) {
    known.add(data.ink)
    show(data.ink)
  }
  let last = null
  const at = (event) => {
    const frame = canvas.getBoundingClientRect()
    const x = event.clientX - frame.left
    const y = event.clientY - frame.top
    return [(x / frame.width) * 196, (y / frame.height) * 196]
  }
  const line = (event) => {
    const here = at(event)
    brush.beginPath()
    brush.moveTo(...(last || here))
    brush.lineTo(...here)
    brush.stroke()
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
      String.fromCharCode(Math.round((pixels[4 * i] * pixels[4 * i + 3]) / 255)),
    )
    const drawing = btoa(ink.join(''))
    known.add(drawing)
    setTriggerValue('ink', drawing)
  }
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId)
    last = null
    line(event)
  }
  canvas.onpointermove = (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) line(event)
  }
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (last) {
      last = null
      send()
    }
  }
  parentElement.querySelector('button').onclick = () => {
    brush.clearRect(0, 0, 196, 196)
    setTriggerValue('ink', 'empty')
  }
}
