// Where a kernel lands: an input, its padding, and the output, cell by cell. The address has it as ?grid=.
const PARTS = [
  ['size', 'Input size', 1, 16, 7],
  ['kernel', 'Kernel', 1, 7, 3],
  ['padding', 'Padding', 0, 4, 0],
  ['stride', 'Stride', 1, 4, 1],
  ['dilation', 'Dilation', 1, 4, 1],
]
const views = new WeakMap()
const last = { grid: null }

const make = (tag, name, parent, text) => {
  const node = document.createElement(tag)
  if (name) node.className = name
  if (text !== undefined) node.textContent = text
  if (parent) parent.append(node)
  return node
}

const build = (root) => {
  const controls = make('div', 'controls', root)
  const sliders = PARTS.map(([name, label, low, high, value]) => {
    const box = make('label', '', controls)
    make('span', '', box, label)
    const shown = make('output', '', box)
    const slider = make('input', '', box)
    Object.assign(slider, { type: 'range', min: low, max: high, step: 1, value })
    slider.setAttribute('aria-label', label)
    slider.dataset.name = name
    return { slider, shown }
  })
  const play = make('button', '', controls, 'Move along')
  play.type = 'button'
  const formula = make('p', 'formula', root)
  const grids = make('div', 'grids', root)
  const figure = (caption) => {
    const box = make('figure', '', grids)
    const place = make('div', 'place', box)
    const canvas = make('canvas', '', place)
    canvas.setAttribute('aria-hidden', 'true')
    const words = make('figcaption', '', box, caption)
    return { box, place, canvas, words }
  }
  const input = figure('')
  const output = figure('')
  output.place.tabIndex = 0
  output.place.setAttribute('role', 'listbox')
  output.place.setAttribute('aria-activedescendant', 'here')
  output.place.setAttribute('aria-label', 'Cells of the output; arrow keys move the kernel')
  const here = make('div', 'option', output.place)
  here.id = 'here'
  here.setAttribute('role', 'option')
  const said = make('p', 'said', root)
  said.setAttribute('aria-live', 'polite')
  return { sliders, play, formula, input, output, here, said }
}

