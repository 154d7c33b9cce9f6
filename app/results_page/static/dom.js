// Elements, made without any HTML in strings: what the API says can never become markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((one) => one !== null && one !== undefined));
  return element;
}

// Put children in another's place, leaving the keyboard where it was.
export function fill(holder, ...children) {
  const focused = holder.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.getAttribute("href");
  holder.replaceChildren(...children.flat(3).filter((one) => one !== null && one !== undefined));
  if (key) holder.querySelector(`[href="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

// A table: `heads` are texts, or [text, "n"] for numbers; the first cell of a row heads it.
export function table(caption, heads, rows) {
  const numeric = heads.map((head) => (Array.isArray(head) ? "number" : null));
  const cells = (row) => row.map((cell, at) =>
    at === 0
      ? h("th", { scope: "row" }, cell)
      : h("td", { class: numeric[at] }, cell));
  return h("table", {},
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, heads.map((head, at) =>
      h("th", { scope: "col", class: numeric[at] }, Array.isArray(head) ? head[0] : head)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, cells(row)))));
}
