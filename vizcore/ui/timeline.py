"""The timeline in the browser: point at a work to read its idea, click it or press Enter to choose it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import streamlit as st

from vizcore.ui import progress

_CSS = """
.scroll { position: relative; overflow-x: auto; display: flex; font-family: var(--st-font); color: var(--st-text-color);
  font-size: 12px; line-height: 1; border-radius: 4px; }
.names { position: sticky; left: 0; z-index: 3; flex: 0 0 118px; background: var(--st-background-color); }
.family { position: absolute; left: 0; right: 6px; display: flex; align-items: center; font-weight: 600;
  font-size: 13px; line-height: 1.15; transition: opacity 0.2s; }
.field { position: relative; flex: 1 0 auto; }
.year { position: absolute; top: 0; bottom: 0; padding: 6px 0 0 4px; box-sizing: border-box; opacity: 0.9;
  font-variant-numeric: tabular-nums; font-size: 13px;
  border-left: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.year.early { border-right: 1px dashed color-mix(in srgb, currentColor 50%, transparent); }
.lane { position: absolute; left: 0; right: 0; pointer-events: none; }
.lane.even { background: color-mix(in srgb, currentColor 5%, transparent); }
.work { position: absolute; display: flex; align-items: center; gap: 5px; height: 22px; padding: 0 3px 0 0;
  margin: 0; border: 0; border-radius: 11px; background: none; color: inherit; font: inherit; white-space: nowrap;
  cursor: pointer; transition: opacity 0.2s; }
.work i { box-sizing: border-box; width: 10px; height: 10px; border-radius: 50%; flex: none; margin-left: -1px;
  border: 1.5px solid color-mix(in srgb, currentColor 70%, transparent); background: var(--st-background-color); }
.work.runs { font-weight: 600; letter-spacing: -0.01em; }
.work.runs i { border-color: var(--st-primary-color); background: var(--st-primary-color); }
.work.chosen { background: var(--st-primary-color); color: #fff; z-index: 2; padding-right: 9px; }
.work.chosen i { border-color: #fff; margin-left: 3px; }
.work:hover { z-index: 2; text-decoration: underline; text-underline-offset: 0.2em; }
.work:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; z-index: 2; }
.dim { opacity: 0.32; }
.tip { position: absolute; z-index: 5; width: 300px; box-sizing: border-box; padding: 8px 11px; border-radius: 5px;
  pointer-events: none; background: var(--st-text-color); color: var(--st-background-color);
  font-family: var(--st-font); font-size: 13px; line-height: 1.4; }
.tip b, .tip span { display: block; }
.tip span { opacity: 0.8; }
.holder { position: relative; }
.key { display: flex; gap: 1.4rem; flex-wrap: wrap; padding: 8px 0 0; font-family: var(--st-font); font-size: 13px;
  color: var(--st-text-color); }
.key span { display: flex; align-items: center; gap: 6px; }
.key i { box-sizing: border-box; width: 10px; height: 10px; border-radius: 50%; border: 1.5px solid currentColor; }
.key .full { background: var(--st-primary-color); border-color: var(--st-primary-color); }
"""

_HTML = """<div class="holder"><div class="scroll" role="group"></div><div class="tip" hidden></div>
<div class="key" aria-hidden="true"><span><i class="full"></i>runs here</span><span><i></i>to read about</span>
<span>Point at a work for its idea, click it for the rest</span></div></div>"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const holder = parentElement.querySelector('.holder'), scroll = holder.querySelector('.scroll')
  const tip = holder.querySelector('.tip')
  if (scroll.dataset.drawn !== data.chart) { scroll.innerHTML = data.chart; scroll.dataset.drawn = data.chart }
  scroll.setAttribute('aria-label', data.label)
  const works = [...scroll.querySelectorAll('.work')]
  const hide = () => { tip.hidden = true }
  const show = (work) => {
    const [name, where, idea] = data.tips[work.dataset.key]
    tip.replaceChildren(...[['b', name], ['span', where], ['div', idea]].map(([tag, text]) => {
      const part = document.createElement(tag)
      part.textContent = text
      return part
    }))
    tip.hidden = false
    const box = holder.getBoundingClientRect(), at = work.getBoundingClientRect()
    const left = Math.max(0, Math.min(at.left - box.left, box.width - tip.offsetWidth))
    const below = at.bottom - box.top + 6, above = at.top - box.top - tip.offsetHeight - 6
    tip.style.left = `${left}px`
    tip.style.top = `${above > 0 ? above : below}px`
  }
  const reach = (work) => {
    works.forEach((other) => { other.tabIndex = -1 })
    work.tabIndex = 0
  }
  const chosen = works.find((work) => work.dataset.key === data.chosen) || works[0]
  if (chosen) {
    reach(chosen)
    const room = scroll.clientWidth - scroll.querySelector('.names').offsetWidth
    const left = chosen.offsetLeft, beyond = left + chosen.offsetWidth > scroll.scrollLeft + room
    if (left < scroll.scrollLeft || beyond) scroll.scrollLeft = left - room / 3
  }
  works.forEach((work, index) => {
    work.onpointerenter = () => show(work)
    work.onpointerleave = hide
    work.onfocus = () => { if (work.matches(':focus-visible')) show(work) }
    work.onblur = hide
    work.onclick = () => { hide(); setTriggerValue('chosen', work.dataset.key) }
    work.onkeydown = (event) => {
      const to = { ArrowRight: index + 1, ArrowDown: index + 1, ArrowLeft: index - 1, ArrowUp: index - 1,
        Home: 0, End: works.length - 1 }[event.key]
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
"""

_component = st.components.v2.component("vizcore.timeline", html=_HTML, css=_CSS, js=_JS)


def timeline(
    key: str,
    chart: str,
    tips: Mapping[str, Sequence[str]],
    take: Callable[[str], None],
    *,
    chosen: str = "",
    label: str = "",
) -> None:
    """Draw the chart of :func:`vizcore.figures.timeline.chart`; `take(key)` is called with the work clicked.

    Args:
        tips: by key, three lines to show at the pointer. chosen: the key that the tab key reaches first.
        label: what the chart shows, for those who cannot see it.
    """

    def clicked() -> None:
        if (found := st.session_state[key].chosen) in tips:
            take(found)

    _component(
        key=key, on_chosen_change=clicked,
        data={"chart": chart, "tips": {name: list(lines) for name, lines in tips.items()}, "chosen": chosen,
              "label": label},
    )  # fmt: skip


@contextlib.contextmanager
def progress_here() -> Iterator[None]:
    """Within the block, what is slow shows its progress here and not under the title: on this page that is far off."""
    token = progress.line.set(st.empty())
    try:
        yield
    finally:
        progress.line.reset(token)
