// `data` is one buffer: the length of a head, the head as JSON, and the pictures, one after the other.
export default function ({ data, parentElement, setTriggerValue }) {
  const size = new DataView(data.buffer, data.byteOffset).getUint32(0)
  const meta = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)))
  const sheet = parentElement.querySelector('.sheet')
  const label = sheet.querySelector('.label')
  const titles = sheet.querySelector('.titles')
  const place = sheet.querySelector('.groups')
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
    const halves = make('span', 'halves', box)
    const count = group.labels.length
    const rows = Math.ceil(count / group.columns)
    const pair = [0, 1].map((half) => {
      const cover = make('span', 'half', halves)
      const canvas = make('canvas', '', cover)
      const step = group.cell + group.gap
      canvas.width = group.columns * step - group.gap
      canvas.height = rows * step - group.gap
      waiting.push(
        images[group.image].then((bitmap) => {
          const brush = canvas.getContext('2d')
          for (let i = 0; i < count; i++) {
            const column = i % group.columns
            const row = Math.floor(i / group.columns)
            brush.drawImage(
              bitmap,
              (half * group.columns + column) * group.cell,
              (group.top + row) * group.cell,
              group.cell,
              group.cell,
              column * step,
              row * step,
              group.cell,
              group.cell,
            )
          }
        }),
      )
      return { cover, canvas, frame: make('span', 'frame', cover) }
    })
    const point = (event) => {
      const inside = event.currentTarget.getBoundingClientRect()
      const column = Math.floor(((event.clientX - inside.left) / inside.width) * group.columns)
      const row = Math.floor(((event.clientY - inside.top) / inside.height) * rows)
      const index = row * group.columns + column
      const found = column >= 0 && column < group.columns && row >= 0 && index < count
      for (const { canvas, frame } of pair) {
        const scale = canvas.clientWidth / canvas.width
        const step = (group.cell + group.gap) * scale
        frame.style.display = found ? 'block' : 'none'
        frame.style.left = `${column * step}px`
        frame.style.top = `${row * step}px`
        frame.style.width = frame.style.height = `${group.cell * scale}px`
      }
      label.style.display = found ? 'block' : 'none'
      if (!found) return
      label.textContent = group.labels[index]
      const whole = sheet.getBoundingClientRect()
      const x = event.clientX - whole.left + 14
      const y = event.clientY - whole.top + 18
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
  Promise.all(waiting).then(() => {
    sheet.dataset.drawn = meta.name
  })
  if (meta.mode !== 'rows') return

  // All rows end where the window ends, as long as a tile stays large enough to be seen.
  const page = sheet.getRootNode().host?.closest('[data-testid="stMain"]')
  const fit = () => {
    const above = sheet.getBoundingClientRect().top + page.scrollTop + titles.offsetHeight + 8
    const row = (window.innerHeight - above) / meta.groups.length - 6
    const { columns, cell, gap } = meta.groups[0]
    const half = (Math.max(26, row) / cell) * (columns * (cell + gap) - gap)
    sheet.style.setProperty('--half', page.clientWidth < 640 ? '1fr' : `${half}px`)
  }
  const watch = new ResizeObserver(fit)
  watch.observe(page.querySelector('[data-testid="stMainBlockContainer"]'))
  fit()
  return () => watch.disconnect()
}
