// The table of processes: sorted by a click or a key on a heading, filtered by a box.

import { bytes, count, percent, rate } from "../lib/format.js";
import { COLUMNS, filtered, label, selection, sorted } from "../lib/processes.js";
import { attribute, grow, h, remember, remembered, text } from "./dom.js";
import { panel } from "./panels.js";

/** Most rows that are drawn; the filter finds the others. */
const MOST_ROWS = 100;

const SHOW = {
  plain: (value) => (value == null ? "–" : String(value)),
  text: String,
  state: String,
  percent,
  bytes,
  rate,
  count,
};

export class Processes {
  /** @param {{select: (selection: object) => void, redraw: () => void}} shared */
  constructor(shared) {
    this.shared = shared;
    this.order = Processes.#remembered();
    this.box = h("input", {
      type: "search",
      placeholder: "Filter  /",
      "aria-label": "Filter processes by name or PID",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 100,
    });
    this.note = h("span", { class: "chosen", "aria-live": "off" });
    const made = panel("processes", "Processes", this.note, this.box);
    this.element = made.element;
    this.body = h("tbody");
    this.heads = COLUMNS.map((column) => this.#head(column));
    const head = h("thead", {}, h("tr", {}, this.heads));
    this.table = h("table", { "aria-labelledby": "processes-title" }, head, this.body);
    this.empty = h("p", { class: "empty", hidden: true });
    // It scrolls by itself, so a keyboard must be able to reach it.
    made.body.append(
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of processes" }, this.table),
      this.empty,
    );
    this.box.addEventListener("input", () => this.#changed());
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.box.value = "";
      this.box.blur();
      this.#changed();
    });
    this.#changed();
  }

  get filter() {
    return this.box.value.trim();
  }

  focus() {
    this.box.focus();
    this.box.select();
  }

  draw(_store, _range, frame) {
    if (!frame?.usage) return;
    const all = Object.values(frame.usage.processes ?? {});
    const found = filtered(all, this.filter);
    const shown = sorted(found, this.order).slice(0, MOST_ROWS);
    const there = COLUMNS.map(({ field, optional }) => !optional || all.some((row) => row[field] != null));
    this.heads.forEach((head, index) => (head.hidden = !there[index]));
    const rows = grow(this.body, shown.length, () => this.#row());
    shown.forEach((row, index) => this.#fill(rows[index], row, there));
    text(this.note, this.filter ? `${found.length} match` : "");
    this.empty.hidden = shown.length > 0;
    text(this.empty, this.filter ? "No process has this in its name or PID." : "Waiting for the second sample.");
  }

  #fill(element, row, there) {
    COLUMNS.forEach(({ field, kind, bar }, index) => {
      const cell = element.children[index];
      cell.hidden = !there[index];
      if (cell.hidden) return;
      if (kind === "text") {
        text(cell.firstElementChild, row.comm);
        text(cell.lastElementChild, label(row).slice(row.comm.length));
        attribute(cell, "title", label(row));
        return;
      }
      text(cell, SHOW[kind](row[field]));
      if (kind === "state") attribute(cell, "data-state", row[field]);
      if (bar) cell.style.setProperty("--bar", `${Math.min(100, (row[field] ?? 0) * 100)}%`);
      cell.classList.toggle("zero", row[field] === 0);
    });
  }

  #head(column) {
    const { field, title, kind, help } = column;
    const button = h("button", { type: "button", title: help }, title);
    const head = h("th", { scope: "col", class: this.#classes(column), "data-field": field }, button);
    if (kind === "state") attribute(button, "aria-label", "State");
    button.addEventListener("click", () => {
      const { order } = this;
      const other = order.direction === "ascending" ? "descending" : "ascending";
      this.order = { field, direction: order.field === field ? other : column.first };
      remember("order", `${this.order.field} ${this.order.direction}`);
      this.#changed();
    });
    return head;
  }

  #row() {
    return h(
      "tr",
      {},
      COLUMNS.map((column) =>
        column.kind === "text"
          ? h("th", { scope: "row", class: this.#classes(column) }, h("span"), h("span", { class: "line" }))
          : h("td", { class: this.#classes(column) }),
      ),
    );
  }

  #classes({ field, kind, bar }) {
    const number = kind !== "text" && kind !== "state";
    return [`c-${field.split("_")[0]}`, number && "number", bar && "bar"].filter(Boolean).join(" ");
  }

  #changed() {
    this.heads.forEach((head, index) => {
      attribute(head, "aria-sort", COLUMNS[index].field === this.order.field ? this.order.direction : null);
    });
    this.shared.select(selection(this.order, this.filter));
    this.shared.redraw();
  }

  static #remembered() {
    const [field, direction] = (remembered("order") ?? "").split(" ");
    const known = COLUMNS.some((column) => column.field === field) && ["ascending", "descending"].includes(direction);
    return known ? { field, direction } : { field: "cpu_ratio", direction: "descending" };
  }
}
