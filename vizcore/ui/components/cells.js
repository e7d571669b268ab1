// A picture under a grid: the cell at the pointer is framed and named, a click reports its row and column.
export default function ({ data, parentElement, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name)
  const [picture, image, hover, chosen, caption] = ['.picture', 'img', '.hover', '.chosen', 'figcaption'].map(find)
  if (image.getAttribute('src') !== data.source) image.src = data.source
  image.alt = data.alt
  picture.style.setProperty('--room', `${data.room}px`)
  caption.textContent = data.caption
  const place = (mark, row, column) => {
    mark.hidden = row < 0
    mark.style.left = `${(100 * column) / data.columns}%`
    mark.style.top = `${(100 * row) / data.rows}%`
    mark.style.width = `${100 / data.columns}%`
    mark.style.height = `${100 / data.rows}%`
  }
  place(chosen, data.row, data.column)
  place(hover, -1, 0)
  const at = (event) => {
    const box = picture.getBoundingClientRect()
    const index = (offset, length, count) => Math.min(count - 1, Math.max(0, Math.floor((offset / length) * count)))
    const row = index(event.clientY - box.top, box.height, data.rows)
    return [row, index(event.clientX - box.left, box.width, data.columns)]
  }
  picture.onmousemove = (event) => {
    const [row, column] = at(event)
    place(hover, row, column)
    const label = data.labels[row * data.columns + column]
    caption.textContent = label === undefined ? data.caption : label
  }
  picture.onmouseleave = () => {
    place(hover, -1, 0)
    caption.textContent = data.caption
  }
  picture.onclick = (event) => setTriggerValue('chosen', at(event))
}
