// A table of devices, one row each, with a sparkline; a row can be chosen for the chart above.

import { byName } from "../lib/devices.js";
import { attribute, grow, h, text } from "./dom.js";
import { spark } from "./spark.js";

/** Most rows: a host with thousands of interfaces shows those that do something. */
const MOST_ROWS = 64;

export class Devices {
  /**
   * @param {HTMLElement} parent
   * @param {object} options
   * @param {string} options.noun title of the first column
   * @param {(frame: object) => Record<string, object>} options.rows
   * @param {(name: string) => string[]} options.columnsOf columns of a device's sparkline, summed
   * @param {(name: string, frame: object) => boolean} options.prominent shown whatever it does
   * @param {(row: object) => boolean} options.active whether it does something now
   * @param {(row: object) => number} [options.top] value at the top of its sparkline
   * @param {object[]} options.cells `{title, value, bar, alarm, spare, help}`
   */
  constructor(parent, options, shared) {
    this.options = { name: (name) => name, order: (a, b) => byName(a[0], b[0]), ...options };
    this.shared = shared;
    this.chosen = null;
    this.everything = false;
    this.seen = new Set();
    this.values = [];
    this.onChoose = null;
    const { noun, cells } = this.options;
    this.body = h("tbody");
    const head = cells.map(({ title, help, spare }) =>
      h("th", { scope: "col", class: spare ? "number spare" : "number", title: help }, title),
    );
    this.table = h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, noun), h("td", { class: "spark" }), head)),
      this.body,
    );
    attribute(this.table, "aria-labelledby", `${options.id}-title`);
    this.more = h("button", { type: "button", class: "more", "aria-expanded": "false" });
    this.more.addEventListener("click", () => {
      this.everything = !this.everything;
      attribute(this.more, "aria-expanded", String(this.everything));
      shared.redraw();
    });
    // It scrolls by itself, so a keyboard must be able to reach it.
    const scroll = h("div", { class: "scroll", tabindex: "0", role: "group" }, this.table);
    attribute(scroll, "aria-labelledby", `${options.id}-title`);
    parent.append(scroll, this.more);
  }

  draw(store, range, frame) {
    if (!frame?.usage) return;
    const { rows, prominent, active, cells, name, order, columnsOf, top } = this.options;
    const all = Object.entries(rows(frame)).sort(order);
    for (const [key, row] of all) if (active(row)) this.seen.add(key);
    const worth = all.filter(([key]) => prominent(key, frame) || this.seen.has(key) || key === this.chosen);
    const shown = (this.everything ? all : worth).slice(0, MOST_ROWS);
    const quiet = all.length - worth.length;
    this.more.hidden = !quiet;
    text(this.more, this.everything ? "Hide idle" : `${quiet} idle`);
    const first = store.from(range.min);
    const color = this.shared.theme.color("blue");
    const elements = grow(this.body, shown.length, () => this.#row());
    shown.forEach(([key, row], index) => {
      const element = elements[index];
      const [head, sparkCell, ...fields] = element.children;
      element.dataset.key = key;
      const label = head.firstElementChild;
      text(label, name(key, row));
      attribute(label, "title", name(key, row));
      if (this.onChoose) attribute(label, "aria-pressed", String(key === this.chosen));
      spark(sparkCell.firstElementChild, this.#history(store, columnsOf(key), first), color, top?.(row));
      cells.forEach(({ value, bar, alarm }, at) => {
        text(fields[at], value(row));
        fields[at].classList.toggle("alarm", Boolean(alarm?.(row)));
        if (bar) fields[at].style.setProperty("--bar", `${Math.min(100, (bar(row) ?? 0) * 100)}%`);
      });
    });
  }

  #history(store, columns, first) {
    const sum = store.copy(columns[0], first, this.values);
    for (const column of columns.slice(1)) {
      for (let i = 0; i < sum.length; i += 1) {
        const value = store.at(column, first + i);
        if (value !== null) sum[i] = (sum[i] ?? 0) + value;
      }
    }
    return sum;
  }

  #row() {
    const cells = this.options.cells.map(({ bar, spare }) =>
      h("td", { class: ["number", bar && "bar", spare && "spare"].filter(Boolean).join(" ") }),
    );
    const label = this.onChoose ? h("button", { type: "button", class: "pick" }) : h("span");
    const row = h("tr", {}, h("th", { scope: "row" }, label), h("td", { class: "spark" }, h("canvas")), cells);
    if (this.onChoose) {
      label.addEventListener("click", () => {
        this.chosen = this.chosen === row.dataset.key ? null : row.dataset.key;
        this.onChoose(this.chosen);
      });
    }
    return row;
  }
}
