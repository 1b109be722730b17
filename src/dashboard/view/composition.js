// What memory is made of now, as one bar: /proc/meminfo, in parts that do not overlap.

import { bytes } from "../lib/format.js";
import { h, text } from "./dom.js";

const PARTS = [
  { name: "programs", color: "blue" },
  { name: "shared", color: "violet" },
  { name: "kernel", color: "orange" },
  { name: "cache", color: "cpu-nice" },
];

/** The parts, in bytes; what is free is what is left of the whole. */
export function composed(info) {
  const value = (name) => info[`${name}_bytes`] ?? 0;
  const shared = value("shmem");
  const cache = Math.max(0, value("cached") - shared) + value("buffers") + value("s_reclaimable");
  const kernel = value("s_unreclaim") + value("kernel_stack") + value("page_tables") + value("percpu");
  const free = value("mem_free");
  const programs = Math.max(0, value("mem_total") - free - cache - shared - kernel);
  return { whole: value("mem_total"), programs, shared, kernel, cache, free };
}

export class Composition {
  constructor(parent) {
    this.values = {};
    this.pieces = {};
    const whole = h("div", { class: "whole", "aria-hidden": "true" });
    const legend = h("ul", { class: "legend" });
    for (const { name, color } of PARTS) {
      const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.setProperty("--c", `var(--${color})`);
      this.pieces[name] = h("span");
      this.pieces[name].style.setProperty("--c", `var(--${color})`);
      this.values[name] = h("span", { class: "value" });
      whole.append(this.pieces[name]);
      legend.append(h("li", {}, swatch, h("span", { class: "key" }, name), this.values[name]));
    }
    this.element = h("div", { class: "composition", hidden: true }, whole, legend);
    parent.append(this.element);
  }

  draw(info) {
    this.element.hidden = !info;
    if (!info) return;
    const parts = composed(info);
    for (const { name } of PARTS) {
      this.pieces[name].style.width = `${(parts[name] / parts.whole) * 100}%`;
      text(this.values[name], bytes(parts[name]));
    }
  }
}
