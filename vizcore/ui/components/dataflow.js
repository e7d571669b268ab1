// Draws the graph at the width there is, and lets it be scrolled, zoomed, and walked by keyboard.
const NS = 'http://www.w3.org/2000/svg'
const LARGEST = 1.3 // how much a graph with few layers grows to fill its width
const views = new WeakMap() // the visitor's zoom, kept while the page runs again

export default function ({ data, parentElement, setTriggerValue }) {
  const flow = parentElement.querySelector('.flow')
  const stage = flow.querySelector('.stage')
  const svg = flow.querySelector('svg')
  const tip = flow.querySelector('.tip')
  const option = flow.querySelector('.option')
  const more = flow.querySelector('.bar b')
  const { nodes } = data
  let shown = null // the layout
  let scale = 1
  let boxes = []
  let active = -1
  let pressed = null
  let moved = false
  const make = (tag, attributes, parent, text) => {
    const element = document.createElementNS(NS, tag)
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
    if (text !== undefined) element.textContent = text
    parent.append(element)
    return element
  }
  // What lies beyond the edges: they fade, and a line says so.
  const hint = () => {
    const right = stage.scrollWidth - stage.clientWidth
    const below = stage.scrollHeight - stage.clientHeight
    stage.classList.toggle('left', stage.scrollLeft > 2)
    stage.classList.toggle('right', stage.scrollLeft < right - 2)
    stage.classList.toggle('above', stage.scrollTop > 2)
    stage.classList.toggle('below', stage.scrollTop < below - 2)
    more.hidden = right < 2 && below < 2
    views.set(parentElement, { name: data.name, shown, scale, left: stage.scrollLeft, top: stage.scrollTop })
  }
  const natural = () => Math.min(LARGEST, Math.max(stage.clientWidth / shown.width, Math.min(1, 299 / shown.width)))
  // Zoom to `next`; the point of the drawing at (x, y), in window pixels, stays where it is.
  const zoom = (next, x, y) => {
    const frame = stage.getBoundingClientRect()
    const [dx, dy] = x === undefined ? [stage.clientWidth / 2, stage.clientHeight / 2] : [x - frame.left, y - frame.top]
    const before = svg.getBoundingClientRect()
    const px = (frame.left + dx - before.left) / scale
    const py = (frame.top + dy - before.top) / scale
    scale = Math.min(4, Math.max(0.2, next))
    svg.style.width = `${Math.floor(shown.width * scale)}px`
    svg.style.height = `${Math.floor(shown.height * scale)}px`
    svg.dataset.zoom = scale.toFixed(3)
    stage.scrollLeft = px * scale - dx
    stage.scrollTop = py * scale - dy
    hint()
  }
  const fit = () => {
    zoom(natural())
    const high = Number.parseFloat(getComputedStyle(stage).maxHeight)
    if (shown.height * scale > high) zoom(Math.max(high / shown.height, 0.2))
  }
  const seen = (index) => {
    const box = boxes[index].getBoundingClientRect()
    const frame = stage.getBoundingClientRect()
    const across = box.left >= frame.left && box.right <= frame.right
    return across && box.top >= frame.top && box.bottom <= frame.bottom
  }
  const centre = (index) => {
    const [x, y] = shown.at[index]
    stage.scrollLeft = x * scale - stage.clientWidth / 2 // no effect where the drawing is narrower
    stage.scrollTop = y * scale - stage.clientHeight / 2
    hint()
  }
  const say = (index) => {
    option.textContent = nodes[index].title
    option.setAttribute('aria-selected', nodes[index].chosen)
  }
  const point = (index, keyboard) => {
    if (active >= 0) boxes[active].classList.remove('over')
    active = index
    tip.style.display = index < 0 ? 'none' : 'block'
    if (index < 0) return
    if (keyboard) {
      boxes[index].classList.add('over')
      if (!seen(index)) centre(index)
      say(index)
    }
    tip.textContent = nodes[index].title
    const box = boxes[index].getBoundingClientRect()
    const frame = flow.getBoundingClientRect()
    const x = (box.left + box.right) / 2 - frame.left - tip.offsetWidth / 2
    const y = box.top - frame.top - tip.offsetHeight - 6
    tip.style.left = `${Math.max(2, Math.min(x, flow.clientWidth - tip.offsetWidth - 4))}px`
    tip.style.top = `${y < 2 ? box.bottom - frame.top + 6 : y}px`
  }
  const chosenOrFirst = () =>
    Math.max(
      0,
      nodes.findIndex((node) => node.chosen),
    )
  const choose = (index) => {
    if (index >= 0 && nodes[index].name) setTriggerValue('chosen', nodes[index].name)
  }
  const drawNode = (node, index) => {
    const looks = ['node', node.fill ? '' : 'plain', node.name ? 'pick' : '', node.off ? 'off' : '']
    if (node.chosen) looks.push('chosen')
    const [x, y] = shown.at[index]
    const group = make('g', { class: looks.filter(Boolean).join(' '), transform: `translate(${x} ${y})` }, svg)
    group.dataset.layer = node.name
    const fill = node.fill && !node.off ? { style: `fill:${node.fill}` } : {}
    const ink = node.ink && !node.off ? { style: `fill:${node.ink}` } : {}
    const { wide, high } = data
    if (node.round) make('circle', { r: node.lines[0].length > 1 ? 20 : 13, ...fill }, group)
    else make('rect', { x: -wide / 2, y: -high / 2, width: wide, height: high, rx: 6, ...fill }, group)
    node.lines.forEach((line, row) => {
      const kind = row || (node.round && line.length > 1) ? 'shape' : 'name'
      make('text', { class: kind, y: node.lines.length > 1 ? (row ? 14 : -3) : 4, ...ink }, group, line)
    })
    if (node.join) {
      const badge = make('g', { class: 'plain', transform: `translate(${-wide / 2 - 3} 0)` }, group)
      make('circle', { r: node.join.length > 1 ? 14 : 9 }, badge)
      make('text', { class: 'shape', y: 4 }, badge, node.join.length > 1 ? 'cat' : node.join)
    }
    group.onpointerenter = () => {
      if (!pressed) point(index, false)
    }
    group.onpointerleave = () => point(-1)
    group.onclick = () => {
      if (!moved) choose(index)
    }
    return group
  }
  const draw = () => {
    if (!stage.clientWidth) return
    const fitting = data.layouts.filter((layout) => layout.width <= stage.clientWidth)
    const next = fitting.at(-1) || data.layouts[0]
    if (next === shown) {
      hint()
      return
    }
    shown = next
    svg.setAttribute('viewBox', `0 0 ${shown.width} ${shown.height}`)
    svg.replaceChildren()
    const sizes = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 9, markerHeight: 9 }
    const turned = { id: 'tip', orient: 'auto', markerUnits: 'userSpaceOnUse' }
    make('path', { d: 'M0 0L8 4L0 8z' }, make('marker', { ...turned, ...sizes }, make('defs', {}, svg)))
    data.edges.forEach((edge, index) => {
      const kind = edge.off ? 'off' : edge.on ? 'on' : ''
      make('path', { d: shown.ways[index], class: kind, 'marker-end': 'url(#tip)' }, svg)
    })
    boxes = nodes.map(drawNode)
    active = -1
    const kept = views.get(parentElement)
    if (kept && kept.name === data.name && kept.shown.width === shown.width) {
      zoom(kept.scale)
      stage.scrollLeft = kept.left
      stage.scrollTop = kept.top
    } else {
      zoom(natural())
      stage.scrollLeft = 0
      stage.scrollTop = 0
      if (!seen(chosenOrFirst())) centre(chosenOrFirst())
    }
    say(chosenOrFirst())
    hint()
    svg.dataset.nodes = boxes.length
  }
  stage.setAttribute('aria-label', data.alt)
  flow.querySelectorAll('button').forEach((button) => {
    button.onclick = () => {
      const find = () => {
        zoom(natural())
        centre(chosenOrFirst())
      }
      const act = { in: () => zoom(1.4 * scale), out: () => zoom(scale / 1.4), fit, find }
      act[button.dataset.do]()
    }
  })
  stage.onwheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return // otherwise it scrolls
    event.preventDefault()
    zoom(scale * Math.exp(-Math.max(-40, Math.min(40, event.deltaY)) * 0.01), event.clientX, event.clientY)
    point(-1)
  }
  stage.onscroll = () => {
    hint()
    if (active >= 0 && !boxes[active].classList.contains('over')) point(-1)
  }
  svg.onpointerdown = (event) => {
    moved = false
    if (event.pointerType !== 'mouse') return // a finger scrolls
    const { scrollLeft, scrollTop } = stage
    pressed = { x: event.clientX, y: event.clientY, scrollLeft, scrollTop, id: event.pointerId }
  }
  svg.onpointermove = (event) => {
    if (!pressed) return
    const dx = event.clientX - pressed.x
    const dy = event.clientY - pressed.y
    if (!moved && Math.hypot(dx, dy) < 5) return
    if (!moved) {
      moved = true
      svg.setPointerCapture(pressed.id)
      svg.classList.add('moving')
      point(-1)
    }
    stage.scrollLeft = pressed.scrollLeft - dx
    stage.scrollTop = pressed.scrollTop - dy
  }
  svg.onpointerup = svg.onpointercancel = () => {
    pressed = null
    svg.classList.remove('moving')
  }
  stage.onkeydown = (event) => {
    const at = active < 0 ? chosenOrFirst() : active
    // the nearest node above or below
    const row = (sign) => {
      const [x, y] = shown.at[at]
      const far = (i) => Math.abs(shown.at[i][1] - y) * 3 + Math.abs(shown.at[i][0] - x)
      const there = nodes.map((_, i) => i).filter((i) => sign * (shown.at[i][1] - y) > 1)
      return there.sort((a, b) => far(a) - far(b))[0]
    }
    const act = {
      ArrowRight: () => point(Math.min(at + 1, nodes.length - 1), true),
      ArrowLeft: () => point(Math.max(at - 1, 0), true),
      ArrowDown: () => {
        const to = row(1)
        if (to !== undefined) point(to, true)
      },
      ArrowUp: () => {
        const to = row(-1)
        if (to !== undefined) point(to, true)
      },
      Enter: () => choose(at),
      ' ': () => choose(at),
      '+': () => zoom(1.4 * scale),
      '-': () => zoom(scale / 1.4),
      0: fit,
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
  stage.onfocus = () => {
    if (shown && stage.matches(':focus-visible')) point(chosenOrFirst(), true)
  }
  stage.onblur = () => point(-1)
  const watch = new ResizeObserver(draw)
  watch.observe(stage)
  draw()
  return () => watch.disconnect()
}
