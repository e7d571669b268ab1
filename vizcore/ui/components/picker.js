// A radio group of thumbnails, cut from one sprite; the tab key reaches the chosen one, arrow keys move.
export default function ({ data, parentElement, setTriggerValue }) {
  const group = parentElement.querySelector('[role=radiogroup]')
  const rows = Math.ceil(data.ids.length / data.columns)
  group.setAttribute('aria-label', data.label)
  if (group.dataset.ids !== data.ids.join()) {
    group.dataset.ids = data.ids.join()
    group.replaceChildren(
      ...data.ids.map((id, index) => {
        const button = document.createElement('button')
        button.type = 'button'
        button.title = data.titles[index]
        button.setAttribute('role', 'radio')
        button.setAttribute('aria-label', data.titles[index])
        button.style.backgroundImage = `url(${data.sprite})`
        button.style.backgroundSize = `${64 * data.columns}px ${64 * rows}px`
        button.style.backgroundPosition = `${-64 * (index % data.columns)}px ${-64 * Math.floor(index / data.columns)}px`
        button.onclick = () => setTriggerValue('chosen', id)
        return button
      }),
    )
  }
  const stop = Math.max(0, data.ids.indexOf(data.selected))
  ;[...group.children].forEach((button, index) => {
    button.setAttribute('aria-checked', data.ids[index] === data.selected)
    button.tabIndex = index === stop ? 0 : -1
  })
  group.onkeydown = (event) => {
    const buttons = [...group.children]
    const across = Math.max(1, Math.round(group.clientWidth / 70))
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key]
    const at = buttons.indexOf(event.target)
    if (!step || at < 0) return
    event.preventDefault()
    const next = buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]
    buttons.forEach((button) => {
      button.tabIndex = button === next ? 0 : -1
    })
    next.focus()
  }
}
