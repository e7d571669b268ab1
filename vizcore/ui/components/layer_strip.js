// A radio group of blocks, one for each layer: arrow keys move and choose; comma and full stop do so from anywhere.
const kept = new WeakMap() // what was asked for, until the page has run again
const PATIENCE = 2000 // how long, in ms, the block asked for stays marked while the page still shows the one before
const BURST = 400 // steps that follow each other faster than this are sent once, when they pause

const typing = (event) => {
  const on = event.composedPath()[0]
  return on.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(on.tagName)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const strip = parentElement.querySelector('.strip')
  const group = strip.querySelector('.cells')
  const view = strip.querySelector('.window')
  const select = strip.querySelector('select')
  const tip = strip.querySelector('.tip')
  const state = kept.get(parentElement) || { sent: 0 }
  kept.set(parentElement, state)
  const last = data.names.length - 1
  const make = (tag, text) => {
    const element = document.createElement(tag)
    element.textContent = text
    return element
  }
  const make_cell = (name, index) => {
    const cell = make('button', '')
    cell.type = 'button'
    cell.className = data.kinds[index]
    cell.dataset.layer = name
    cell.setAttribute('role', 'radio')
    cell.setAttribute('aria-label', data.texts[index])
    cell.style.flexGrow = data.grow[index]
    cell.append(document.createElement('i'))
    cell.firstChild.style.height = `${data.heights[index]}px`
    return cell
  }
  const drawn = JSON.stringify([data.texts, data.kinds])
  if (state.drawn !== drawn) {
    state.drawn = drawn
    state.wanted = null
    group.replaceChildren(...data.names.map(make_cell))
    select.replaceChildren(...data.texts.map((text) => make('option', text)))
  }
  strip.querySelector('.label').textContent = data.label
  group.setAttribute('aria-label', data.label)
  select.setAttribute('aria-label', `${data.label}, by name`)
  const cells = [...group.children]
  const marked = () => cells.findIndex((cell) => cell.getAttribute('aria-checked') === 'true')
  const point = (index) => {
    tip.hidden = index < 0
    if (index < 0) return
    tip.textContent = data.texts[index]
    const box = cells[index].getBoundingClientRect()
    const frame = strip.getBoundingClientRect()
    const left = (box.left + box.right) / 2 - frame.left - tip.offsetWidth / 2
    tip.style.left = `${Math.max(0, Math.min(left, frame.width - tip.offsetWidth))}px`
    tip.style.top = `${box.bottom - frame.top + 4}px`
  }
  const hint = () => {
    const beyond = group.scrollWidth - group.clientWidth
    view.classList.toggle('before', group.scrollLeft > 2)
    view.classList.toggle('after', group.scrollLeft < beyond - 2)
  }
  const mark = (index) => {
    cells.forEach((cell, at) => {
      cell.setAttribute('aria-checked', at === index)
      cell.tabIndex = at === index ? 0 : -1
    })
    select.selectedIndex = index
    const [back, on] = strip.querySelectorAll('.step')
    const word = data.label.toLowerCase()
    back.setAttribute('aria-label', `Previous ${word}`)
    on.setAttribute('aria-label', `Next ${word}`)
    back.title = `Previous ${word} (key: comma)`
    on.title = `Next ${word} (key: full stop)`
    back.setAttribute('aria-disabled', index <= 0)
    on.setAttribute('aria-disabled', index >= last)
    const { offsetLeft, offsetWidth } = cells[index]
    const room = group.clientWidth
    if (offsetLeft < group.scrollLeft + 20 || offsetLeft + offsetWidth > group.scrollLeft + room - 20)
      group.scrollLeft = offsetLeft - room / 2
    hint()
  }
  const choose = (index) => {
    if (index < 0 || index > last || index === marked()) return
    mark(index)
    const now = Date.now()
    clearTimeout(state.sending)
    clearTimeout(state.waiting)
    state.wanted = index
    const wait = now - state.sent < BURST ? BURST / 2 : 0
    state.sent = now
    state.sending = setTimeout(() => {
      setTriggerValue('chosen', data.names[index])
      state.waiting = setTimeout(() => {
        state.wanted = null
        mark(state.chosen)
      }, PATIENCE)
    }, wait)
  }
  cells.forEach((cell, index) => {
    cell.onclick = () => choose(index)
    cell.onpointerenter = () => point(index)
    cell.onpointerleave = () => point(-1)
    cell.onfocus = () => cell.matches(':focus-visible') && point(index)
    cell.onblur = () => point(-1)
  })
  group.onkeydown = (event) => {
    const at = marked()
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last }[
      event.key
    ]
    if (to === undefined) return
    event.preventDefault()
    if (!cells[to]) return
    choose(to)
    cells[to].focus()
  }
  group.onscroll = hint
  select.onchange = () => choose(select.selectedIndex)
  strip.querySelectorAll('.step').forEach((button) => {
    button.onclick = () => choose(marked() + Number(button.dataset.by))
  })
  const anywhere = (event) => {
    const by = { ',': -1, '.': 1 }[event.key]
    if (!by || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event)) return
    event.preventDefault()
    choose(marked() + by)
  }
  document.addEventListener('keydown', anywhere)
  state.chosen = data.chosen
  if (data.chosen === state.wanted) {
    state.wanted = null
    clearTimeout(state.waiting)
  }
  mark(state.wanted ?? data.chosen)
  const watch = new ResizeObserver(() => mark(marked()))
  watch.observe(group)
  return () => {
    document.removeEventListener('keydown', anywhere)
    watch.disconnect()
  }
}
