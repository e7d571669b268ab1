// Shows the SVG; a click reports the node it lies in.
export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector('.graph')
  box.innerHTML = data.svg
  box.onclick = (event) => {
    const node = event.target.closest('[data-node]')
    if (node) setTriggerValue('chosen', node.dataset.node)
  }
}
