// A map of pictures. `data` is one buffer: the length of a head, the head as JSON, and arrays of numbers after it.
// Two mounts share this module: one takes the sheet of thumbnails and the words of each picture, once; the other draws.
const sheets = new Map() // by name: what the first kind of mount has brought
const waiting = new Set() // clouds whose sheet has not come
const kept = new WeakMap() // by mount: where the visitor looks, and what is selected
const TRAVEL = 700 // ms that the points need from one layer to the next
const SLOW = 14 // ms of a frame, painting included, from which pictures move as dots
const HUES = [
  '#4477aa',
  '#ee6677',
  '#228833',
  '#ccbb44',
  '#66ccee',
  '#aa3377',
  '#e08214',
  '#7f7f7f',
  '#8c6d4f',
  '#5b4fc4',
]
const GREY = '#9a9fa3'
const RIGHT = '#1b9e8f'
const WRONG = '#d1495b'
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches

const unpack = (data) => {
  const size = new DataView(data.buffer, data.byteOffset).getUint32(0)
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)))
  const body = data.slice(4 + size).buffer // a copy begins at a multiple of four
  return [head, body]
}

const take_sheet = (head, body) => {
  if (sheets.has(head.name)) return
  const sheet = { ...head, bitmap: null }
  sheets.set(head.name, sheet)
  if (sheets.size > 4) sheets.delete(sheets.keys().next().value)
  createImageBitmap(new Blob([body])).then((bitmap) => {
    sheet.bitmap = bitmap
    for (const redraw of waiting) redraw()
  })
}

// One colour for each of some names; those beyond the tenth by turning the hue.
const palette = (count) =>
  Array.from({ length: count }, (_, at) =>
    count <= HUES.length ? HUES[at] : `hsl(${Math.round((at * 137.5) % 360)} 62% ${[42, 60, 50][at % 3]}%)`,
  )

// The middle of the points, and what divides them so that they fill a stage that reaches to `reach` on each axis.
const spread = (raw, count, dimensions, reach = [1, 1, 1]) => {
  const low = [0, 0, 0].fill(Infinity)
  const high = [0, 0, 0].fill(-Infinity)
  for (let at = 0; at < count; at++)
    for (let axis = 0; axis < dimensions; axis++) {
      const value = raw[at * dimensions + axis]
      if (value < low[axis]) low[axis] = value
      if (value > high[axis]) high[axis] = value
    }
  let half = 0
  for (let axis = 0; axis < dimensions; axis++) half = Math.max(half, (high[axis] - low[axis]) / 2 / reach[axis])
  const middle = low.map((value, axis) => (axis < dimensions ? (value + high[axis]) / 2 : 0))
  return { middle, half: half || 1 }
}

const fitted = (raw, count, dimensions, box = spread(raw, count, dimensions)) => {
  const found = new Float32Array(3 * count)
  for (let at = 0; at < count; at++)
    for (let axis = 0; axis < dimensions; axis++)
      found[3 * at + axis] = ((raw[at * dimensions + axis] - box.middle[axis]) / box.half) * (axis === 1 ? -1 : 1)
  return found
}

// Each point on a cell of its own: columns by x, and within a column by y.
const gridded = (places, count, half_wide, half_high) => {
  const columns = Math.max(1, Math.round(Math.sqrt((count * half_wide) / half_high)))
  const rows = Math.ceil(count / columns)
  const order = Array.from({ length: count }, (_, at) => at).sort((a, b) => places[3 * a] - places[3 * b])
  const found = new Float32Array(3 * count)
  for (let column = 0; column * rows < count; column++) {
    const part = order.slice(column * rows, (column + 1) * rows).sort((a, b) => places[3 * a + 1] - places[3 * b + 1])
    part.forEach((at, row) => {
      found[3 * at] = half_wide * ((2 * column + 1) / columns - 1)
      found[3 * at + 1] = half_high * ((2 * row + 1) / rows - 1)
    })
  }
  return { found, columns }
}

