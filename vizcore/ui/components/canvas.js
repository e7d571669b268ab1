// A pad to draw on; after each stroke the ink, made smaller, goes back as base64.
export default function ({ data, parentElement, setStateValue }) {
  const canvas = parentElement.querySelector('canvas')
  const brush = canvas.getContext('2d')
  canvas.setAttribute('aria-label', data.label)
  brush.lineWidth = 15
  brush.lineCap = brush.lineJoin = 'round'
  brush.strokeStyle = '#fff'
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
    setStateValue('ink', btoa(ink.join('')))
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
    setStateValue('ink', '')
  }
}
