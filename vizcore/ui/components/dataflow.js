// Draws the graph at the width there is, and lets it be moved, zoomed, and walked by keyboard.
const NS = 'http://www.w3.org/2000/svg'
const views = new WeakMap() // the visitor's zoom, kept while the page runs again

export default function ({ data, parentElement, setTriggerValue }) {
  const flow = parentElement.querySelector('.flow')
  const svg = flow.querySelector('svg')
  const tip = flow.querySelector('.tip')
  const option = flow.querySelector('.option')
  let shown = null
  let boxes = []
  let active = -1
  let box = null
  let pressed = null
  let moved = false
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
    box = { x, y: Math.min(Math.max(next.y, (-wide * high) / 2), shown.height - (wide * high) / 2), w: wide }
    svg.setAttribute('viewBox', `${box.x} ${box.y} ${box.w} ${box.w * high}`)
    views.set(parentElement, { name: `${data.name} ${shown.width}`, box })
    svg.dataset.zoom = (svg.clientWidth / box.w).toFixed(3)
  }
  const fit = () => {
    const high = svg.clientHeight / Math.max(1, svg.clientWidth)
    const wide = Math.max(shown.width, shown.height / high)
    look({ x: (shown.width - wide) / 2, y: (shown.height - wide * high) / 2, w: wide })
  }
  const centre = (node, wide) => {
    const high = svg.clientHeight / Math.max(1, svg.clientWidth)
    look({ x: node.x - wide / 2, y: node.y - (wide * high) / 2, w: wide })
  }
  const zoom = (factor, x, y) => {
    const frame = svg.getBoundingClientRect()
    const high = frame.height / frame.width
    const px = x === undefined ? 0.5 : (x - frame.left) / frame.width
    const py = y === undefined ? 0.5 : (y - frame.top) / frame.height
    const w = Math.min(Math.max(box.w / factor, 160), 4 * Math.max(shown.width, shown.height))
    look({ x: box.x + px * (box.w - w), y: box.y + py * (box.w - w) * high, w })
  }
  const point = (index, keyboard) => {
    if (active >= 0) boxes[active].classList.remove('over')
    active = index
    tip.style.display = index < 0 ? 'none' : 'block'
    if (index < 0) return
    const node = shown.nodes[index]
    const high = svg.clientHeight / svg.clientWidth
    if (keyboard) {
      boxes[index].classList.add('over')
      const out = node.x < box.x || node.x > box.x + box.w || node.y < box.y || node.y > box.y + box.w * high
      if (out) centre(node, box.w)
      option.textContent = node.title
      option.setAttribute('aria-selected', node.chosen)
    }
    tip.textContent = node.title
    const scale = svg.clientWidth / box.w
    const x = (node.x - box.x) * scale - tip.offsetWidth / 2
    const y = (node.y - box.y - shown.high / 2) * scale - tip.offsetHeight - 6
    tip.style.left = `${Math.max(2, Math.min(x, flow.clientWidth - tip.offsetWidth - 4))}px`
    tip.style.top = `${y < 2 ? (node.y - box.y + shown.high / 2) * scale + 6 : y}px`
  }
  const chosenOrFirst = () => {
    const index = shown.nodes.findIndex((node) => node.chosen)
    return Math.max(0, index)
  }
  const choose = (index) => {
    if (index >= 0 && shown.nodes[index].name) setTriggerValue('chosen', shown.nodes[index].name)
  }
  const draw = () => {
    const next = svg.clientWidth < 720 ? data.narrow : data.wide
    if (!svg.clientWidth || next === shown) return
    shown = next
    const room = (shown.height * svg.clientWidth) / shown.width
    svg.style.height = `${Math.round(Math.min(Math.max(room, 180), data.height))}px`
    svg.replaceChildren()
    const arrow = make(
      'marker',
      {
        id: 'tip',
        viewBox: '0 0 8 8',
        refX: 7,
        refY: 4,
        markerWidth: 9,
        markerHeight: 9,
        orient: 'auto',
        markerUnits: 'userSpaceOnUse',
      },
      make('defs', {}, svg),
    )
    make('path', { d: 'M0 0L8 4L0 8z' }, arrow)
    for (const edge of shown.edges)
      make('path', { d: edge.d, class: edge.off ? 'off' : edge.on ? 'on' : '', 'marker-end': 'url(#tip)' }, svg)
    boxes = shown.nodes.map((node, index) => {
      const looks = [
        'node',
        node.fill ? '' : 'plain',
        node.name ? 'pick' : '',
        node.off ? 'off' : '',
        node.chosen ? 'chosen' : '',
      ]
        .filter(Boolean)
        .join(' ')
      const group = make('g', { class: looks, transform: `translate(${node.x} ${node.y})` }, svg)
      group.dataset.layer = node.name
      const fill = node.fill && !node.off ? { style: `fill:${node.fill}` } : {}
      const ink = node.ink && !node.off ? { style: `fill:${node.ink}` } : {}
      if (node.round) make('circle', { r: node.lines[0].length > 1 ? 20 : 13, ...fill }, group)
      else
        make(
          'rect',
          { x: -shown.wide / 2, y: -shown.high / 2, width: shown.wide, height: shown.high, rx: 6, ...fill },
          group,
        )
      node.lines.forEach((line, row) => {
        const kind = row || (node.round && line.length > 1) ? 'shape' : 'name'
        make('text', { class: kind, y: node.lines.length > 1 ? (row ? 15 : -3) : 4, ...ink }, group, line)
      })
      if (node.join) {
        const badge = make('g', { class: 'plain', transform: `translate(${-shown.wide / 2} 0)` }, group)
        make('circle', { r: node.join.length > 1 ? 17 : 10 }, badge)
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
    })
    active = -1
    const kept = views.get(parentElement)
    if (kept && kept.name === `${data.name} ${shown.width}`) look(kept.box)
    else fit()
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
    if (!event.ctrlKey && !event.metaKey) return // otherwise the page scrolls
    event.preventDefault()
    zoom(Math.exp(-Math.max(-40, Math.min(40, event.deltaY)) * 0.01), event.clientX, event.clientY)
    point(-1)
  }
  svg.onpointerdown = (event) => {
    pressed = { x: event.clientX, y: event.clientY, box, id: event.pointerId }
    moved = false
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
    const scale = pressed.box.w / svg.clientWidth
    look({ x: pressed.box.x - dx * scale, y: pressed.box.y - dy * scale, w: pressed.box.w })
  }
  svg.onpointerup = svg.onpointercancel = () => {
    pressed = null
    svg.classList.remove('moving')
  }
  flow.onkeydown = (event) => {
    if (event.target !== flow) return
    const nodes = shown.nodes
    const at = active < 0 ? chosenOrFirst() : active
    // the nearest node above or below
    const row = (sign) => {
      const far = (i) => Math.abs(nodes[i].y - nodes[at].y) * 3 + Math.abs(nodes[i].x - nodes[at].x)
      const there = nodes.map((_, i) => i).filter((i) => sign * (nodes[i].y - nodes[at].y) > 1)
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
      '+': () => zoom(1.4),
      '-': () => zoom(1 / 1.4),
      0: fit,
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
  flow.onfocus = () => {
    if (shown && flow.matches(':focus-visible')) point(chosenOrFirst(), true)
  }
  flow.onblur = () => point(-1)
  const watch = new ResizeObserver(draw)
  watch.observe(svg)
  draw()
  return () => watch.disconnect()
}