// The k nearest others of a point, by coordinates as they came.
const near = (raw, count, dimensions, of, k) => {
  const best = []
  for (let at = 0; at < count; at++) {
    if (at === of) continue
    let far = 0
    for (let axis = 0; axis < dimensions; axis++) {
      const step = raw[at * dimensions + axis] - raw[of * dimensions + axis]
      far += step * step
    }
    if (best.length === k && far >= best[k - 1][0]) continue
    let place = best.length
    while (place && best[place - 1][0] > far) place--
    best.splice(place, 0, [far, at])
    if (best.length > k) best.pop()
  }
  return best.map(([, at]) => at)
}

const inside = (polygon, x, y) => {
  let odd = false
  for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
    const [ax, ay] = polygon[a]
    const [bx, by] = polygon[b]
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd
  }
  return odd
}

const field = (text) => {
  const said = /^[=+@\t\r]/.test(text) ? `'${text}` : text // a spreadsheet would run it
  return /[",\n]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.cloud')
  const [head, body] = unpack(data)
  if (head.kind === 'sheet') {
    root.hidden = true
    take_sheet(head, body)
    return undefined
  }
  const find = (name) => root.querySelector(name)
  find('.progress').hidden = !head.progress
  if (head.progress) {
    find('.progress i').style.width = `${100 * head.progress.share}%`
    find('.progress span').textContent = head.progress.text
    find('.stop').onclick = () => setTriggerValue('stop', true)
  }
  if (!head.layers.length) return undefined // what was drawn before stays
  const [stage, base, over, small, card, tip] = ['.stage', '.base', '.over', '.small', '.card', '.tip'].map(find)
  const [search, slider, named, facts, legend, said] = [
    '.search',
    '.slider',
    '.named',
    '.facts',
    '.legend',
    '.said',
  ].map(find)
  const { count, dimensions } = head
  const state = kept.get(parentElement) || { mode: 'move', query: '', frames: 0, cost: 0 }
  kept.set(parentElement, state)
  const room_of = () => root.getRootNode().host?.closest('[data-testid="stMain"]')
  const page = room_of()
  const inner = page?.querySelector('[data-testid="stMainBlockContainer"]')

  // The arrays, one layer after the other.
  let at_byte = 0
  const next = (Kind, length) => {
    const found = new Kind(body, at_byte, length)
    at_byte += Math.ceil((length * Kind.BYTES_PER_ELEMENT) / 4) * 4
    return found
  }
  const layers = head.layers.map((layer) => ({
    ...layer,
    raw: next(Float32Array, count * dimensions),
    trust: layer.judged ? next(Float32Array, count) : null,
    true_ones: layer.judged ? next(Uint16Array, count * head.k) : null,
  }))
  const twin = head.twin ? next(Float32Array, count * dimensions) : null

  if (state.same !== `${head.sheet} ${count} ${dimensions}`) {
    state.same = `${head.sheet} ${count} ${dimensions}`
    state.camera = { x: 0, y: 0, zoom: 1, yaw: 0.5, pitch: -0.35 }
    state.places = null
    state.active = state.pinned = -1
    state.chosen = new Uint8Array(count)
    state.picked = null
  }
  if (state.current !== head.current) {
    state.current = head.current
    state.layer = null
  }
  const index_of = (name) => layers.findIndex((layer) => layer.name === name)
  let shown = Math.max(0, index_of(state.layer ?? head.current))

  const sheet = () => sheets.get(head.sheet)
  const x_on = new Float32Array(count)
  const y_on = new Float32Array(count)
  const depth = new Float32Array(count)
  const order = new Uint32Array(count)
  for (let at = 0; at < count; at++) order[at] = at
  let wide = 0
  let high = 0
  let unit = 1
  let cell = 0
  let frame = 0
  let gone = false

  // Colours.
  const colours = () => {
    const known = sheet()
    if (!known) return { of: () => 0, names: [], paint: [GREY], counts: [] }
    if (head.colour === 'correctness') {
      const code = (at) => known.correct[at]
      return { of: code, names: ['wrong', 'right', 'nobody has judged it'], paint: [WRONG, RIGHT, GREY] }
    }
    const codes = head.colour === 'prediction' ? known.predicted : known.label
    const names = head.colour === 'prediction' ? known.predicted_names : known.label_names
    const paint = palette(names.length)
    if (names.at(-1) === 'another') paint[names.length - 1] = GREY
    return { of: (at) => codes[at], names, paint }
  }
  let paint = colours()

  // Where the points are on the screen.
  const measure = () => {
    wide = stage.clientWidth
    const tools = find('.tools').offsetHeight
    const below = root.offsetHeight - tools - find('.body').offsetHeight + head.room
    const top = root.getBoundingClientRect().top + (page?.scrollTop ?? 0) + tools
    high = Math.max(200, Math.min(640, window.innerHeight - top - below))
    stage.style.height = `${high}px`
    find('.aside').style.maxHeight = `${high}px`
    const ratio = window.devicePixelRatio || 1
    for (const canvas of [base, over]) {
      canvas.width = Math.round(wide * ratio)
      canvas.height = Math.round(high * ratio)
      canvas.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0)
    }
    unit = (Math.min(wide, high) / 2) * (dimensions === 3 ? 0.9 : 1)
    aim()
  }
  const aim = () => {
    const layer = layers[shown]
    const flat = dimensions === 2 && wide
    state.box = spread(
      layer.raw,
      count,
      dimensions,
      flat ? [(wide - 50) / 2 / unit, (high - 50) / 2 / unit, 1] : [1, 1, 1],
    )
    let goal = fitted(layer.raw, count, dimensions, state.box)
    cell = 0
    if (head.grid && wide) {
      const grid = gridded(goal, count, wide / 2 / unit, high / 2 / unit)
      goal = grid.found
      cell = wide / grid.columns
    }
    state.goal = goal
  }
  const travel = (quick = false) => {
    if (!state.places || quick || calm()) {
      state.places = state.goal.slice()
      state.from = null
    } else {
      state.from = state.places.slice()
      state.began = performance.now()
    }
    ask()
  }
  const moved = (now) => {
    if (!state.from) return
    const share = Math.min(1, (now - state.began) / (layers[shown].live ? 220 : TRAVEL))
    const eased = share < 1 ? share * share * (3 - 2 * share) : 1
    for (let at = 0; at < 3 * count; at++) state.places[at] = state.from[at] + (state.goal[at] - state.from[at]) * eased
    if (share >= 1) state.from = null
  }
  const look = (x, y, z) => {
    const { camera } = state
    if (dimensions === 2 || head.grid)
      return [wide / 2 + (x - camera.x) * unit * camera.zoom, high / 2 + (y - camera.y) * unit * camera.zoom, 1]
    const [cy, sy, cp, sp] = turned()
    const right = cy * x + sy * z
    const back = -sy * x + cy * z
    const down = cp * y - sp * back
    const near_by = 2.6 / (2.6 - (sp * y + cp * back))
    return [wide / 2 + right * unit * camera.zoom * near_by, high / 2 + down * unit * camera.zoom * near_by, near_by]
  }
  const turned = () => {
    const { yaw, pitch } = state.camera
    return [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)]
  }
  const project = (sorted) => {
    const { camera, places } = state
    if (dimensions === 2 || head.grid) {
      const factor = unit * camera.zoom
      const left = wide / 2 - camera.x * factor
      const top = high / 2 - camera.y * factor
      for (let at = 0; at < count; at++) {
        x_on[at] = left + places[3 * at] * factor
        y_on[at] = top + places[3 * at + 1] * factor
        depth[at] = 1
      }
      return
    }
    const [cy, sy, cp, sp] = turned()
    const factor = unit * camera.zoom
    for (let at = 0; at < count; at++) {
      const [x, y, z] = [places[3 * at], places[3 * at + 1], places[3 * at + 2]]
      const back = cy * z - sy * x
      const near_by = 2.6 / (2.6 - (sp * y + cp * back))
      x_on[at] = wide / 2 + (cy * x + sy * z) * factor * near_by
      y_on[at] = high / 2 + (cp * y - sp * back) * factor * near_by
      depth[at] = near_by
    }
    if (sorted) order.sort((a, b) => depth[a] - depth[b])
  }
  const size_of = () => {
    if (cell) return cell * 0.94 * state.camera.zoom
    const usual = Math.max(7, Math.min(36, 0.62 * Math.sqrt((wide * high) / count)))
    return Math.min(96, usual * state.camera.zoom ** 0.75)
  }

  // Drawing.
  const faded = () => {
    const some = state.chosen.some((one) => one)
    const words = state.query.trim().toLowerCase()
    const known = sheet()
    if (!some && !words && state.picked === null) return null
    const found = new Uint8Array(count)
    for (let at = 0; at < count; at++) {
      const match = !words || (known && text_of(known, at).toLowerCase().includes(words))
      const same = state.picked === null || paint.of(at) === state.picked
      found[at] = match && same && (!some || state.chosen[at]) ? 0 : 1
    }
    return found
  }
  const text_of = (known, at) =>
    `${known.titles[at]} ${known.label_names[known.label[at]]} ${known.predicted_words[at] ?? ''}`
  const style = getComputedStyle(root)
  const ink = (name, other) => style.getPropertyValue(name).trim() || other

  const draw = () => {
    if (!state.places || !wide) return
    const began = performance.now()
    const brush = base.getContext('2d')
    brush.clearRect(0, 0, wide, high)
    const known = sheet()
    const light = (state.from || state.drag) && state.cost > SLOW // while it moves: dots without halos
    const photos = head.drawn === 'pictures' && known?.bitmap && !light
    project(photos)
    const size = size_of()
    const pale = state.pale
    const layer = layers[shown]
    const off = (at, by) => x_on[at] < -by || x_on[at] > wide + by || y_on[at] < -by || y_on[at] > high + by
    if (head.halo && layer.trust && !head.grid && !light) {
      brush.fillStyle = 'rgba(209, 73, 91, 0.22)'
      brush.beginPath()
      for (let at = 0; at < count; at++) {
        const doubt = 1 - layer.trust[at]
        if (doubt < 0.03 || pale?.[at] || off(at, 60)) continue
        const radius = (size * 0.5 + Math.min(14, 2 + 70 * doubt)) * depth[at]
        brush.moveTo(x_on[at] + radius, y_on[at])
        brush.arc(x_on[at], y_on[at], radius, 0, 7)
      }
      brush.fill()
    }
    if (photos) {
      const edge = size > 14 ? 2 : 1
      brush.imageSmoothingEnabled = size < sheet().cell * 2 || !known.crisp
      for (let rank = 0; rank < count; rank++) {
        const at = order[rank]
        const side = size * depth[at]
        if (off(at, side)) continue
        brush.globalAlpha = pale?.[at] ? 0.12 : 1
        const left = x_on[at] - side / 2
        const top = y_on[at] - side / 2
        brush.fillStyle = paint.paint[paint.of(at)]
        brush.fillRect(left - edge, top - edge, side + 2 * edge, side + 2 * edge)
        const column = at % known.columns
        const row = (at - column) / known.columns
        brush.drawImage(
          known.bitmap,
          column * known.cell,
          row * known.cell,
          known.cell,
          known.cell,
          left,
          top,
          side,
          side,
        )
      }
      brush.globalAlpha = 1
    } else {
      const radius = Math.max(2, Math.min(6, size / 4))
      for (let code = 0; code < paint.paint.length; code++)
        for (const dim of pale ? [1, 0] : [0]) {
          brush.fillStyle = paint.paint[code]
          brush.globalAlpha = dim ? 0.12 : 0.9
          brush.beginPath()
          for (let at = 0; at < count; at++) {
            if (paint.of(at) !== code || (pale && pale[at] !== dim) || off(at, 8)) continue
            const by = radius * depth[at]
            if (light) brush.fillRect(Math.round(x_on[at] - by), Math.round(y_on[at] - by), 2 * radius, 2 * radius)
            else if (count > 2000) brush.rect(x_on[at] - by, y_on[at] - by, 2 * by, 2 * by)
            else {
              brush.moveTo(x_on[at] + by, y_on[at])
              brush.arc(x_on[at], y_on[at], by, 0, 7)
            }
          }
          brush.fill()
        }
      brush.globalAlpha = 1
    }
    if (!light && (state.from || state.drag))
      setTimeout(() => {
        const took = performance.now() - began // after the painting
        state.cost = state.cost ? 0.7 * state.cost + 0.3 * took : took
      })
    root.dataset.draws = Number(root.dataset.draws || 0) + 1
    root.dataset.layer = layer.name
    trace()
  }

  const active = () => (state.active >= 0 ? state.active : state.pinned)
  const placed_at = (one) => {
    const layer = layers[shown]
    if (one.layer !== layer.name || head.grid) return null
    const place = fitted(one.at, 1, dimensions, state.box)
    return look(place[0], place[1], place[2])
  }
  const trace = () => {
    const brush = over.getContext('2d')
    brush.clearRect(0, 0, wide, high)
    const size = size_of()
    const accent = ink('--st-primary-color', '#1c6c86')
    const text = ink('--st-text-color', '#111')
    const line = (a, b, x, y) => {
      brush.beginPath()
      brush.moveTo(a, b)
      brush.lineTo(x, y)
      brush.stroke()
    }
    const ring = (x, y, side, colour, thick = 2) => {
      brush.strokeStyle = colour
      brush.lineWidth = thick
      brush.strokeRect(x - side / 2, y - side / 2, side, side)
    }
    if (head.own >= 0 && head.own < count) {
      ring(x_on[head.own], y_on[head.own], size * depth[head.own] + 9, text, 3)
    }
    const of = active()
    const judged = of >= 0 ? judge(of) : null
    if (judged) {
      const side = size * depth[of]
      brush.lineWidth = 1.5
      brush.strokeStyle = accent
      for (const other of judged.true_ones) line(x_on[of], y_on[of], x_on[other], y_on[other])
      for (const other of judged.true_ones)
        ring(x_on[other], y_on[other], size * depth[other] + 5, accent, judged.here.has(other) ? 3 : 1.5)
      brush.setLineDash([4, 4])
      for (const other of judged.false_ones) {
        brush.strokeStyle = WRONG
        brush.lineWidth = 1.5
        line(x_on[of], y_on[of], x_on[other], y_on[other])
      }
      brush.setLineDash([])
      brush.strokeStyle = WRONG
      brush.lineWidth = 3
      for (const other of judged.false_ones) {
        const by = Math.max(5, (size * depth[other]) / 2)
        line(x_on[other] - by, y_on[other] - by, x_on[other] + by, y_on[other] + by)
        line(x_on[other] - by, y_on[other] + by, x_on[other] + by, y_on[other] - by)
      }
      ring(x_on[of], y_on[of], side + 7, text, 3)
    } else if (of >= 0) ring(x_on[of], y_on[of], size * depth[of] + 7, text, 3)
    head.placed.forEach((one) => {
      const place = placed_at(one)
      if (!place) return
      brush.fillStyle = text
      brush.strokeStyle = ink('--st-background-color', '#fff')
      brush.lineWidth = 2
      brush.beginPath()
      const by = 11
      for (let corner = 0; corner < 10; corner++) {
        const far = corner % 2 ? by * 0.45 : by
        const turn = (corner * Math.PI) / 5 - Math.PI / 2
        brush.lineTo(place[0] + far * Math.cos(turn), place[1] + far * Math.sin(turn))
      }
      brush.closePath()
      brush.fill()
      brush.stroke()
    })
    if (state.lasso?.length > 1) {
      brush.strokeStyle = accent
      brush.fillStyle = 'rgba(90, 160, 190, 0.15)'
      brush.lineWidth = 2
      brush.beginPath()
      for (const [x, y] of state.lasso) brush.lineTo(x, y)
      brush.closePath()
      brush.fill()
      brush.stroke()
    }
  }
  const judge = (of) => {
    const layer = layers[shown]
    if (!layer.true_ones) return null
    const key = `${layer.name} ${of}`
    if (state.judged?.key === key && state.judged.raw === layer.raw) return state.judged
    const true_ones = [...layer.true_ones.subarray(of * head.k, (of + 1) * head.k)]
    const on_map = near(layer.raw, count, dimensions, of, head.k)
    const wanted = new Set(true_ones)
    const false_ones = on_map.filter((other) => !wanted.has(other))
    state.judged = { key, raw: layer.raw, true_ones, false_ones, here: new Set(on_map) }
    return state.judged
  }
  const ask = () => {
    if (frame || gone) return
    frame = requestAnimationFrame((now) => {
      frame = 0
      moved(now)
      draw()
      if (state.from) ask()
    })
  }

  // The noise twin.
  const draw_twin = () => {
    find('.twin').hidden = !head.twin_text
    find('.twin_text').textContent = head.twin_text
    small.hidden = !twin
    if (!twin) return
    const ratio = window.devicePixelRatio || 1
    const side = small.clientWidth || 150
    small.width = small.height = Math.round(side * ratio)
    const brush = small.getContext('2d')
    brush.setTransform(ratio, 0, 0, ratio, 0, 0)
    const places = fitted(twin, count, dimensions)
    const by = count > 2000 ? 1 : 1.6
    for (let at = 0; at < count; at++) {
      brush.fillStyle = paint.paint[paint.of(at)]
      brush.fillRect(
        side / 2 + places[3 * at] * side * 0.47 - by,
        side / 2 + places[3 * at + 1] * side * 0.47 - by,
        2 * by,
        2 * by,
      )
    }
  }

  // Words.
  const describe = (of) => {
    const known = sheet()
    if (!known) return []
    const lines = [known.titles[of], `label: ${known.label_names[known.label[of]]}`]
    if (known.predicted_words[of]) lines.push(`the network says: ${known.predicted_words[of]}`)
    const judged = judge(of)
    if (judged) {
      lines.push(`trustworthiness ${layers[shown].trust[of].toFixed(2)}`)
      lines.push(`${judged.false_ones.length} of its ${head.k} nearest here are false`)
    }
    return lines
  }
  const tell = (of) => {
    const thumb = card.querySelector('canvas')
    const list = card.querySelector('ul')
    const known = sheet()
    if (of < 0 || !known?.bitmap) {
      list.replaceChildren(line_of(head.hint))
      thumb.hidden = true
      return
    }
    thumb.hidden = false
    const brush = thumb.getContext('2d')
    brush.imageSmoothingEnabled = !known.crisp
    const column = of % known.columns
    const row = (of - column) / known.columns
    brush.drawImage(known.bitmap, column * known.cell, row * known.cell, known.cell, known.cell, 0, 0, 96, 96)
    list.replaceChildren(...describe(of).map(line_of))
  }
  const line_of = (text) => {
    const item = document.createElement('li')
    item.textContent = text
    return item
  }
  const point = (of, loud = false) => {
    if (of === state.active) return
    state.active = of
    trace()
    tell(active())
    if (loud) said.textContent = of < 0 ? '' : describe(of).join('; ')
    root.dataset.active = active()
    tip.hidden = true
  }
  const show_facts = () => {
    const layer = layers[shown]
    facts.replaceChildren(...layer.lines.map(line_of))
    named.textContent = layer.name === head.current ? layer.name : `${layer.name}, not ${head.current}`
    slider.setAttribute('aria-valuetext', layer.name)
    find('.use').hidden = layer.name === head.current
    find('.layers').hidden = layers.length < 2
  }
  const show_legend = () => {
    paint = colours()
    if (state.picked !== null && state.picked >= paint.names.length) state.picked = null
    const totals = new Map()
    for (let at = 0; at < count; at++) totals.set(paint.of(at), (totals.get(paint.of(at)) || 0) + 1)
    legend.replaceChildren(
      ...paint.names.flatMap((name, code) => {
        if (!totals.has(code)) return []
        const button = document.createElement('button')
        const mark = document.createElement('i')
        button.type = 'button'
        mark.style.background = paint.paint[code]
        button.append(mark, name)
        button.title = `${totals.get(code)} pictures: ${name}. Click to see them alone.`
        button.setAttribute('aria-pressed', state.picked === code)
        button.onclick = () => {
          state.picked = state.picked === code ? null : code
          show_legend()
          fade()
        }
        return [button]
      }),
    )
  }
  const fade = () => {
    state.pale = faded()
    const left = state.pale ? state.pale.reduce((sum, one) => sum - one, count) : count
    find('.found').textContent = state.pale ? `${left} of ${count}` : `${count} pictures`
    find('.clear').disabled = !state.pale
    ask()
  }

  // Controls.
  const zoom_by = (factor, x = wide / 2, y = high / 2) => {
    const { camera } = state
    const before = camera.zoom
    camera.zoom = Math.max(0.5, Math.min(40, camera.zoom * factor))
    const scale = unit * camera.zoom
    camera.x += (x - wide / 2) * (1 / (unit * before) - 1 / scale)
    camera.y += (y - high / 2) * (1 / (unit * before) - 1 / scale)
    ask()
  }
  const shift = (dx, dy) => {
    const { camera } = state
    if (dimensions === 3 && !head.grid) {
      camera.yaw += dx * 0.008
      camera.pitch = Math.max(-1.5, Math.min(1.5, camera.pitch + dy * 0.008))
    } else {
      camera.x -= dx / (unit * camera.zoom)
      camera.y -= dy / (unit * camera.zoom)
    }
    ask()
  }
  const under = (event) => {
    const frame_of = stage.getBoundingClientRect()
    const x = event.clientX - frame_of.left
    const y = event.clientY - frame_of.top
    let best = -1
    let least = Math.max(14, size_of() * 0.75) ** 2
    for (let at = 0; at < count; at++) {
      const far = (x_on[at] - x) ** 2 + (y_on[at] - y) ** 2
      if (far < least && !state.pale?.[at]) {
        least = far
        best = at
      }
    }
    return [best, x, y]
  }
  stage.onpointerdown = (event) => {
    if (event.button) return
    const [, x, y] = under(event)
    state.drag = { x: event.clientX, y: event.clientY, far: 0 }
    if (state.mode === 'lasso') state.lasso = [[x, y]]
    stage.setPointerCapture(event.pointerId)
  }
  stage.onpointermove = (event) => {
    if (!state.drag) {
      const [best, x, y] = under(event)
      point(best)
      const star = head.placed.find((one) => {
        const place = placed_at(one)
        return place && Math.hypot(place[0] - x, place[1] - y) < 14
      })
      tip.hidden = !star
      if (star) {
        tip.textContent = star.text
        tip.style.left = `${Math.max(0, Math.min(x + 12, wide - 220))}px`
        tip.style.top = `${Math.max(0, y - 34)}px`
      }
      return
    }
    const dx = event.clientX - state.drag.x
    const dy = event.clientY - state.drag.y
    state.drag.far += Math.abs(dx) + Math.abs(dy)
    Object.assign(state.drag, { x: event.clientX, y: event.clientY })
    if (state.mode === 'lasso') {
      const [, x, y] = under(event)
      state.lasso.push([x, y])
      trace()
    } else shift(dx, dy)
  }
  const end = (event) => {
    if (!state.drag) return
    const still = state.drag.far < 5
    state.drag = null
    if (still) {
      const [best] = under(event)
      state.pinned = best === state.pinned ? -1 : best
      tell(active())
    } else if (state.lasso) {
      state.chosen = new Uint8Array(count)
      for (let at = 0; at < count; at++) state.chosen[at] = inside(state.lasso, x_on[at], y_on[at]) ? 1 : 0
      fade()
    }
    state.lasso = null
    ask()
  }
  stage.onpointerup = end
  stage.onpointercancel = end
  stage.onpointerleave = () => point(-1)
  const wheel = (event) => {
    if (!event.ctrlKey && root.getRootNode().activeElement !== stage) return // the page scrolls on until it is clicked
    event.preventDefault()
    const [, x, y] = under(event)
    zoom_by(Math.exp(-event.deltaY * 0.0015), x, y)
  }
  stage.addEventListener('wheel', wheel, { passive: false })
  const step_to = (dx, dy) => {
    const from = active()
    if (from < 0) {
      let best = 0
      for (let at = 0; at < count; at++)
        if (
          Math.hypot(x_on[at] - wide / 2, y_on[at] - high / 2) <
          Math.hypot(x_on[best] - wide / 2, y_on[best] - high / 2)
        )
          best = at
      return best
    }
    let best = from
    let least = Infinity
    for (let at = 0; at < count; at++) {
      const ax = x_on[at] - x_on[from]
      const ay = y_on[at] - y_on[from]
      const along = ax * dx + ay * dy
      if (at === from || along <= 0.5 || state.pale?.[at]) continue
      const far = along + 2.5 * Math.abs(ax * dy - ay * dx)
      if (far < least) {
        least = far
        best = at
      }
    }
    return best
  }
  stage.onkeydown = (event) => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (arrow && event.shiftKey) shift(-30 * arrow[0], -30 * arrow[1])
    else if (arrow) {
      const to = step_to(...arrow)
      state.pinned = to
      point(-1)
      point(to, true)
    } else if (event.key === '+' || event.key === '=') zoom_by(1.25)
    else if (event.key === '-') zoom_by(0.8)
    else if (event.key === '0') find('.whole').click()
    else if (event.key === 'Enter' && active() >= 0) {
      state.chosen[active()] ^= 1
      fade()
    } else if (event.key === 'Escape') find('.clear').click()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const set_mode = (mode) => {
    state.mode = mode
    root.querySelectorAll('.mode').forEach((button) => {
      button.setAttribute('aria-pressed', button.dataset.mode === mode)
    })
    stage.dataset.mode = mode
  }
  root.querySelectorAll('.mode').forEach((button) => {
    button.onclick = () => set_mode(button.dataset.mode)
  })
  root.querySelectorAll('.zoom').forEach((button) => {
    button.onclick = () => zoom_by(Number(button.dataset.by))
  })
  find('.whole').onclick = () => {
    state.camera = { x: 0, y: 0, zoom: 1, yaw: 0.5, pitch: -0.35 }
    ask()
  }
  find('.clear').onclick = () => {
    state.chosen = new Uint8Array(count)
    state.query = search.value = ''
    state.picked = null
    state.pinned = -1
    show_legend()
    fade()
  }
  search.value = state.query
  search.oninput = () => {
    state.query = search.value
    fade()
  }
  find('.csv').onclick = () => {
    const known = sheet()
    const layer = layers[shown]
    if (!known) return
    const axes = ['x', 'y', 'z'].slice(0, dimensions)
    const rows = [['number', 'title', 'label', 'prediction', 'layer', ...axes, 'trustworthiness'].join(',')]
    for (let at = 0; at < count; at++) {
      if (state.pale?.[at]) continue
      const place = [...layer.raw.subarray(at * dimensions, (at + 1) * dimensions)].map((value) => value.toPrecision(6))
      const words = [known.titles[at], known.label_names[known.label[at]], known.predicted_words[at] ?? '', layer.name]
      rows.push([at, ...words.map(field), ...place, layer.trust ? layer.trust[at].toFixed(4) : ''].join(','))
    }
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([`${rows.join('\r\n')}\r\n`], { type: 'text/csv' }))
    link.download = 'pictures_on_the_map.csv'
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 1000)
  }
  slider.max = layers.length - 1
  slider.value = shown
  slider.oninput = () => {
    shown = Number(slider.value)
    state.layer = layers[shown].name
    show_facts()
    aim()
    travel()
    tell(active())
  }
  find('.use').onclick = () => setTriggerValue('layer', layers[shown].name)

  stage.setAttribute('aria-label', head.alt)
  set_mode(state.mode)
  show_legend()
  show_facts()
  measure()
  travel()
  fade()
  draw_twin()
  tell(active())
  const come = () => {
    show_legend()
    fade()
    draw_twin()
    tell(active())
  }
  waiting.add(come)
  const watch = new ResizeObserver(() => {
    const before = [wide, high]
    measure()
    if (before[0] === wide && before[1] === high) return ask()
    travel(true)
    draw_twin()
    return undefined
  })
  watch.observe(root)
  if (inner) watch.observe(inner)
  return () => {
    gone = true
    cancelAnimationFrame(frame)
    waiting.delete(come)
    stage.removeEventListener('wheel', wheel)
    watch.disconnect()
  }
}
