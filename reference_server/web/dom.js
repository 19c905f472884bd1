// Small things of the document: elements, lists that stay in place, and plots.

/** An element; what is a string becomes text, never markup. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  element.append(...children);
  return element;
}

export const by_id = (id) => document.getElementById(id);

/** Changes the document only when there is something to change, so that readers and selections are left alone. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element, kind) {
  if (element.className !== kind) element.className = kind;
}

/** Makes the children of `list` those of `items`, in their order; whoever was there stays the same element. */
export function keep(list, items, key, make, update) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  for (const item of items) {
    const id = key(item);
    let child = known.get(id);
    known.delete(id);
    if (!child) {
      child = make(item);
      child.dataset.key = id;
    }
    if (child === place) place = place.nextElementSibling;
    else list.insertBefore(child, place);
    update(child, item);
  }
  for (const gone of known.values()) gone.remove();
}

const svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

/** Text with `code` in it. */
export function prose(text) {
  return text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : document.createTextNode(part)));
}

const width = 240, height = 48;

export const make_plot = () => svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });

/** Draws [{at, value}] (milliseconds); `limit` is a line when it is in sight; `label` says the same in words. */
export function draw(plot, points, label, limit) {
  plot.setAttribute("aria-label", label);
  plot.replaceChildren();
  const highest = Math.max(1, ...points.map((p) => p.value)) * 1.1;
  const y = (value) => height - 2 - (value / highest) * (height - 4);
  plot.append(svg("line", { class: "floor", x1: 0, x2: width, y1: y(0), y2: y(0) }));
  if (limit && limit < highest) plot.append(svg("line", { class: "limit", x1: 0, x2: width, y1: y(limit), y2: y(limit) }));
  if (points.length < 2) return;
  const first = points[0].at, span = Math.max(1, points.at(-1).at - first);
  plot.append(svg("polyline", { points: points.map((p) => `${(((p.at - first) / span) * width).toFixed(1)},${y(p.value).toFixed(1)}`).join(" ") }));
}
