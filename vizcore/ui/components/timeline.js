// Shows the chart; a tip at the pointer, arrow keys from work to work, a click or Enter chooses.
export default function ({ data, parentElement, setTriggerValue }) {
  const holder = parentElement.querySelector('.holder')
  const scroll = holder.querySelector('.scroll')
  const tip = holder.querySelector('.tip')
  if (scroll.dataset.drawn !== data.chart) {
    scroll.innerHTML = data.chart
    scroll.dataset.drawn = data.chart
  }
  scroll.setAttribute('aria-label', data.label)
  const works = [...scroll.querySelectorAll('.work')]
  const hide = () => {
    tip.hidden = true
  }
  const show = (work) => {
    const [name, where, idea] = data.tips[work.dataset.key]
    tip.replaceChildren(
      ...[
        ['b', name],
        ['span', where],
        ['div', idea],
      ].map(([tag, text]) => {
        const part = document.createElement(tag)
        part.textContent = text
        return part
      }),
    )
    tip.hidden = false
    const box = holder.getBoundingClientRect()
    const at = work.getBoundingClientRect()
    const left = Math.max(0, Math.min(at.left - box.left, box.width - tip.offsetWidth))
    const below = at.bottom - box.top + 6
    const above = at.top - box.top - tip.offsetHeight - 6
    tip.style.left = `${left}px`
    tip.style.top = `${above > 0 ? above : below}px`
  }
  const reach = (work) => {
    works.forEach((other) => {
      other.tabIndex = -1
    })
    work.tabIndex = 0
  }
  const chosen = works.find((work) => work.dataset.key === data.chosen) || works[0]
  if (chosen) {
    reach(chosen)
    const room = scroll.clientWidth - scroll.querySelector('.names').offsetWidth
    const left = chosen.offsetLeft
    const beyond = left + chosen.offsetWidth > scroll.scrollLeft + room
    if (left < scroll.scrollLeft || beyond) scroll.scrollLeft = left - room / 3
  }
  works.forEach((work, index) => {
    work.onpointerenter = () => show(work)
    work.onpointerleave = hide
    work.onfocus = () => {
      if (work.matches(':focus-visible')) show(work)
    }
    work.onblur = hide
    work.onclick = () => {
      hide()
      setTriggerValue('chosen', work.dataset.key)
    }
    work.onkeydown = (event) => {
      const to = {
        ArrowRight: index + 1,
        ArrowDown: index + 1,
        ArrowLeft: index - 1,
        ArrowUp: index - 1,
        Home: 0,
        End: works.length - 1,
      }[event.key]
      if (event.key === 'Escape') hide()
      if (to === undefined || !works[to]) return
      event.preventDefault()
      reach(works[to])
      works[to].focus()
      works[to].scrollIntoView({ block: 'nearest', inline: 'nearest' })
    }
  })
  scroll.onscroll = hide
}
