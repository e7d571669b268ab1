// `data` is one buffer: the length of a head, the head as JSON, and the pictures, one after the other.
const keep = (inside, number, kind, name) => {
  let node = inside.children[number]
  if (node?.localName !== kind) {
    const made = document.createElement(kind)
    if (node) node.replaceWith(made)
    else inside.append(made)
    node = made
  }
  node.className = name
  return node
}

const trim = (inside, count) => {
  while (inside.children.length > count) inside.lastElementChild.remove()
}

const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text
}

// The old picture stays until the new one can be drawn.
const show = (image, panel, bytes) => {
  image.alt = panel.alt
  image.width = panel.width
  image.height = panel.height
  if (image.dataset.name === panel.name) return
  const old = image.src
  image.dataset.name = panel.name
  image.src = URL.createObjectURL(new Blob([bytes]))
  if (old) {
    const forget = () => URL.revokeObjectURL(old)
    image.decode().then(forget, forget)
  }
}

const drawBar = (node, bar) => {
  node.setAttribute('role', 'img')
  node.setAttribute('aria-label', bar.name)
  keep(node, 0, 'div', 'ramp').style.background = `linear-gradient(to right,${bar.ramp})`
  const ticks = keep(node, 1, 'div', 'ticks')
  bar.ticks.forEach((tick, number) => {
    write(keep(ticks, number, 'span', ''), tick)
  })
  write(keep(node, 2, 'div', 'label'), bar.label)
}

export default function ({ data, parentElement }) {
  const size = new DataView(data.buffer, data.byteOffset).getUint32(0)
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)))
  const figure = parentElement.querySelector('.viz-figure')
  const [rows, full] = figure.children
  figure.style.setProperty('--columns', head.columns)
  figure.style.setProperty('--narrow', head.narrow)
  figure.style.setProperty('--room', `${head.room || 330}px`)
  figure.style.setProperty('--shape', head.shape)
  let start = 4 + size
  head.rows.forEach((groups, number) => {
    const row = keep(rows, number, 'div', 'row')
    groups.forEach(({ panels, bars }, place) => {
      const count = panels.length
      const group = keep(row, place, 'div', count > head.narrow ? 'group wide' : 'group')
      group.style.setProperty('--span', count)
      panels.forEach((panel, at) => {
        const node = keep(group, at, 'figure', 'panel')
        show(keep(node, 0, 'img', ''), panel, data.subarray(start, start + panel.file))
        start += panel.file
        write(keep(node, 1, 'figcaption', ''), panel.caption)
      })
      const below = keep(group, count, 'div', 'bars')
      bars.forEach((bar, at) => {
        drawBar(keep(below, at, 'div', 'viz-scale'), bar)
      })
      trim(below, bars.length)
      trim(group, count + 1)
    })
    trim(row, groups.length)
  })
  trim(rows, head.rows.length)

  // As large as the window allows, where it fills the screen or is the first of its page; captions that break into
  // fewer lines leave more room, so it is measured again.
  const page = figure.closest('[data-testid="stMain"]')
  const fit = () => {
    const filled = document.fullscreenElement === figure
    full.setAttribute('aria-label', filled ? 'Leave full screen' : 'Full screen')
    full.title = full.getAttribute('aria-label')
    figure.style.removeProperty('--bound')
    const first = !head.room && page && page.clientWidth >= 640
    if (!(filled || first)) return
    const least = filled || head.rows.length > 1 ? 120 : 180
    const above = filled ? 32 : figure.getBoundingClientRect().top + page.scrollTop + 8
    for (let pass = 0; pass < 3; pass++) {
      const pictures = rows.querySelector('img').offsetHeight * head.rows.length
      const space = window.innerHeight - above - (rows.offsetHeight - pictures)
      figure.style.setProperty('--bound', `${Math.max(least, space / head.rows.length)}px`)
    }
  }
  full.onclick = () => (document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen())
  figure.onfullscreenchange = fit
  const watch = new ResizeObserver(fit)
  for (const node of [page?.querySelector('[data-testid="stMainBlockContainer"]'), figure])
    if (node) watch.observe(node)
  fit()
  return () => {
    watch.disconnect()
    if (figure.isConnected) return
    for (const image of rows.querySelectorAll('img')) URL.revokeObjectURL(image.src)
  }
}
