// A small network: its layers as columns of maps, and below them one step of the way forward or back, written out.
// `data` is two buffers, one after the other: an order (settings to go to), and the network with all its numbers.
// Nothing is asked of the server; what is shown stands in the address as ?focus= and ?way=.
const MOST = 12 // maps of a layer that are drawn at a time
const ROWS = 16 // a layer of so many numbers, or fewer, is drawn number by number
const WRITTEN = 25 // a kernel of up to so many weights is written out; a larger one is drawn
const RULES = ['backprop', 'deconvnet', 'guided']
const TITLES = { backprop: 'Backprop', deconvnet: 'Deconvnet', guided: 'Guided' }
const HEAD = 34 // pixels above and below the maps
const FOOT = 17
const last = { focus: null, way: null, count: 0 } // what was shown when the page was left

// Numbers, as people write them.

const SUPER = { 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹', '-': '⁻', '+': '' }
const say = (value) => {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 0.001 && size < 100000) return String(Number(value.toPrecision(3))).replace('-', '−')
  const [digits, power] = value.toExponential(2).split('e')
  const raised = [...power].map((letter) => SUPER[letter]).join('')
  return `${String(Number(digits)).replace('-', '−')}·10${raised}`
}
const plus = (value) => (value < 0 ? `− ${say(-value)}` : `+ ${say(value)}`)
const bracket = (value) => (value < 0 ? `(${say(value)})` : say(value))

// The network.

const parse = (data) => {
  const head = (start) => {
    const size = new DataView(data.buffer, data.byteOffset + start).getUint32(0)
    const text = new TextDecoder().decode(data.subarray(start + 4, start + 4 + size))
    return [JSON.parse(text), start + 4 + size]
  }
  const [order, second] = head(0)
  const [net, start] = head(second)
  const numbers = new Float32Array(data.buffer.slice(data.byteOffset + start, data.byteOffset + data.byteLength))
  const cut = ([from, count]) => numbers.subarray(from, from + count)
  for (const stage of net.stages) {
    for (const [name, where] of Object.entries(stage.arrays)) stage[name] = cut(where)
    const [count, height, width] = [...stage.shape, 1, 1]
    Object.assign(stage, { count, height, width, flat: stage.shape.length === 1, cells: height * width })
    stage.whole = `${height} × ${width}`
  }
  net.probabilities = cut(net.probabilities)
  net.depth = net.stages.length
  return { order, net }
}

// One step: which numbers make the number at (unit, row, column). `groups` are the maps that go in; `grid(group)` is
// one of them, cell by cell; `partial` what each adds; `marks(group)` where its cells lie in the map that goes in.

const padded = (stage, row, column) => row >= 0 && column >= 0 && row < stage.height && column < stage.width

const convolution = (stage, before, unit, row, column) => {
  const [high, wide] = stage.kernel
  const rows = Array.from({ length: high }, (_, i) => row * stage.stride[0] - stage.padding[0] + i * stage.dilation[0])
  const columns = Array.from(
    { length: wide },
    (_, i) => column * stage.stride[1] - stage.padding[1] + i * stage.dilation[1],
  )
  const weight = (group, i, j) => stage.weight[((unit * before.count + group) * high + i) * wide + j]
  return sums(before, before.values, rows, columns, weight, stage.bias[unit])
}

const flipped = (stage, after, rule, unit, row, column) => {
  const [high, wide] = after.kernel
  const reached = (place, axis, size) =>
    Array.from({ length: size }, (_, i) => {
      const at = place + after.padding[axis] - (size - 1 - i) * after.dilation[axis]
      return at % after.stride[axis] === 0 ? at / after.stride[axis] : -1
    })
  const weight = (group, i, j) =>
    after.weight[((group * stage.count + unit) * high + high - 1 - i) * wide + wide - 1 - j]
  return sums(after, after[rule], reached(row, 0, high), reached(column, 1, wide), weight, 0)
}

const sums = (source, values, rows, columns, weight, bias) => {
  const inside = rows.map((row) => columns.map((column) => padded(source, row, column)))
  const number = (group, i, j) =>
    inside[i][j] ? values[(group * source.height + rows[i]) * source.width + columns[j]] : 0
  const partial = new Float64Array(source.count)
  for (let group = 0; group < source.count; group++) {
    for (let i = 0; i < rows.length; i++) {
      for (let j = 0; j < columns.length; j++) {
        if (inside[i][j]) partial[group] += number(group, i, j) * weight(group, i, j)
      }
    }
  }
  const grid = (group) =>
    rows.map((_, i) =>
      columns.map((__, j) => ({ number: number(group, i, j), weight: weight(group, i, j), inside: inside[i][j] })),
    )
  const marks = rows.flatMap((row, i) => columns.map((column, j) => [row, column, inside[i][j]]))
  const total = partial.reduce((sum, one) => sum + one, bias)
  return { groups: source.count, partial, grid, marks, bias, total, source, values }
}

// A linear layer: its input in groups, one for each map that was flattened, or all in one.
const linear = (stage, before, above, unit, back) => {
  const maps = above && !above.flat && before.kind === 'flatten' ? above : null
  const shape = maps ? [maps.count, maps.height, maps.width] : [1, 1, before.count]
  const [count, high, wide] = shape
  const number = (at) => (back ? stage[back][at] : before.values[at])
  const weight = (at) => (back ? stage.weight[at * before.count + unit] : stage.weight[unit * before.count + at])
  const total = back ? stage.count : before.count
  const [groups, rows, columns] = back ? [1, 1, total] : [count, high, wide]
  const partial = new Float64Array(groups)
  for (let at = 0; at < total; at++) partial[Math.floor(at / (rows * columns))] += number(at) * weight(at)
  const grid = (group) =>
    Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (__, j) => {
        const at = (group * rows + i) * columns + j
        return { number: number(at), weight: weight(at), inside: true }
      }),
    )
  const bias = back ? 0 : stage.bias[unit]
  const marks = []
  const source = back ? stage : maps || before
  const values = back ? stage[back] : source.values
  return { groups, partial, grid, marks, bias, total: partial.reduce((sum, one) => sum + one, bias), source, values }
}

const windowOf = (stage, before, unit, row, column) => {
  const cells = []
  const [high, wide] = stage.kernel
  const top = row * stage.stride[0] - stage.padding[0]
  const left = column * stage.stride[1] - stage.padding[1]
  for (let i = 0; i < high; i++) {
    for (let j = 0; j < wide; j++) {
      const [r, c] = [top + i * stage.dilation[0], left + j * stage.dilation[1]]
      const inside = padded(before, r, c)
      cells.push({ r, c, inside, at: (unit * before.height + r) * before.width + c, i, j })
    }
  }
  const reach = (start, size, side, pad) => Math.min(start + size, side + pad) - start
  const whole = reach(top, high, before.height, stage.padding[0]) * reach(left, wide, before.width, stage.padding[1])
  const share = stage.divisor || (stage.countsPadding ? whole : cells.filter((cell) => cell.inside).length)
  return { cells, share, high, wide }
}

const switchOf = (stage, unit, row, column) => stage.switches[(unit * stage.height + row) * stage.width + column]

// Which windows of a pool hold a cell, and what each sends back to it.
const pooledBack = (stage, after, rule, unit, row, column) => {
  const found = []
  for (let r = 0; r < after.height; r++) {
    const top = row - (r * after.stride[0] - after.padding[0])
    if (top < 0 || top > (after.kernel[0] - 1) * after.dilation[0] || top % after.dilation[0]) continue
    for (let c = 0; c < after.width; c++) {
      const left = column - (c * after.stride[1] - after.padding[1])
      if (left < 0 || left > (after.kernel[1] - 1) * after.dilation[1] || left % after.dilation[1]) continue
      const gradient = after[rule][(unit * after.height + r) * after.width + c]
      const won = after.kind === 'max' && switchOf(after, unit, r, c) === row * stage.width + column
      const share = after.kind === 'max' ? (won ? 1 : 0) : 1 / windowOf(after, stage, unit, r, c).share
      found.push({ r, c, gradient, won, share })
    }
  }
  return { found, total: found.reduce((sum, one) => sum + one.gradient * one.share, 0) }
}

const passes = (value, gradient, ceiling) => {
  const open = value > 0 && (ceiling === null || value < ceiling)
  return {
    backprop: open ? gradient : 0,
    deconvnet: Math.max(0, gradient),
    guided: open && gradient > 0 ? gradient : 0,
  }
}

// Drawing.

const indexOf = (share, signed) =>
  signed ? Math.round(128 + Math.max(-1, Math.min(1, share)) * 127) : Math.round(Math.max(0, share) * 254) + 1

