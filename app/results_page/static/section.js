// A section of the page: a sentence that says what matters, a chart, and a table with everything.
// Its elements stay, so that nothing flickers and an opened table stays open.

import { chart } from "./drawing.js";
import { fill, h } from "./dom.js";
import { count, t } from "./texts.js";

const MOST_ROWS = 100;
let touched = false;
for (const sign of ["pointerdown", "keydown", "wheel", "touchmove"]) {
  addEventListener(sign, () => { touched = true; }, { once: true, passive: true });
}

export class Section {
  #shown;
  #all = false;

  constructor(name) {
    this.title = h("h2", { id: `${name}-title` });
    this.says = h("div", { class: "says" });
    this.holder = h("div", { class: "chart", hidden: true, "data-chart": name });
    this.drawing = chart(this.holder);
    this.summary = h("summary");
    this.holdsTable = h("div", { class: "holds-table" });
    // Open until there is a chart: on a slow line the figures come first.
    this.details = h("details", { open: true }, this.summary, this.holdsTable);
    this.element = h(
      "section", { class: `tile ${name}`, "aria-labelledby": `${name}-title` },
      this.title, this.says, this.holder, this.details,
    );
  }

  // `says`: nodes; `rows`: a table's rows, `table(rows)` makes it of some of them; `build`: the
  // chart's option (see drawing.js), or null where there is nothing to draw.
  show({ title, says, rows = [], table, build = null, key }) {
    if (key === this.#shown) return;
    this.#shown = key;
    this.title.textContent = title;
    fill(this.says, ...says);
    this.details.hidden = rows.length === 0;
    this.summary.textContent = t("whole_table", { n: count(rows.length) });
    this.fill(rows, table);
    this.element.classList.toggle("drawn", build !== null);
    if (build) this.draw(build, title);
    else {
      this.drawing.hide();
      this.details.open = true;
    }
  }

  fill(rows, table) {
    const some = this.#all ? rows : rows.slice(0, MOST_ROWS);
    const rest = rows.length - some.length;
    const more = rest > 0 && h("button", {
      type: "button",
      onclick: () => {
        this.#all = true;
        this.fill(rows, table);
      },
    }, t("more", { n: count(rest) }));
    fill(this.holdsTable, rows.length ? table(some) : null, more || null);
  }

  async draw(build, title) {
    const first = this.holder.hidden;
    try {
      await this.drawing.show(build, t("chart_of", { title }));
      // Whoever reads already is not to have it taken away.
      if (first && !touched) this.details.open = false;
    } catch {
      this.details.open = true;
    }
  }
}
