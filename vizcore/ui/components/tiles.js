// `data` is one buffer: the length of a head, the head as JSON, and the sprite that is cut into tiles.
export default function ({ data, parentElement, setTriggerValue }) {
  const head = new DataView(data.buffer, data.byteOffset).getUint32(0)
  const meta = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + head)))
  const box = parentElement.querySelector('.box')
  const canvas = box.querySelector('canvas')
  const [chosen, over] = box.querySelectorAll('.ring')
  const label = box.querySelector('.label')
  const option = box.querySelector('.option')
  const count = meta.labels.length
  const gap = meta.gap
  let sheet = null
  let cell = 0
  let columns = 1
  let selected = meta.selected
  let active = -1
  let gone = false

  const place = (ring, index, width) => {
    ring.style.display = index < 0 ? 'none' : 'block'
    ring.style.left = `${(index % columns) * (cell + gap) - width}px`
    ring.style.top = `${Math.floor(index / columns) * (cell + gap) - width}px`
    ring.style.width = ring.style.height = `${cell}px`
  }
  const say = (index) => {
    option.textContent = meta.labels[index]
    option.setAttribute('aria-posinset', index + 1)
    option.setAttribute('aria-setsize', count)
    option.setAttribute('aria-selected', index === selected)
  }
  const point = (index) => {
    active = index
    place(over, index, 2)
    label.style.display = index < 0 ? 'none' : 'block'
    if (index < 0) return
    label.textContent = meta.labels[index]
    const x = (index % columns) * (cell + gap)
    const y = Math.floor(index / columns) * (cell + gap)
    label.style.left = `${Math.max(0, Math.min(x, box.clientWidth - label.offsetWidth))}px`
    label.style.top = `${y < 32 ? y + cell + 6 : y - 30}px`
    say(index)
  }
  const choose = (index) => {
    if (index < 0) return
    selected = index
    place(chosen, index, 3)
    setTriggerValue('chosen', index)
  }
  const page = box.getRootNode().host?.closest('[data-testid="stMain"]')
  const room = () => window.innerHeight - box.getBoundingClientRect().top - page.scrollTop - 80
  const draw = () => {
    const width = box.clientWidth
    if (!sheet || !width) return
    const height = meta.height || Math.max(200, room())
    cell = meta.largest
    const fits = () => Math.max(1, Math.floor((width + gap) / (cell + gap)))
    while (cell > meta.smallest && Math.ceil(count / fits()) * (cell + gap) > height) cell -= 1
    columns = Math.min(count, fits())
    const ratio = window.devicePixelRatio || 1
    const rows = Math.ceil(count / columns)
    const wide = columns * (cell + gap) - gap
    const high = rows * (cell + gap) - gap
    canvas.width = Math.round(wide * ratio)
    canvas.height = Math.round(high * ratio)
    canvas.style.width = `${wide}px`
    canvas.style.height = `${high}px`
    const brush = canvas.getContext('2d')
    brush.imageSmoothingEnabled = meta.smooth || cell * ratio < meta.cell
    brush.imageSmoothingQuality = 'high'
    for (let i = 0; i < count; i++) {
      const left = Math.round((i % columns) * (cell + gap) * ratio)
      const top = Math.round(Math.floor(i / columns) * (cell + gap) * ratio)
      brush.drawImage(
        sheet,
        (i % meta.columns) * meta.cell,
        Math.floor(i / meta.columns) * meta.cell,
        meta.cell,
        meta.cell,
        left,
        top,
        Math.round(cell * ratio),
        Math.round(cell * ratio),
      )
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
  say(Math.max(0, selected))
  canvas.onpointermove = (event) => point(under(event))
  canvas.onpointerleave = () => point(-1)
  canvas.onclick = (event) => choose(under(event))
  box.onfocus = () => {
    if (box.matches(':focus-visible')) point(Math.max(0, selected))
  }
  box.onblur = () => point(-1)
  box.onkeydown = (event) => {
    const at = active < 0 ? Math.max(0, selected) : active
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      choose(at)
      return
    }
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: count - 1,
    }[event.key]
    if (to === undefined) return
    event.preventDefault()
    if (to >= 0 && to < count) point(to)
  }
  createImageBitmap(new Blob([data.subarray(4 + head)])).then((bitmap) => {
    if (!gone) {
      sheet = bitmap
      draw()
    }
  })
  const watch = new ResizeObserver(draw)
  watch.observe(box)
  if (!meta.height) watch.observe(page.querySelector('[data-testid="stMainBlockContainer"]'))
  return () => {
    gone = true
    watch.disconnect()
  }
}