const paint = (table, share, signed) => {
  const at = indexOf(share, signed)
  return [table[3 * at], table[3 * at + 1], table[3 * at + 2]]
}

// A table of colours as whole pixels.
const pixelsOf = (table) => {
  const bytes = new Uint8ClampedArray(1024).fill(255)
  for (let at = 0; at < 256; at++) bytes.set(table.slice(3 * at, 3 * at + 3), 4 * at)
  return new Uint32Array(bytes.buffer)
}
const GREYS = pixelsOf(Array.from({ length: 768 }, (_, at) => Math.floor(at / 3)))

const scaleOf = (values) => {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return { low, high, top: Math.max(Math.abs(low), Math.abs(high)) || 1 }
}

const make = (tag, name, parent, text) => {
  const node = document.createElement(tag)
  if (name) node.className = name
  if (text !== undefined) node.textContent = text
  if (parent) parent.append(node)
  return node
}

const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text
}

const build = (root) => {
  root.replaceChildren()
  const bar = make('div', 'bar', root)
  const group = (label, options, name) => {
    const box = make('div', `choices ${name}`, bar)
    box.setAttribute('role', 'group')
    box.setAttribute('aria-label', label)
    for (const [value, text] of options) {
      const button = make('button', '', box, text)
      button.type = 'button'
      button.dataset.value = value
    }
    return box
  }
  const direction = group(
    'Direction',
    [
      ['forward', 'Forward'],
      ['backward', 'Backward'],
    ],
    'direction',
  )
  const rules = group(
    'Way back through each ReLU',
    RULES.map((rule) => [rule, TITLES[rule]]),
    'rules',
  )
  const moves = group(
    'Step',
    [
      ['before', ''],
      ['after', ''],
      ['play', ''],
    ],
    'moves',
  )
  const hint = make('span', 'hint', bar, 'Arrow keys move, Enter opens a map, Escape goes back.')
  const stage = make('div', 'stage', root)
  stage.tabIndex = 0
  stage.setAttribute('role', 'listbox')
  stage.setAttribute('aria-activedescendant', 'node')
  stage.setAttribute('aria-label', 'Layers and maps of the network')
  const maps = make('canvas', 'maps', stage)
  const over = make('canvas', 'over', stage)
  const heads = make('div', 'heads', stage)
  const node = make('div', 'option', stage)
  node.id = 'node'
  node.setAttribute('role', 'option')
  const tip = make('div', 'tip', root)
  for (const drawn of [maps, over, tip]) drawn.setAttribute('aria-hidden', 'true')
  const panel = make('div', 'panel', root)
  panel.setAttribute('role', 'group')
  panel.setAttribute('aria-label', 'The step, written out')
  const title = make('p', 'title', panel)
  const row = make('div', 'row', panel)
  const figure = (name) => {
    const box = make('figure', name, row)
    const place = make('div', 'place', box)
    const canvas = make('canvas', '', place)
    canvas.setAttribute('aria-hidden', 'true')
    return { box, place, canvas, caption: make('figcaption', '', box) }
  }
  const from = figure('from')
  const sum = make('div', 'sum', row)
  const work = make('div', 'work', sum)
  const grid = make('div', 'grid', work)
  const result = make('p', 'result', work)
  const parts = make('div', 'parts', sum)
  parts.setAttribute('role', 'radiogroup')
  const to = figure('to')
  to.place.tabIndex = 0
  to.place.setAttribute('role', 'listbox')
  to.place.setAttribute('aria-activedescendant', 'cell')
  const cell = make('div', 'option', to.place)
  cell.id = 'cell'
  cell.setAttribute('role', 'option')
  const live = make('p', 'live', root)
  live.setAttribute('aria-live', 'polite')
  return {
    bar,
    direction,
    rules,
    moves,
    hint,
    stage,
    maps,
    over,
    heads,
    node,
    tip,
    panel,
    title,
    row,
    from,
    sum,
    grid,
    parts,
    result,
    to,
    cell,
    live,
  }
}