export default function ({ parentElement }) {
  const root = parentElement.querySelector('.playground')
  const read = (text) => {
    const numbers = (text || '').split('.').map(Number)
    return numbers.length === 5 && numbers.every(Number.isInteger) ? numbers : null
  }
  const first = !views.has(root)
  if (first) {
    views.set(root, { ui: build(root), at: [0, 0], timer: 0, playing: 0 })
    const asked = read(new URLSearchParams(location.search).get('grid')) || read(last.grid)
    if (asked) {
      views.get(root).ui.sliders.forEach(({ slider }, index) => {
        slider.value = asked[index]
      })
    }
  }
  const view = views.get(root)
  const { ui } = view
  const numbers = () => ui.sliders.map(({ slider }) => Number(slider.value))
  const count = () => {
    const [size, kernel, padding, stride, dilation] = numbers()
    return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
  }
  const remember = () => {
    last.grid = numbers().join('.')
    clearTimeout(view.timer)
    view.timer = setTimeout(() => {
      const query = new URLSearchParams(location.search)
      query.set('grid', last.grid)
      const address = `?${query}`.replaceAll('%3A', ':')
      if (root.isConnected && location.search !== address) history.replaceState(history.state, '', address)
    }, 250)
  }
  const brushOf = (canvas, wide, high) => {
    const ratio = window.devicePixelRatio || 1
    canvas.width = Math.round(wide * ratio)
    canvas.height = Math.round(high * ratio)
    canvas.style.width = `${wide}px`
    canvas.style.height = `${high}px`
    const brush = canvas.getContext('2d')
    brush.setTransform(ratio, 0, 0, ratio, 0, 0)
    return brush
  }
  const draw = () => {
    const [size, kernel, padding, stride, dilation] = numbers()
    const style = getComputedStyle(root)
    const [ink, accent] = [style.color, style.getPropertyValue('--st-primary-color')]
    const out = count()
    const whole = size + 2 * padding
    const span = dilation * (kernel - 1) + 1
    const side = Math.max(120, Math.min(300, (root.clientWidth - 40) / 2))
    const each = Math.min(34, Math.floor(side / whole))
    ui.sliders.forEach(({ slider, shown }) => {
      shown.textContent = slider.value
    })
    const sum = `(${size} + 2 × ${padding} − ${dilation} × (${kernel} − 1) − 1) / ${stride}`
    const fits = out > 0
    ui.formula.textContent = fits
      ? `Output size = ⌊${sum}⌋ + 1 = ${out}`
      : `The kernel spans ${span} cells, the padded input has ${whole}: there is no output.`
    root.dataset.output = Math.max(0, out)
    ui.output.box.hidden = ui.play.disabled = !fits
    const rows = view.at.map((place) => Math.max(0, Math.min(Math.max(0, out - 1), place)))
    view.at = rows
    const brush = brushOf(ui.input.canvas, each * whole + 2, each * whole + 2)
    brush.translate(1, 1)
    const [top, left] = rows.map((place) => place * stride)
    const under = (r, c) =>
      fits &&
      r >= top &&
      c >= left &&
      r < top + span &&
      c < left + span &&
      !((r - top) % dilation) &&
      !((c - left) % dilation)
    const reads = (place) => {
      let many = 0
      for (let o = 0; o < out; o++) {
        const at = place + padding - o * stride
        if (at >= 0 && at < span && at % dilation === 0) many += 1
      }
      return many
    }
    for (let r = 0; r < whole; r++) {
      for (let c = 0; c < whole; c++) {
        const pad = r < padding || c < padding || r >= whole - padding || c >= whole - padding
        brush.globalAlpha = under(r, c) ? 0.75 : pad ? 0.05 : 0.2
        brush.fillStyle = under(r, c) ? accent : ink
        brush.fillRect(c * each + 0.5, r * each + 0.5, each - 1, each - 1)
        if (each >= 14) {
          brush.globalAlpha = 0.85
          brush.fillStyle = ink
          brush.font = `${Math.min(12, each / 2)}px ${style.fontFamily}`
          brush.textAlign = 'center'
          brush.textBaseline = 'middle'
          brush.fillText(pad ? '·' : reads(r - padding) * reads(c - padding), (c + 0.5) * each, (r + 0.5) * each)
        }
      }
    }
    brush.globalAlpha = 1
    brush.strokeStyle = accent
    brush.lineWidth = 2
    if (fits) brush.strokeRect(left * each, top * each, span * each, span * each)
    ui.input.words.textContent = `Input ${size} × ${size}${padding ? ` with ${padding} of padding on each side` : ''}. The numbers: how many outputs read a cell; dots are padding, zeros.`
    view.each = each
    if (!fits) {
      ui.said.textContent = 'Make the input or the padding larger, or the kernel or the dilation smaller.'
      return
    }
    const other = brushOf(ui.output.canvas, each * out + 2, each * out + 2)
    other.translate(1, 1)
    for (let r = 0; r < out; r++) {
      for (let c = 0; c < out; c++) {
        const here = r === rows[0] && c === rows[1]
        other.globalAlpha = here ? 0.75 : 0.2
        other.fillStyle = here ? accent : ink
        other.fillRect(c * each + 0.5, r * each + 0.5, each - 1, each - 1)
      }
    }
    ui.output.words.textContent = `Output ${out} × ${out}`
    const unread = (whole - span) % stride
    const middle = Math.floor(size / 2)
    const sentences = [
      `Output row ${rows[0]}, column ${rows[1]} reads ${kernel * kernel} cells, spread over ${span} × ${span}.`,
      `The middle input cell is read by ${reads(middle) ** 2} outputs, the corner by ${reads(0) ** 2}.`,
    ]
    if (unread)
      sentences.push(`${unread} ${unread === 1 ? 'row and column' : 'rows and columns'} at the end are never reached.`)
    const said = sentences.join(' ')
    if (ui.said.textContent !== said) ui.said.textContent = said
    ui.here.textContent = sentences[0]
  }
  const go = (row, column) => {
    const most = count() - 1
    view.at = [Math.max(0, Math.min(most, row)), Math.max(0, Math.min(most, column))]
    draw()
  }
  const stop = () => {
    clearInterval(view.playing)
    view.playing = 0
    ui.play.textContent = 'Move along'
  }
  const next = () => {
    const [row, column] = view.at
    const most = count()
    if (column + 1 < most) go(row, column + 1)
    else if (row + 1 < most) go(row + 1, 0)
    else return false
    return true
  }
  ui.play.onclick = () => {
    if (view.playing) {
      stop()
      return
    }
    ui.play.textContent = 'Stop'
    if (!next()) go(0, 0)
    view.playing = setInterval(() => {
      if (!root.isConnected || !next()) stop()
    }, 350)
  }
  ui.sliders.forEach(({ slider }) => {
    slider.oninput = () => {
      draw()
      remember()
    }
  })
  const cell = (figure, event) => {
    const frame = figure.canvas.getBoundingClientRect()
    return [event.clientY - frame.top, event.clientX - frame.left].map((place) => Math.floor((place - 1) / view.each))
  }
  ui.output.canvas.onpointermove = ui.output.canvas.onpointerdown = (event) => {
    stop()
    go(...cell(ui.output, event))
  }
  ui.output.place.onkeydown = (event) => {
    const [row, column] = view.at
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [0, 0],
      End: [count() - 1, count() - 1],
    }[event.key]
    if (!to) return
    event.preventDefault()
    stop()
    go(...to)
  }
  const watch = new ResizeObserver(draw)
  watch.observe(root)
  draw()
  return () => {
    watch.disconnect()
    stop()
  }
}
