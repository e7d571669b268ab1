// Thumbnails as a radio group, filtered by a search field and by groups. Arrow keys, Home and End move among those
// shown, Enter and a click choose; a letter typed among the thumbnails goes into the search field.
export default function ({ data, parentElement, setTriggerValue }) {
  const search = parentElement.querySelector('input')
  const count = parentElement.querySelector('.count')
  const groups = parentElement.querySelector('.groups')
  const grid = parentElement.querySelector('.grid')
  const plain = (text) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '')
  const shown = () => [...grid.children].filter((button) => !button.hidden)
  const stop = (button) => {
    for (const other of grid.children) other.tabIndex = other === button ? 0 : -1
  }
  const go = (button) => {
    stop(button)
    button.focus()
    button.scrollIntoView({ block: 'nearest' })
  }
  const filter = () => {
    const group = groups.querySelector('[aria-pressed=true]')?.dataset.group
    const words = plain(search.value).split(/\s+/).filter(Boolean)
    for (const button of grid.children) {
      const right = !group || button.dataset.group === group
      button.hidden = !right || !words.every((word) => button.dataset.words.includes(word))
    }
    const left = shown()
    count.textContent = left.length ? `${left.length} of ${grid.children.length}` : 'Nothing is called that'
    stop(left.find((button) => button.dataset.id === data.selected) || left[0])
  }
  const press = (pressed) => {
    for (const chip of groups.children) chip.setAttribute('aria-pressed', chip === pressed)
    filter()
  }
  const chip = (name, group) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = name
    button.dataset.group = group
    button.onclick = () => press(button)
    return button
  }
  let cells = 0
  const thumbnail = (choice) => {
    const button = document.createElement('button')
    const face = button.appendChild(document.createElement('span'))
    const name = button.appendChild(document.createElement('span'))
    button.type = 'button'
    button.title = choice.title
    button.setAttribute('role', 'radio')
    Object.assign(button.dataset, { id: choice.id, group: choice.group })
    button.dataset.words = plain(`${choice.title} ${choice.group} ${choice.words}`)
    face.className = data.crisp ? 'face crisp' : 'face'
    name.className = 'name'
    name.textContent = choice.title
    if (choice.picture) {
      face.style.backgroundImage = `url(${choice.picture})`
      face.style.backgroundSize = 'cover'
    } else {
      const across = cells % data.columns
      const down = Math.floor(cells++ / data.columns)
      face.style.backgroundImage = `url(${data.sheet})`
      face.style.backgroundSize = `${data.cell * data.columns}px ${data.cell * data.rows}px`
      face.style.backgroundPosition = `${-data.cell * across}px ${-data.cell * down}px`
    }
    button.onclick = () => setTriggerValue('chosen', choice.id)
    return button
  }

  const made = data.choices.map((choice) => choice.id).join()
  const first = grid.dataset.made !== made
  if (first) {
    grid.dataset.made = made
    grid.setAttribute('aria-label', data.label)
    search.placeholder = `Search ${data.label.toLowerCase()}`
    search.setAttribute('aria-label', search.placeholder)
    grid.replaceChildren(...data.choices.map(thumbnail))
    const names = [...new Set(data.choices.map((choice) => choice.group))]
    groups.replaceChildren(chip('All', ''), ...names.map((name) => chip(name, name)))
    press(groups.firstChild)
  }
  for (const button of grid.children) button.setAttribute('aria-checked', button.dataset.id === data.selected)

  search.oninput = filter
  search.onkeydown = (event) => {
    const [best] = shown()
    if (event.key === 'ArrowDown' && best) {
      event.preventDefault()
      go(shown().find((button) => button.tabIndex === 0) || best)
    }
    if (event.key === 'Enter' && best && search.value.trim()) best.click()
  }
  grid.onkeydown = (event) => {
    const buttons = shown()
    const at = buttons.indexOf(event.target)
    if (at < 0) return
    const across = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + across,
      ArrowUp: at - across,
      Home: 0,
      End: buttons.length - 1,
    }[event.key]
    if (to !== undefined) {
      event.preventDefault()
      if (buttons[to]) go(buttons[to])
    } else if (event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault()
      search.focus()
      search.value += event.key
      filter()
    }
  }
  // The keys of the page, for the next picture say, are not meant for what is typed here.
  parentElement.onkeydown = (event) => {
    if (event.key !== 'Escape' && event.key !== 'Tab') event.stopPropagation()
  }
  if (!first) return undefined
  const root = search.getRootNode()
  const begin = () => {
    if (!root.activeElement) go(shown().find((button) => button.tabIndex === 0) || search)
  }
  const timers = [0, 150, 400].map((wait) => setTimeout(begin, wait)) // the dialog takes the focus as it opens
  return () => timers.forEach(clearTimeout)
}