const views = new WeakMap() // the elements of a figure, and what its visitor looks at

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.explainer')
  const { order, net } = parse(data)
  const first = !views.has(root)
  if (first) views.set(root, { ui: build(root), state: null, timer: 0, count: last.count })
  const view = views.get(root)
  const { ui } = view
  const { stages, depth } = net
  const page = root.getRootNode().host?.closest('[data-testid="stMain"]')
  let nodes = []
  let columns = []
  let hovered = null
  const sheets = {}

  // What is shown.

  const stageOf = (at) => stages[at] || null // null for the softmax, which stands after the last layer
  const countOf = (at) => (at < depth ? stages[at].count : net.categories.length)
  const rule = () => (view.state && view.state.way !== 'forward' ? view.state.way : null)
  const arrayOf = (at) => (rule() ? stages[at][rule()] : stages[at].values)
  const valueAt = (at, unit, row, column, array = arrayOf(at)) => {
    const stage = stages[at]
    return array[(unit * stage.height + row) * stage.width + column]
  }
  const strongest = (at, array = arrayOf(at)) => {
    let best = 0
    array.forEach((value, index) => {
      if (Math.abs(value) > Math.abs(array[best]) && (rule() || value >= 0)) best = index
    })
    const { cells, width } = stages[at]
    return { at, unit: Math.floor(best / cells), row: Math.floor((best % cells) / width), column: best % width }
  }
  const beginning = () => {
    const at = Math.max(
      1,
      stages.findIndex((stage) => stage.kind === 'conv'),
    )
    return { ...strongest(at, stages[at].values), from: -1, way: 'forward' }
  }
  const clamp = (value, count) => Math.max(0, Math.min(count - 1, value))
  const fit = (state) => {
    const at = clamp(state.at, depth + 1)
    const stage = stageOf(at)
    const unit = clamp(state.unit, countOf(at))
    const [row, column] = stage ? [clamp(state.row, stage.height), clamp(state.column, stage.width)] : [0, 0]
    return { ...state, at, unit, row, column }
  }
  const written = () => {
    const { at, unit, row, column, from } = view.state
    return [stageOf(at)?.name ?? 'softmax', unit, row, column, from].join(':')
  }
  const readFocus = (focus, way) => {
    const state = { ...beginning(), way: RULES.includes(way) ? way : 'forward' }
    const parts = (focus || '').split(':')
    if (parts.length < 5) return state
    const numbers = parts.slice(-4).map(Number)
    const name = parts.slice(0, -4).join(':')
    const at = name === 'softmax' ? depth : stages.findIndex((stage) => stage.name === name)
    if (at < 0 || numbers.some((number) => !Number.isInteger(number))) return state
    const [unit, row, column, from] = numbers
    return fit({ at, unit, row, column, from, way: state.way })
  }
  // Browsers allow so many changes of the address in a while, and not more.
  const remember = () => {
    last.focus = written()
    last.way = view.state.way
    clearTimeout(view.timer)
    view.timer = setTimeout(() => {
      const query = new URLSearchParams(location.search)
      query.set('focus', last.focus)
      if (last.way === 'forward') query.delete('way')
      else query.set('way', last.way)
      const address = `?${query}`.replaceAll('%3A', ':')
      if (root.isConnected && location.search !== address) history.replaceState(history.state, '', address)
    }, 250)
  }

  // The step that is written out.

  const step = () => {
    const { at, unit, row, column } = view.state
    const stage = stageOf(at)
    if (!stage) return { kind: 'softmax' }
    if (!rule()) {
      const before = stages[at - 1]
      if (!before) return { kind: 'pixel', total: stage.values[(unit * stage.height + row) * stage.width + column] }
      if (stage.kind === 'conv') return { kind: 'sum', ...convolution(stage, before, unit, row, column) }
      if (stage.kind === 'linear') return { kind: 'sum', ...linear(stage, before, stages[at - 2], unit, null) }
      if (stage.kind === 'relu') {
        const value = valueAt(at - 1, unit, row, column, before.values)
        const ceiling = stage.ceiling ?? Infinity
        return { kind: 'relu', value, total: Math.min(ceiling, Math.max(0, value)), marks: [[row, column, true]] }
      }
      if (stage.kind === 'flatten') {
        const [group, rest] = [Math.floor(unit / before.cells), unit % before.cells]
        const mark = [Math.floor(rest / before.width), rest % before.width, true]
        return { kind: 'flatten', group, mark, marks: [mark], total: before.values[unit] }
      }
      const { cells, share, high, wide } = windowOf(stage, before, unit, row, column)
      const marks = cells.map((cell) => [cell.r, cell.c, cell.inside])
      const inside = cells.filter((cell) => cell.inside)
      const winner = stage.kind === 'max' ? switchOf(stage, unit, row, column) : -1
      const sum = inside.reduce((all, cell) => all + before.values[cell.at], 0)
      const total = stage.kind === 'max' ? Math.max(...inside.map((cell) => before.values[cell.at])) : sum / share
      return { kind: stage.kind, cells, high, wide, marks, winner, sum, share, total }
    }
    const after = stages[at + 1]
    if (!after) return { kind: 'seed', total: unit === net.target ? 1 : 0 }
    if (after.kind === 'conv') return { kind: 'sum', ...flipped(stage, after, rule(), unit, row, column) }
    if (after.kind === 'linear') return { kind: 'sum', ...linear(after, stage, null, unit, rule()) }
    if (after.kind === 'relu') {
      const value = valueAt(at, unit, row, column, stage.values)
      const gradient = valueAt(at + 1, unit, row, column)
      const ways = passes(value, gradient, after.ceiling)
      return { kind: 'rules', value, gradient, ways, total: ways[rule()], marks: [[row, column, true]] }
    }
    if (after.kind === 'flatten') {
      const place = (unit * stage.height + row) * stage.width + column
      return { kind: 'unflatten', place, total: after[rule()][place], marks: [] }
    }
    const back = pooledBack(stage, after, rule(), unit, row, column)
    return {
      kind: after.kind === 'max' ? 'switches' : 'shares',
      ...back,
      marks: back.found.map((one) => [one.r, one.c, true]),
    }
  }
  const truth = () => {
    const { at, unit, row, column } = view.state
    return at < depth ? valueAt(at, unit, row, column) : net.probabilities[unit]
  }

  // The graph.

  const shown = (at) => {
    const count = countOf(at)
    const outputs = at >= depth - 1
    if (outputs && count > ROWS) {
      const scores = stages[depth - 1].values
      const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 10)
      for (const unit of [net.target, view.state.at >= depth - 1 ? view.state.unit : net.target]) {
        if (!best.includes(unit)) best.push(unit)
      }
      return best
    }
    if (outputs || count <= MOST) return [...Array(count).keys()]
    const start = Math.floor((view.pages?.[at] ?? 0) / MOST) * MOST
    return [...Array(Math.min(MOST, count - start)).keys()].map((index) => start + index)
  }
  const strip = (at) => at < depth - 1 && stages[at].flat
  const shares = (at) => {
    if (at === depth) return 1.9
    if (at === 0) return 1.35
    return strip(at) ? 0.85 : at === depth - 1 ? 1.15 : 1
  }
  const layout = () => {
    const wide = ui.stage.clientWidth
    const high = ui.stage.clientHeight
    const all = Array.from({ length: depth + 1 }, (_, at) => shares(at)).reduce((sum, one) => sum + one, 0)
    const each = Math.max(46, wide / all)
    const room = high - HEAD - FOOT
    let left = 0
    nodes = []
    columns = []
    for (let at = 0; at <= depth; at++) {
      const width = each * shares(at)
      const column = { at, left, width, nodes: [] }
      if (strip(at)) {
        const node = { at, unit: -1, x: left + width / 2 - 6, y: HEAD, w: 12, h: room }
        column.nodes.push(node)
      } else {
        const units = shown(at)
        const pitch = room / units.length
        const flat = at >= depth - 1
        const most = units.length < 3 ? 0.82 * width : 0.66 * width
        const side = flat ? Math.min(17, pitch - 2) : Math.max(6, Math.min(most, pitch - 2))
        const step = flat ? pitch : Math.min(pitch, side * 1.5)
        const top = HEAD + (room - step * units.length) / 2
        units.forEach((unit, index) => {
          const y = top + step * (index + 0.5)
          const stage = stageOf(at)
          const ratio = flat ? 1 : stage.width / stage.height
          const [w, h] = ratio >= 1 ? [side, side / ratio] : [side * ratio, side]
          const x = flat ? left + 6 : left + (width - w) / 2
          column.nodes.push({ at, unit, x, y: y - h / 2, w, h })
        })
      }
      nodes.push(...column.nodes)
      columns.push(column)
      left += width
    }
    return { wide: Math.max(wide, Math.round(left)), high }
  }
  const tables = { heat: pixelsOf(net.heat), diverging: pixelsOf(net.diverging) }
  const sheetOf = (at) => {
    const { way } = view.state
    sheets[way] ??= []
    sheets[way][at] ??= drawnSheet(at)
    return sheets[way][at]
  }
  const drawnSheet = (at) => {
    const stage = stages[at]
    const array = arrayOf(at)
    const scale = scaleOf(array)
    const grey = at === 0 && !rule()
    const signed = Boolean(rule()) || (at > 0 && scale.low < 0)
    const across = Math.min(stage.count, 16)
    const [wide, high] = stage.flat
      ? [1, stage.count]
      : [across * stage.width, Math.ceil(stage.count / across) * stage.height]
    const picture = new ImageData(wide, high)
    const pixels = new Uint32Array(picture.data.buffer)
    const table = signed ? tables.diverging : tables.heat
    const range = scale.high - scale.low || 1
    let index = 0
    for (let unit = 0; unit < stage.count; unit++) {
      const left = stage.flat ? 0 : (unit % across) * stage.width
      const top = stage.flat ? unit : Math.floor(unit / across) * stage.height
      for (let row = 0; row < stage.height; row++) {
        for (let column = 0; column < stage.width; column++, index++) {
          const value = array[index]
          const pixel = grey
            ? GREYS[Math.round((255 * (value - scale.low)) / range)]
            : table[indexOf(value / scale.top, signed)]
          pixels[(top + row) * wide + left + column] = pixel
        }
      }
    }
    const canvas = document.createElement('canvas')
    canvas.width = wide
    canvas.height = high
    canvas.getContext('2d').putImageData(picture, 0, 0)
    return { canvas, scale, signed, across, grey }
  }
  const cutOf = (at, unit) => {
    const { across } = sheetOf(at)
    const stage = stages[at]
    if (stage.flat) return [0, unit, 1, 1]
    return [(unit % across) * stage.width, Math.floor(unit / across) * stage.height, stage.width, stage.height]
  }
  // Read once for each drawing: to ask for a style in between makes the browser work it all out again.
  let colours = { ink: '', accent: '', font: '' }
  const readColours = () => {
    const style = getComputedStyle(root)
    colours = { ink: style.color, accent: style.getPropertyValue('--st-primary-color'), font: style.fontFamily }
  }
  const ink = () => colours.ink
  const accent = () => colours.accent
  const size = (canvas, wide, high) => {
    const ratio = window.devicePixelRatio || 1
    const [w, h] = [Math.round(wide * ratio), Math.round(high * ratio)]
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w
      canvas.height = h
      canvas.style.width = `${wide}px`
      canvas.style.height = `${high}px`
    }
    const brush = canvas.getContext('2d')
    brush.setTransform(ratio, 0, 0, ratio, 0, 0)
    brush.clearRect(0, 0, wide, high)
    brush.imageSmoothingEnabled = false
    return brush
  }
  // Where a line to a unit ends; in a strip, at the height of its number, or of the map it was.
  const anchor = (at, unit, side) => {
    const column = columns[at]
    if (strip(at)) {
      const [bar] = column.nodes
      return [bar.x + (side > 0 ? bar.w : 0), bar.y + (bar.h * (unit + 0.5)) / stages[at].count]
    }
    const node = column.nodes.find((one) => one.unit === unit)
    if (node && at === depth - 1 && side > 0) return [column.left + column.width - 4, node.y + node.h / 2]
    return node && [node.x + (side > 0 ? node.w : 0), node.y + node.h / 2]
  }
  const line = (brush, one, two) => {
    if (!one || !two) return
    const middle = (one[0] + two[0]) / 2
    brush.beginPath()
    brush.moveTo(...one)
    brush.bezierCurveTo(middle, one[1], middle, two[1], ...two)
    brush.stroke()
  }
  const everyEdge = (brush) => {
    for (let at = 1; at <= depth; at++) {
      const kind = stageOf(at)?.kind ?? 'softmax'
      const units = strip(at) ? [] : columns[at].nodes.map((node) => node.unit)
      const inputs = strip(at - 1) ? [] : columns[at - 1].nodes.map((node) => node.unit)
      if (kind === 'conv') {
        for (const unit of units)
          for (const input of inputs) line(brush, anchor(at - 1, input, 1), anchor(at, unit, -1))
      } else if (kind === 'flatten') {
        const { cells } = stages[at - 1]
        for (const input of inputs) line(brush, anchor(at - 1, input, 1), anchor(at, (input + 0.5) * cells - 0.5, -1))
      } else if (kind === 'linear') {
        const [count, groups] = [stages[at - 1].count, 10]
        for (const unit of units) {
          for (let group = 0; group < groups; group++) {
            const input = strip(at - 1) ? ((group + 0.5) * count) / groups : inputs[group]
            line(brush, anchor(at - 1, input, 1), anchor(at, unit, -1))
          }
        }
      } else for (const unit of units) line(brush, anchor(at - 1, unit, 1), anchor(at, unit, -1))
    }
  }
  const heads = () => {
    ui.heads.replaceChildren()
    for (const { at, left, width } of columns) {
      const stage = stageOf(at)
      const box = make('div', at === view.state.at ? 'head here' : 'head', ui.heads)
      box.style.left = `${left}px`
      box.style.width = `${width}px`
      make('b', '', box, stage ? stage.name : 'softmax').title = stage ? stage.name : 'softmax'
      const size = stage ? (stage.flat ? String(stage.count) : stage.whole) : 'share'
      const units = stage && !stage.flat && stage.count > MOST
      if (units) {
        const start = Math.floor((view.pages?.[at] ?? 0) / MOST) * MOST
        const more = make('button', '', box, `${start}–${Math.min(start + MOST, stage.count) - 1} of ${stage.count}`)
        more.type = 'button'
        more.setAttribute('aria-label', `Next maps of ${stage.name}`)
        more.onclick = (event) => {
          event.stopPropagation()
          view.pages[at] = start + MOST < stage.count ? start + MOST : 0
          draw()
        }
      } else make('span', '', box, size)
      if (!stage) continue
      const { scale, signed, grey } = sheetOf(at)
      const foot = make(
        'div',
        'foot',
        ui.heads,
        grey ? `${say(scale.low)} to ${say(scale.high)}` : `${signed ? '±' : '0–'}${say(scale.top)}`,
      )
      foot.style.left = `${left}px`
      foot.style.width = `${width}px`
    }
  }
  const draw = () => {
    if (!ui.stage.clientWidth) return
    const { wide, high } = layout()
    const brush = size(ui.maps, wide, high)
    brush.strokeStyle = ink()
    brush.globalAlpha = 0.13
    brush.lineWidth = 0.8
    everyEdge(brush)
    brush.globalAlpha = 1
    const ratio = window.devicePixelRatio || 1
    const sharp = (value) => Math.round(value * ratio) / ratio
    for (const node of nodes) {
      if (node.at === depth) continue
      const { canvas } = sheetOf(node.at)
      if (node.unit < 0) brush.drawImage(canvas, sharp(node.x), node.y, node.w, node.h)
      else
        brush.drawImage(
          canvas,
          ...cutOf(node.at, node.unit),
          sharp(node.x),
          sharp(node.y),
          sharp(node.w),
          sharp(node.h),
        )
    }
    brush.strokeStyle = ink()
    brush.globalAlpha = 0.35
    brush.lineWidth = 1
    for (const node of nodes)
      if (node.at < depth) brush.strokeRect(sharp(node.x) - 0.5, sharp(node.y) - 0.5, node.w + 1, node.h + 1)
    brush.globalAlpha = 1
    brush.fillStyle = ink()
    brush.textBaseline = 'middle'
    const { font } = colours
    for (const node of nodes) {
      const y = node.y + node.h / 2
      if (node.at === depth - 1) {
        brush.font = `${node.unit === net.target ? 600 : 400} 12px ${font}`
        brush.fillText(say(arrayOf(node.at)[node.unit]), node.x + node.w + 5, y)
      } else if (node.at === depth) {
        const share = net.probabilities[node.unit]
        const { width } = columns[depth]
        brush.font = `${node.unit === net.target ? 600 : 400} 12px ${font}`
        const room = width - 60
        const name = net.categories[node.unit]
        const label = brush.measureText(name).width > room - 12 ? `${name.slice(0, 9)}…` : name
        brush.fillText(label, node.x, y)
        const from = node.x + Math.min(room, Math.max(14, brush.measureText(label).width + 6))
        const most = Math.max(10, left(node.x) - from)
        brush.globalAlpha = 0.18
        brush.fillRect(from, y - 4, most, 8)
        brush.globalAlpha = 1
        brush.fillStyle = node.unit === net.target ? accent() : ink()
        brush.fillRect(from, y - 4, Math.max(share > 0 ? 1 : 0, most * share), 8)
        brush.fillStyle = ink()
        brush.fillText(share < 0.001 ? '<0.1 %' : `${Number((100 * share).toPrecision(3))} %`, from + most + 5, y)
      }
    }
    ui.maps.dataset.drawn = [...nodes].length
    heads()
    mark()
  }
  const left = () => columns[depth].left + columns[depth].width - 50

  // The lines of a map to what it is made of (or, backward, to what its gradient comes from), with their kernels.
  const kernels = new Map()
  const kernelPicture = (stage, unit, input) => {
    const key = `${stage.name} ${unit} ${input} ${Boolean(rule())}`
    if (!kernels.has(key)) kernels.set(key, drawnKernel(stage, unit, input))
    return kernels.get(key)
  }
  const drawnKernel = (stage, unit, input) => {
    const [high, wide] = stage.kernel
    const inputs = stage.weight.length / (stage.count * high * wide)
    stage.weightTop ??= scaleOf(stage.weight).top
    const picture = new ImageData(wide, high)
    for (let i = 0; i < high * wide; i++) {
      const at = rule() ? high * wide - 1 - i : i // backward it is flipped
      const weight = stage.weight[(unit * inputs + input) * high * wide + at]
      picture.data.set([...paint(net.diverging, weight / stage.weightTop, true), 255], 4 * i)
    }
    const canvas = document.createElement('canvas')
    canvas.width = wide
    canvas.height = high
    canvas.getContext('2d').putImageData(picture, 0, 0)
    return canvas
  }
  const edges = (brush, at, unit, partial) => {
    const back = Boolean(rule())
    const other = back ? at + 1 : at - 1
    if (other < 0 || other > depth || at > depth) return
    const stage = stageOf(back ? other : at)
    const kind = stage?.kind ?? 'softmax'
    const side = back ? -1 : 1
    const here = anchor(at, unit, -side)
    const many = kind === 'conv' || kind === 'linear'
    const units = strip(other) ? [] : columns[other].nodes.map((node) => node.unit)
    const ends = kind === 'conv' || (kind === 'linear' && units.length) ? units : kind === 'softmax' ? units : [unit]
    const top = partial ? Math.max(...partial.map(Math.abs)) || 1 : 1
    const stroke = (end, amount) => {
      brush.strokeStyle =
        amount === undefined ? accent() : `rgb(${paint(net.diverging, 0.75 * Math.sign(amount), true)})`
      brush.globalAlpha = amount === undefined ? 0.8 : 0.25 + 0.75 * Math.min(1, Math.abs(amount) / top)
      brush.lineWidth = amount === undefined ? 1.6 : 1 + 2.5 * Math.min(1, Math.abs(amount) / top)
      line(brush, end, here)
      brush.globalAlpha = 1
    }
    if (kind === 'flatten') {
      const { cells } = stages[back ? at : at - 1]
      stroke(back ? anchor(other, (unit + 0.5) * cells - 0.5, side) : anchor(other, Math.floor(unit / cells), side))
      return
    }
    if (kind === 'linear' && !units.length && strip(other)) {
      const groups = partial?.length ?? 10
      const { count } = stages[other]
      for (let group = 0; group < groups; group++) {
        stroke(anchor(other, ((group + 0.5) * count) / groups - 0.5, side), partial?.[group])
      }
      return
    }
    for (const end of ends) {
      const place = anchor(other, end, side)
      if (!place) continue
      stroke(place, many && partial?.length > 1 ? partial[end] : undefined)
    }
    if (kind !== 'conv') return
    const node = columns[other].nodes[0]
    const gap = columns[Math.max(at, other)].left - columns[Math.min(at, other)].left - node.w
    const high = Math.max(5, Math.min(0.8 * node.h, 0.55 * gap, 26))
    for (const end of ends) {
      const [x, y] = anchor(other, end, side)
      const picture = back ? kernelPicture(stage, end, unit) : kernelPicture(stage, unit, end)
      const wide = (high * picture.width) / picture.height
      const from = side > 0 ? x + 4 : x - 4 - wide
      brush.drawImage(picture, from, y - high / 2, wide, high)
      brush.strokeStyle = ink()
      brush.lineWidth = 1
      brush.strokeRect(from - 0.5, y - high / 2 - 0.5, wide + 1, high + 1)
    }
  }
  const ring = (brush, at, unit, colour, width) => {
    brush.strokeStyle = colour
    brush.lineWidth = width
    if (strip(at)) {
      const [x, y] = anchor(at, unit, -1)
      brush.strokeRect(x - 3, y - 2.5, columns[at].nodes[0].w + 6, 5)
      return
    }
    const node = columns[at].nodes.find((one) => one.unit === unit)
    if (!node) return
    const more =
      at === depth ? columns[at].width - 12 : at === depth - 1 && stages[at].flat ? columns[at].width - 10 : node.w
    brush.strokeRect(node.x - width / 2 - 1, node.y - width / 2 - 1, more + width + 2, node.h + width + 2)
  }
  const mark = () => {
    if (!columns.length) return
    const brush = size(ui.over, Number.parseFloat(ui.maps.style.width), Number.parseFloat(ui.maps.style.height))
    const { at, unit } = view.state
    if (hovered && (hovered.at !== at || hovered.unit !== unit)) {
      edges(brush, hovered.at, hovered.unit, null)
      ring(brush, hovered.at, hovered.unit, ink(), 2)
    } else edges(brush, at, unit, view.step?.partial)
    ring(brush, at, unit, accent(), 3)
    root.dataset.hovered = hovered ? `${hovered.at}:${hovered.unit}` : ''
  }
  const under = (event) => {
    const frame = ui.maps.getBoundingClientRect()
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top]
    const column = columns.find((one) => x >= one.left && x < one.left + one.width)
    if (!column) return null
    if (strip(column.at)) {
      const [bar] = column.nodes
      const unit = Math.floor(((y - bar.y) / bar.h) * stages[column.at].count)
      return unit >= 0 && unit < stages[column.at].count ? { at: column.at, unit } : null
    }
    return column.nodes.find((node) => y >= node.y - 2 && y <= node.y + node.h + 2) ?? null
  }
  const named = (at, unit) => {
    const stage = stageOf(at)
    if (!stage || at === depth - 1) return `${stage?.name ?? 'softmax'}, class ${net.categories[unit]}`
    if (at === 0) return stage.count > 1 ? `input, channel ${unit}` : 'input'
    return `${stage.name}, ${stage.flat ? 'number' : 'map'} ${unit}`
  }
  const tell = (node, x, y) => {
    ui.tip.style.display = node ? 'block' : 'none'
    if (!node) return
    let text = typeof node === 'string' ? node : named(node.at, node.unit)
    if (typeof node !== 'string' && node.at < depth) {
      const stage = stages[node.at]
      const array = arrayOf(node.at).subarray(node.unit * stage.cells, (node.unit + 1) * stage.cells)
      const { low, high } = scaleOf(array)
      text += stage.flat ? `: ${say(array[0])}` : `: ${stage.whole}, ${say(low)} to ${say(high)}`
    }
    write(ui.tip, text)
    const frame = root.getBoundingClientRect()
    ui.tip.style.left = `${Math.max(0, Math.min(x - frame.left + 12, frame.width - ui.tip.offsetWidth - 4))}px`
    ui.tip.style.top = `${y - frame.top + 14}px`
  }

  // The panel.

  const mapIn = (figure, at, unit, marks, pad, caption, winner) => {
    const stage = stages[at]
    const sheet = sheetOf(at)
    figure.box.hidden = false
    const side = view.small || 148
    const [rows, columns] = [stage.height + 2 * pad[0], stage.width + 2 * pad[1]]
    const each = side / Math.max(rows, columns)
    const [wide, high] = [each * columns, each * rows]
    const brush = size(figure.canvas, wide, high)
    if (pad[0] || pad[1]) {
      brush.fillStyle = ink()
      brush.globalAlpha = 0.12
      brush.fillRect(0, 0, wide, high)
      brush.globalAlpha = 1
    }
    const [x, y] = [pad[1] * each, pad[0] * each]
    brush.drawImage(sheet.canvas, ...cutOf(at, unit), x, y, stage.width * each, stage.height * each)
    const marked = (r, c) => [x + c * each, y + r * each, each, each]
    const outline = (box, colour, width) => {
      brush.strokeStyle = colour
      brush.lineWidth = width
      brush.strokeRect(...box)
    }
    if (marks.length) {
      const valid = marks.filter(([r, c]) => r >= -pad[0] && c >= -pad[1])
      const rows = valid.map(([r]) => r)
      const across = valid.map(([, c]) => c)
      if (valid.length) {
        const [top, far] = [Math.min(...rows), Math.max(...rows)]
        const [near, end] = [Math.min(...across), Math.max(...across)]
        const box = [x + near * each, y + top * each, (end - near + 1) * each, (far - top + 1) * each]
        const dense = (far - top + 1) * (end - near + 1) === valid.length
        if (!dense) for (const [r, c] of valid) outline(marked(r, c), accent(), 1.5)
        outline(box, '#fff', 4)
        outline(box, accent(), 2.5)
      }
    }
    if (winner >= 0) {
      const box = marked(Math.floor(winner / stage.width), winner % stage.width)
      outline(box, '#fff', 3.5)
      outline(box, ink(), 1.5)
    }
    figure.each = each
    figure.pad = pad
    write(figure.caption, caption)
  }
  const filled = (value, top) => {
    const [red, green, blue] = paint(net.diverging, value / (top || 1), true)
    const dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140
    return `background:rgb(${red},${green},${blue});color:${dark ? '#fff' : '#16191b'}`
  }
  // The products of one map as a table; of a large kernel, as a picture of the products.
  const products = (grid, word) => {
    const count = grid.length * grid[0].length
    const top = Math.max(...grid.flat().map((one) => Math.abs(one.number * one.weight)))
    if (count > WRITTEN) {
      const canvas = make('canvas', 'products', null)
      const [high, wide] = [grid.length, grid[0].length]
      const across = high === 1 ? Math.ceil(Math.sqrt(wide)) : wide
      const picture = new ImageData(across, high === 1 ? Math.ceil(wide / across) : high)
      grid.flat().forEach((one, index) => {
        picture.data.set([...paint(net.diverging, (one.number * one.weight) / (top || 1), true), 255], 4 * index)
      })
      canvas.width = picture.width
      canvas.height = picture.height
      canvas.getContext('2d').putImageData(picture, 0, 0)
      canvas.setAttribute('role', 'img')
      canvas.setAttribute('aria-label', `${count} products of ${word} and weight`)
      const best = grid.flat().sort((a, b) => Math.abs(b.number * b.weight) - Math.abs(a.number * a.weight))[0]
      const box = make('div', 'drawn', null)
      box.append(canvas)
      const text = `${count} products of ${word} × weight: red adds, blue takes away. The largest: `
      make('p', '', box, `${text}${say(best.number)} × ${bracket(best.weight)} = ${say(best.number * best.weight)}`)
      return box
    }
    const table = make('table', grid.length > 3 || grid[0].length > 3 ? 'dense' : '', null)
    for (const line of grid) {
      const row = make('tr', '', table)
      for (const one of line) {
        const cell = make('td', one.inside ? '' : 'outside', row)
        const product = one.number * one.weight
        if (one.inside) cell.style.cssText = filled(product, top)
        make('span', '', cell, `${say(one.number)} × ${bracket(one.weight)}`)
        if (grid.length <= 3) make('b', '', cell, one.inside ? say(product) : 'outside')
      }
    }
    return table
  }
  const chips = (found, from, word) => {
    const { partial } = found
    const top = Math.max(...partial.map(Math.abs))
    ui.parts.hidden = partial.length < 2
    if (partial.length < 2) return
    ui.parts.setAttribute('aria-label', `What each ${word} adds`)
    const order = [...partial.keys()].sort((a, b) => Math.abs(partial[b]) - Math.abs(partial[a])).slice(0, 16)
    if (!order.includes(from)) order[order.length - 1] = from
    order.sort((a, b) => a - b)
    ui.parts.querySelector('span')?.remove()
    while (ui.parts.children.length > order.length) ui.parts.lastChild.remove()
    while (ui.parts.children.length < order.length) {
      const chip = make('button', '', ui.parts)
      chip.type = 'button'
      chip.setAttribute('role', 'radio')
      make('i', '', chip)
      make('b', '', chip)
    }
    order.forEach((index, place) => {
      const chip = ui.parts.children[place]
      chip.setAttribute('aria-checked', index === from)
      chip.tabIndex = index === from ? 0 : -1
      chip.dataset.value = partial[index]
      chip.dataset.group = index
      chip.style.cssText = filled(partial[index], top)
      write(chip.firstChild, `${word} ${index}`)
      write(chip.lastChild, say(partial[index]))
    })
    if (partial.length > order.length) make('span', '', ui.parts, `and ${partial.length - order.length} smaller ones`)
  }
  const list = (rows) => {
    const table = make('table', rows.length > 6 ? 'list long' : 'list', null)
    for (const [state, ...cells] of rows) {
      const row = make('tr', state, table)
      cells.forEach((text, index) => {
        make(index ? 'td' : 'th', '', row, text)
      })
    }
    return table
  }
  const put = (...several) => {
    ui.grid.replaceChildren(...several.map((one) => (typeof one === 'string' ? make('p', '', null, one) : one)))
  }
  const here = (row, column) => `row ${row}, column ${column}`
  const fill = () => {
    const { at, unit, row, column } = view.state
    const stage = stageOf(at)
    const found = view.step
    const back = rule()
    const sign = back ? TITLES[back] : ''
    let said = ''
    ui.from.box.hidden = ui.to.box.hidden = true
    ui.parts.hidden = true
    const place = stage && stage.cells > 1 ? `, ${here(row, column)}` : ''
    const logit = `the logit of ${net.categories[net.target]}`
    write(ui.title, `${named(at, unit)}${place}${back && stage ? `: gradient of ${logit}` : ''}`)
    if (found.kind === 'sum') {
      const { source, partial } = found
      const from = view.state.from
      const sourceAt = back ? at + 1 : source === stages[at - 1] ? at - 1 : at - 2
      const word = source.flat ? 'part' : sourceAt === 0 && source.count > 1 ? 'channel' : 'map'
      if (!source.flat) {
        const pad = !back && stage.kind === 'conv' ? stage.padding : [0, 0]
        const caption = `${named(sourceAt, from)}${back ? ': its gradient' : ''}`
        mapIn(ui.from, sourceAt, from, found.marks, pad, caption, -1)
      }
      const flip = back && !source.flat ? 'Gradient × flipped kernel' : back ? 'Gradient × weight' : 'Input × weight'
      const which = partial.length > 1 ? `, ${word} ${from}` : ''
      const table = found.grid(from)
      put(
        make('p', 'what', null, `${flip}${which}: sum ${say(partial[from])}`),
        products(table, back ? 'gradient' : 'input'),
      )
      chips(found, from, word)
      const count = partial.length * table.length * table[0].length
      const many = partial.length > 1 ? ` from ${partial.length} ${word}s` : ''
      const sum = `${count} products${many}`
      said = back
        ? `${sum} make ${say(found.total)}`
        : `${sum}: ${say(found.total - found.bias)} ${plus(found.bias)} (bias) = ${say(found.total)}`
    } else if (found.kind === 'relu') {
      mapIn(ui.from, at - 1, unit, found.marks, [0, 0], named(at - 1, unit), -1)
      const six = stage.ceiling === null ? '' : `, at most ${stage.ceiling}`
      const open = found.value > 0 && found.value < (stage.ceiling ?? Infinity)
      const state = open
        ? 'Above 0: it passes as it is.'
        : found.value > 0
          ? 'Cut off at the ceiling.'
          : 'Not above 0: it becomes 0, and no gradient comes back here.'
      put(make('p', 'large', null, `max(0, ${say(found.value)})${six} = ${say(found.total)}`), state)
      said = `ReLU of ${say(found.value)} is ${say(found.total)}`
    } else if (found.kind === 'max' || found.kind === 'average') {
      const before = stages[at - 1]
      mapIn(ui.from, at - 1, unit, found.marks, stage.padding, named(at - 1, unit), found.winner)
      const table = make('table', found.high > 3 ? 'plain dense' : 'plain', null)
      if (found.high * found.wide <= WRITTEN) {
        for (let i = 0; i < found.high; i++) {
          const line = make('tr', '', table)
          for (const cell of found.cells.slice(i * found.wide, (i + 1) * found.wide)) {
            const won = cell.inside && found.winner === cell.r * before.width + cell.c
            make(
              'td',
              won ? 'won' : cell.inside ? '' : 'outside',
              line,
              cell.inside ? say(before.values[cell.at]) : 'outside',
            )
          }
        }
      }
      const many = found.cells.filter((cell) => cell.inside).length
      if (found.kind === 'max') {
        const [r, c] = [Math.floor(found.winner / before.width), found.winner % before.width]
        put(
          table,
          `The largest of ${many} stands at ${here(r, c)}. That place is the switch: the gradient goes back to it alone.`,
        )
        said = `Largest of ${many} numbers: ${say(found.total)}, from ${here(r, c)}`
      } else {
        put(table, `The mean: ${say(found.sum)} / ${found.share} = ${say(found.total)}`)
        said = `Sum ${say(found.sum)} divided by ${found.share} is ${say(found.total)}`
      }
    } else if (found.kind === 'flatten') {
      const before = stages[at - 1]
      if (!before.flat) mapIn(ui.from, at - 1, found.group, found.marks, [0, 0], named(at - 1, found.group), -1)
      const [r, c] = found.mark
      put(
        make('p', 'large', null, `${found.group} × ${before.cells} + ${r} × ${before.width} + ${c} = ${unit}`),
        `All maps become one list, map by map, row by row. Number ${unit} is ${here(r, c)} of map ${found.group}.`,
      )
      said = `Number ${unit} is ${say(found.total)}`
    } else if (found.kind === 'pixel') {
      put(make('p', 'large', null, say(found.total)), 'A number of the picture, as the network takes it.')
      said = `The pixel is ${say(found.total)}`
    } else if (found.kind === 'softmax') {
      const scores = stages[depth - 1].values
      const top = Math.max(...scores)
      const all = scores.reduce((sum, score) => sum + Math.exp(score - top), 0)
      found.total = Math.exp(scores[unit] - top) / all
      if (back)
        put('The way back begins at the logit, not here: where the softmax is saturated, its own gradient is nearly 0.')
      else {
        const rows = shown(depth).map((index) => [
          index === unit ? 'on' : '',
          net.categories[index],
          say(scores[index]),
          say(Math.exp(scores[index] - top)),
          say(Math.exp(scores[index] - top) / all),
        ])
        put(list([['top', 'class', 'logit z', 'e^(z − largest)', 'share'], ...rows]))
      }
      said = `${say(Math.exp(scores[unit] - top))} of ${say(all)} in all: ${say(found.total)}`
    } else if (found.kind === 'seed') {
      put(
        make('p', 'large', null, say(found.total)),
        `The way back begins here: 1 for ${logit}, which is explained, 0 for the others.`,
      )
      said = `The gradient begins with ${say(found.total)}`
    } else if (found.kind === 'rules') {
      mapIn(ui.from, at + 1, unit, found.marks, [0, 0], `${named(at + 1, unit)}: its gradient`, -1)
      const open = found.value > 0 && (stages[at + 1].ceiling === null || found.value < stages[at + 1].ceiling)
      const [yes, no] = ['passes', 'stops']
      const rows = [
        ['backprop', open, 'where the input was above 0'],
        ['deconvnet', found.gradient > 0, 'where the gradient is above 0'],
        ['guided', open && found.gradient > 0, 'where both are'],
      ].map(([name, through, when]) => [
        `${name === back ? 'on' : ''} ${through ? 'yes' : 'no'}`,
        TITLES[name],
        when,
        found.gradient === 0 ? 'nothing arrives' : through ? yes : no,
        say(found.ways[name]),
      ])
      put(
        `Input of the ReLU: ${say(found.value)}. Gradient that arrives, by ${sign}: ${say(found.gradient)}.`,
        list([['top', 'rule', 'lets it pass', 'here', 'goes on'], ...rows]),
      )
      said = `${sign}: ${say(found.gradient)} arrives, ${say(found.total)} goes on`
    } else if (found.kind === 'unflatten') {
      put(
        make('p', 'large', null, `number ${found.place}`),
        'Flattening only puts numbers in a row: the gradient goes back to the place its number came from.',
      )
      said = `The gradient is ${say(found.total)}`
    } else {
      mapIn(ui.from, at + 1, unit, found.marks, [0, 0], `${named(at + 1, unit)}: its gradient`, -1)
      const rows = found.found
        .slice(0, 6)
        .map((one) => [
          one.share ? 'yes' : 'no',
          `window ${one.r}, ${one.c}`,
          say(one.gradient),
          found.kind === 'shares'
            ? `1 / ${Math.round(1 / one.share)}`
            : one.won
              ? 'this was the largest'
              : 'another was the largest',
          say(one.gradient * one.share),
        ])
      const none = found.found.length ? [] : ['No window of the pool holds this place: nothing comes back.']
      put(
        list([['top', 'pool', 'gradient', found.kind === 'shares' ? 'share' : 'switch', 'goes on'], ...rows]),
        ...none,
      )
      said = `${say(found.total)} comes back from ${found.found.length} ${found.found.length === 1 ? 'window' : 'windows'}`
    }
    const real = truth()
    const off = Math.abs(found.total - real)
    const near = off < 1e-5 * Math.max(1, Math.abs(real))
    ui.result.replaceChildren()
    make('b', '', ui.result, `${said}.`)
    const small = make('span', '', ui.result, ` The network itself: ${say(real)}`)
    small.title = `They differ by ${say(off)}: the network adds in single precision.`
    ui.result.classList.toggle('off', !near)
    Object.assign(root.dataset, {
      sum: found.total,
      network: real,
      kind: found.kind,
      state: written(),
      way: view.state.way,
    })
    if (stage) {
      const what = back ? 'gradient' : stage.kind === 'conv' ? 'before its ReLU' : ''
      const caption = `${named(at, unit)}${back ? ': its gradient' : ''}`
      if (!stage.flat) mapIn(ui.to, at, unit, [[row, column, true]], [0, 0], caption, -1)
      ui.to.place.setAttribute('aria-label', `Position in ${named(at, unit)}${what ? `, ${what}` : ''}`)
      write(ui.cell, `${here(row, column)}: ${say(real)}`)
    }
    const sentence = `${ui.title.textContent}. ${said}.`
    write(ui.live, sentence)
    write(ui.node, sentence)
  }

  // Going on.

  const choose = () => {
    const { from } = view.state
    view.step = step()
    const { partial } = view.step
    if (!partial) return
    if (from >= 0 && from < partial.length) return
    let best = 0
    partial.forEach((value, index) => {
      if (Math.abs(value) > Math.abs(partial[best])) best = index
    })
    view.state.from = best
  }
  const show = (whole) => {
    readColours()
    choose()
    fill()
    buttons()
    if (whole) draw()
    else {
      ui.heads.querySelectorAll('.head').forEach((box, index) => {
        box.classList.toggle('here', index === view.state.at)
      })
      mark()
    }
  }
  const go = (change, focus) => {
    const before = view.state
    const next = fit({ ...before, ...change })
    const moved = next.at !== before.at || next.unit !== before.unit || next.way !== before.way
    if (moved && change.from === undefined) next.from = -1
    view.state = next
    let whole = next.way !== before.way
    const page = Math.floor(next.unit / MOST) * MOST
    if (next.at < depth - 1 && stages[next.at].count > MOST && (view.pages[next.at] ?? 0) !== page) {
      view.pages[next.at] = page
      whole = true
    }
    if (next.at >= depth - 1 && !columns[next.at]?.nodes.some((node) => node.unit === next.unit)) whole = true
    show(whole)
    remember()
    if (moved) reveal()
    if (focus === ui.parts) ui.parts.querySelector('[aria-checked=true]')?.focus()
  }
  const reveal = () => {
    const column = columns[view.state.at]
    const { scrollLeft, clientWidth } = ui.stage
    if (column.left < scrollLeft || column.left + column.width > scrollLeft + clientWidth) {
      ui.stage.scrollLeft = column.left - clientWidth / 2 + column.width / 2
    }
  }
  // The place in another layer that lies where this one does.
  const across = (to) => {
    const { at, unit, row, column } = view.state
    const target = stageOf(to)
    const here = stageOf(at)
    const move = (value, from, into) =>
      from > 1 ? Math.round((value * (into - 1)) / (from - 1)) : Math.floor(into / 2)
    const units = countOf(to)
    let next = unit
    if (to >= depth - 1 && at < depth - 1) next = net.target
    else if (unit >= units) next = units - 1
    else if (here?.kind === 'flatten' && to < at) next = Math.floor(unit / stages[to].cells)
    else if (target?.kind === 'flatten') next = unit * here.cells + row * here.width + column
    else if (here?.flat && target && !target.flat) next = 0
    if (!target || !here) return { at: to, unit: next, row: 0, column: 0 }
    return {
      at: to,
      unit: next,
      row: move(row, here.height, target.height),
      column: move(column, here.width, target.width),
    }
  }
  // One layer back or on: to the number that counts most here.
  const follow = (by) => {
    const { at, unit, row, column, from } = view.state
    const to = at + by
    if (to < 0 || to > depth) return null
    const [one, two] = [Math.min(at, to), Math.max(at, to)]
    const after = stageOf(two)
    if (!after) return { at: to, unit: by > 0 ? unit : unit, row: 0, column: 0 }
    const stage = stages[one]
    if (after.kind === 'relu') return { at: to, unit, row, column }
    if (after.kind === 'flatten') {
      if (by > 0) return { at: to, unit: (unit * stage.height + row) * stage.width + column, row: 0, column: 0 }
      const rest = unit % stage.cells
      return {
        at: to,
        unit: Math.floor(unit / stage.cells),
        row: Math.floor(rest / stage.width),
        column: rest % stage.width,
      }
    }
    if (after.kind === 'linear') {
      if (by > 0) return { at: to, unit: to === depth - 1 ? net.target : strongest(to).unit, row: 0, column: 0 }
      let best = 0
      const size = (index) =>
        Math.abs(rule() ? stage[rule()][index] : stage.values[index] * after.weight[unit * stage.count + index])
      for (let index = 1; index < stage.count; index++) if (size(index) > size(best)) best = index
      return { at: to, unit: best, row: 0, column: 0 }
    }
    if (after.kind === 'conv') {
      const found =
        by > 0
          ? flipped(stage, after, rule() ?? 'backprop', unit, row, column)
          : convolution(after, stage, unit, row, column)
      const wanted = by < 0 && !rule() && from >= 0 && from < found.groups ? [from] : [...Array(found.groups).keys()]
      let best = null
      for (const group of wanted) {
        found
          .grid(group)
          .flat()
          .forEach((cell, index) => {
            if (!cell.inside) return
            const [r, c] = found.marks[index]
            const size = rule()
              ? Math.abs(valueAt(to, group, r, c))
              : by > 0
                ? valueAt(to, group, r, c)
                : Math.abs(cell.number * cell.weight)
            if (!best || size > best.size) best = { size, at: to, unit: group, row: r, column: c }
          })
      }
      return best && { at: to, unit: best.unit, row: best.row, column: best.column }
    }
    if (by > 0) {
      const [window] = pooledBack(stage, after, 'backprop', unit, row, column).found
      return window ? { at: to, unit, row: window.r, column: window.c } : across(to)
    }
    if (after.kind === 'max') {
      const place = switchOf(after, unit, row, column)
      return { at: to, unit, row: Math.floor(place / stage.width), column: place % stage.width }
    }
    const cell = windowOf(after, stage, unit, row, column).cells.find((one) => one.inside)
    return { at: to, unit, row: cell.r, column: cell.c }
  }
  const stop = () => {
    clearInterval(view.playing)
    view.playing = 0
    buttons()
  }
  const forwardCell = () => {
    const { at, unit, row, column } = view.state
    const stage = stageOf(at)
    if (!stage || stage.flat) return unit + 1 < countOf(at) ? { unit: unit + 1 } : null
    if (column + 1 < stage.width) return { column: column + 1 }
    return row + 1 < stage.height ? { row: row + 1, column: 0 } : null
  }
  const play = () => {
    if (view.playing) {
      stop()
      return
    }
    if (!forwardCell()) go(stageOf(view.state.at)?.flat === false ? { row: 0, column: 0 } : { unit: 0 })
    view.playing = setInterval(() => {
      const next = root.isConnected && forwardCell()
      if (next) go(next)
      else stop()
    }, 350)
    buttons()
  }
  const buttons = () => {
    const { at, way } = view.state
    for (const button of ui.direction.children) {
      button.setAttribute('aria-pressed', button.dataset.value === (way === 'forward' ? 'forward' : 'backward'))
    }
    ui.rules.hidden = way === 'forward'
    ui.hint.hidden = view.room < (way === 'forward' ? 680 : 920)
    for (const button of ui.rules.children) button.setAttribute('aria-pressed', button.dataset.value === way)
    const [before, after, playing] = ui.moves.children
    const name = (to) => stageOf(to)?.name ?? 'softmax'
    write(before, at > 0 ? `← To ${name(at - 1)}` : '← Start')
    write(after, at < depth ? `To ${name(at + 1)} →` : 'End →')
    before.disabled = at === 0
    after.disabled = at === depth
    before.title = 'To the number one layer earlier that counts most here (key ,)'
    after.title = 'To the number one layer later that it leads to (key .)'
    write(playing, view.playing ? 'Stop' : 'Move along')
    playing.title = 'From cell to cell, row by row (Space)'
  }

  // What the visitor does.

  ui.direction.onclick = (event) => {
    const { value } = event.target.dataset
    if (value)
      go({
        way:
          value === 'forward' ? 'forward' : view.state.way === 'forward' ? (view.rule ?? 'backprop') : view.state.way,
      })
  }
  ui.rules.onclick = (event) => {
    const { value } = event.target.dataset
    if (!value) return
    view.rule = value
    go({ way: value })
  }
  ui.moves.onclick = (event) => {
    const { value } = event.target.dataset
    if (value !== 'play') stop()
    if (value === 'play') play()
    else if (value) {
      const to = follow(value === 'before' ? -1 : 1)
      if (to) go(to)
    }
  }
  ui.stage.onpointermove = (event) => {
    const next = under(event)
    const same = next?.at === hovered?.at && next?.unit === hovered?.unit
    hovered = next && { at: next.at, unit: next.unit }
    if (!same) mark()
    tell(hovered, event.clientX, event.clientY)
  }
  ui.stage.onpointerleave = () => {
    hovered = null
    mark()
    tell(null)
  }
  ui.stage.onclick = (event) => {
    const node = under(event)
    if (!node) return
    stop()
    const same = stageOf(node.at) && !stages[node.at].flat && stageOf(view.state.at)?.flat === false
    const place = same ? across(node.at) : node.at < depth ? strongestOf(node.at, node.unit) : {}
    go({ ...place, at: node.at, unit: node.unit })
  }
  const strongestOf = (at, unit) => {
    const { cells, width } = stages[at]
    const array = arrayOf(at).subarray(unit * cells, (unit + 1) * cells)
    let best = 0
    array.forEach((value, index) => {
      if (Math.abs(value) > Math.abs(array[best])) best = index
    })
    return { row: Math.floor(best / width), column: best % width }
  }
  const common = (event) => {
    const by = { ',': -1, '.': 1 }[event.key]
    if (by) {
      stop()
      const to = follow(by)
      if (to) go(to)
    } else if (event.key === ' ') play()
    else return false
    event.preventDefault()
    return true
  }
  ui.stage.onkeydown = (event) => {
    if (event.target !== ui.stage || event.ctrlKey || event.metaKey || event.altKey || common(event)) return
    const { at, unit } = view.state
    const units = strip(at) ? null : columns[at].nodes.map((node) => node.unit)
    const vertical = (by) => {
      if (!units || stages[at]?.count > MOST) return { unit: clamp(unit + by, countOf(at)) }
      return { unit: units[clamp(units.indexOf(unit) + by, units.length)] }
    }
    const act = {
      ArrowLeft: () => at > 0 && go(across(at - 1)),
      ArrowRight: () => at < depth && go(across(at + 1)),
      ArrowUp: () => go(vertical(-1)),
      ArrowDown: () => go(vertical(1)),
      Home: () => go(across(0)),
      End: () => go(across(depth)),
      Enter: () => (ui.to.box.hidden ? ui.parts.querySelector('[tabindex="0"]') : ui.to.place)?.focus(),
    }[event.key]
    if (!act) return
    event.preventDefault()
    stop()
    act()
  }
  ui.to.place.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || common(event)) return
    const { row, column, at } = view.state
    const stage = stageOf(at)
    const act = {
      ArrowLeft: { column: column - 1 },
      ArrowRight: { column: column + 1 },
      ArrowUp: { row: row - 1 },
      ArrowDown: { row: row + 1 },
      Home: { row: 0, column: 0 },
      End: { row: stage?.height - 1, column: stage?.width - 1 },
    }[event.key]
    if (event.key === 'Escape') ui.stage.focus()
    else if (act) {
      stop()
      go(act)
    } else return
    event.preventDefault()
  }
  ui.parts.onclick = (event) => {
    const chip = event.target.closest('button')
    if (chip) go({ from: Number(chip.dataset.group) }, ui.parts)
  }
  ui.parts.onkeydown = (event) => {
    const chips = [...ui.parts.querySelectorAll('button')]
    const at = chips.findIndex((chip) => chip.getAttribute('aria-checked') === 'true')
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key]
    if (event.key === 'Escape') ui.stage.focus()
    else if (by && chips[at + by]) chips[at + by].click()
    else return
    event.preventDefault()
  }
  const cellAt = (figure, event) => {
    const frame = figure.canvas.getBoundingClientRect()
    const part = figure.each || 1
    return [
      Math.floor((event.clientY - frame.top) / part) - figure.pad[0],
      Math.floor((event.clientX - frame.left) / part) - figure.pad[1],
    ]
  }
  const drag = (figure, act) => {
    figure.canvas.onpointerdown = (event) => {
      stop()
      figure.canvas.setPointerCapture(event.pointerId)
      act(...cellAt(figure, event))
    }
    figure.canvas.onpointermove = (event) => {
      if (figure.canvas.hasPointerCapture(event.pointerId)) act(...cellAt(figure, event))
    }
  }
  drag(ui.to, (row, column) => go({ row, column }))
  // In the map that goes in: the cell whose window has this place in its middle.
  drag(ui.from, (row, column) => {
    const { at } = view.state
    const stage = stages[at]
    const after = stages[at + 1]
    const centre = (place, one, axis) =>
      Math.round((place + one.padding[axis] - ((one.kernel[axis] - 1) * one.dilation[axis]) / 2) / one.stride[axis])
    const opened = (place, one, axis) =>
      Math.round(place * one.stride[axis] - one.padding[axis] + ((one.kernel[axis] - 1) * one.dilation[axis]) / 2)
    if (rule()) go({ row: opened(row, after, 0), column: opened(column, after, 1) })
    else if (stage.kind === 'flatten') {
      const before = stages[at - 1]
      const [r, c] = [clamp(row, before.height), clamp(column, before.width)]
      go({ unit: (view.step.group * before.height + r) * before.width + c })
    } else if (!stage.flat) go({ row: centre(row, stage, 0), column: centre(column, stage, 1) })
  })
  root.onkeyup = (event) => {
    if (event.key !== 'Escape' && event.key !== 'Tab') event.stopPropagation()
  }

  // At first, and when the numbers change.

  const asked = new URLSearchParams(location.search)
  view.pages ??= {}
  const given = order.count > view.count ? order.show : null
  view.count = last.count = Math.max(order.count, view.count)
  if (given) {
    view.state = readFocus(given.focus, given.way)
    remember()
  } else if (first || !view.state) {
    const found = asked.get('focus') || asked.get('way')
    view.state = found ? readFocus(asked.get('focus'), asked.get('way')) : readFocus(last.focus, last.way)
    if (!found && last.focus) remember()
  } else {
    const names = stages.map((stage) => `${stage.name} ${stage.shape}`).join()
    const back = asked.get('focus') && asked.get('focus') !== last.focus && view.timer === 0
    if (names !== view.names || back) view.state = readFocus(asked.get('focus'), asked.get('way'))
    else view.state = fit(view.state)
  }
  view.names = stages.map((stage) => `${stage.name} ${stage.shape}`).join()
  for (let at = 0; at < depth; at++) {
    if (at === view.state.at) view.pages[at] = Math.floor(view.state.unit / MOST) * MOST
    else if ((view.pages[at] ?? 0) >= stages[at].count) view.pages[at] = 0
  }
  const measure = () => {
    view.room = root.clientWidth
    const narrow = view.room < 560
    root.classList.toggle('narrow', narrow)
    view.small = narrow ? 120 : 0
    const top = root.getBoundingClientRect().top + (page?.scrollTop ?? 0)
    const room = Math.max(440, Math.min(760, window.innerHeight - top - 8))
    root.style.setProperty('--high', `${room}px`)
    show(true)
  }
  const watch = new ResizeObserver(() => {
    if (root.clientWidth !== view.wide || window.innerHeight !== view.tall) {
      view.wide = root.clientWidth
      view.tall = window.innerHeight
      measure()
    }
  })
  watch.observe(root)
  const block = page?.querySelector('[data-testid="stMainBlockContainer"]')
  if (block) watch.observe(block)
  measure()
  return () => {
    watch.disconnect()
    clearInterval(view.playing)
    view.playing = 0
  }
}
