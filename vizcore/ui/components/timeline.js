// Shows the widest chart that fits; a tip at the pointer, arrow keys from work to work, a click or Enter chooses.
export default function ({ data, parentElement, setTriggerValue }) {
  const holder = parentElement.querySelector('.holder')
  const scroll = holder.querySelector('.scroll')
  const tip = holder.querySelector('.tip')
  const frame = holder.querySelector('.frame')
  const more = holder.querySelector('.more')
  let works = []
  scroll.setAttribute('aria-label', data.label)
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
  // What lies beyond the edges: they fade, and a line says so.
  const hint = () => {
    const beyond = scroll.scrollWidth - scroll.clientWidth
    frame.classList.toggle('before', scroll.scrollLeft > 2)
    frame.classList.toggle('after', scroll.scrollLeft < beyond - 2)
    more.hidden = beyond < 2
  }
  const draw = () => {
    const fitting = data.charts.filter(([width]) => width <= scroll.clientWidth)
    const [, chart] = fitting.at(-1) || data.charts[0]
    if (!scroll.clientWidth) return
    if (scroll.drawn !== chart) {
      const first = !scroll.drawn
      scroll.innerHTML = chart
      scroll.drawn = chart
      if (first) scroll.scrollLeft = scroll.scrollWidth // the newest years
    }
    listen()
    hint()
  }
  const listen = () => {
    works = [...scroll.querySelectorAll('.work')]
    works.forEach(wire)
    const chosen = works.find((work) => work.dataset.key === data.chosen) || works[0]
    if (!chosen) return
    reach(chosen)
    const room = scroll.clientWidth - scroll.querySelector('.names').offsetWidth
    const left = chosen.offsetLeft
    const beyond = left + chosen.offsetWidth > scroll.scrollLeft + room
    if (left < scroll.scrollLeft || beyond) scroll.scrollLeft = left < scroll.scrollLeft ? left - 4 : left - room / 3
  }
  const wire = (work, index) => {
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
  }
  scroll.onscroll = () => {
    hide()
    hint()
  }
  const watch = new ResizeObserver(draw)
  watch.observe(scroll)
  draw()
  return () => watch.disconnect()
}
