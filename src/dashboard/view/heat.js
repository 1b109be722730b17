// The heat strip: one row a core, one column a moment, colour is how busy it was.

import { percent } from "../lib/format.js";
import { Chart } from "./chart.js";
import { h, text } from "./dom.js";

const STOPS = ["heat-0", "heat-1", "heat-2", "heat-3", "heat-4"];
const TALLEST = 128;

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** 256 colours from quiet to hot, as 32-bit pixels. */
function ramp(theme) {
  const stops = STOPS.map((name) => channels(theme.color(name)));
  return Uint32Array.from({ length: 256 }, (_, index) => {
    const place = (index / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const [r, g, b] = stops[low].map((value, at) => Math.round(value + (stops[low + 1][at] - value) * (place - low)));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

export class Heat {
  constructor(parent, shared) {
    this.shared = shared;
    this.parent = parent;
    this.cores = [];
    this.hovered = null;
    this.legend = h("span", { class: "heat-note" });
    this.image = document.createElement("canvas");
    shared.theme.onChange(() => (this.colors = null));
    this.chart = this.#makeChart();
    this.chart.element.hidden = true;
    shared.cursor.onChange((time) => this.#say(time));
  }

  draw(store, range) {
    const cores = [...store.columns.keys()]
      .filter((name) => name.startsWith("core/"))
      .map((name) => Number(name.slice(5)))
      .sort((a, b) => a - b);
    const { length } = this.cores;
    this.cores = cores;
    this.store = store;
    this.chart.element.hidden = !cores.length;
    if (!cores.length) return;
    if (cores.length !== length) this.chart.setHeight(this.#height());
    this.chart.draw(store, range);
    this.#say(this.shared.cursor.time);
  }

  #height() {
    const { length } = this.cores;
    return length * Math.max(2, Math.min(14, Math.floor(TALLEST / length)));
  }

  #makeChart() {
    const chart = new Chart(
      this.parent,
      {
        // Of this series only the times are needed; cells are painted over it.
        series: [{ column: "cpu/busy", label: "", color: "muted", width: 0 }],
        format: percent,
        range: () => [-0.5, this.cores.length - 0.5],
        downwards: true,
        times: false,
        height: 14,
        ticks: () => this.#ticks(),
        tick: (value) => (value in this.cores ? `cpu ${this.cores[value]}` : ""),
        paint: (u) => this.#paint(u),
        onPointer: (event) => {
          const { top, height } = chart.plot.over.getBoundingClientRect();
          const at = Math.floor(((event.clientY - top) / height) * this.cores.length);
          this.hovered = Math.min(this.cores.length - 1, Math.max(0, at));
        },
      },
      this.shared,
    );
    chart.plot.over.addEventListener("pointerleave", () => (this.hovered = null));
    return chart;
  }

  /** Rows that are named: all while there is room, else the first and the last. */
  #ticks() {
    const count = this.cores.length;
    return count <= 8 ? this.cores.map((_, index) => index) : [0, count - 1];
  }

  #paint(u) {
    const { ctx, bbox } = u;
    const { store, cores } = this;
    if (!store?.length || !cores.length || bbox.width < 1) return;
    this.colors ??= ramp(this.shared.theme);
    const width = Math.round(bbox.width / devicePixelRatio);
    this.image.width = width;
    this.image.height = cores.length;
    const context = this.image.getContext("2d");
    const picture = context.createImageData(width, cores.length);
    const pixels = new Uint32Array(picture.data.buffer);
    const { interval } = this.shared.history;
    const columns = cores.map((core) => `core/${core}`);
    let last = -2;
    for (let x = 0; x < width; x += 1) {
      const time = u.posToVal(x + 0.5, "x");
      // A value speaks for the interval that ended with it.
      const at = store.from(time);
      if (at >= store.length || store.time(at) - time > 1.6 * interval) continue;
      if (at === last) {
        for (let y = 0; y < cores.length; y += 1) pixels[y * width + x] = pixels[y * width + x - 1];
        continue;
      }
      last = at;
      for (let y = 0; y < cores.length; y += 1) {
        const value = store.at(columns[y], at);
        if (value !== null) pixels[y * width + x] = this.colors[Math.round(Math.min(1, Math.max(0, value)) * 255)];
      }
    }
    context.putImageData(picture, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.image, bbox.left, bbox.top, bbox.width, bbox.height);
    const row = bbox.height / cores.length;
    if (row >= 5 * devicePixelRatio) {
      ctx.fillStyle = this.shared.theme.color("panel");
      for (let y = 1; y < cores.length; y += 1) {
        ctx.fillRect(bbox.left, Math.round(bbox.top + y * row), bbox.width, devicePixelRatio);
      }
    }
  }

  #say(time) {
    const { store, cores } = this;
    if (!store?.length) return;
    const at = time === null ? store.length - 1 : store.nearest(time);
    const values = cores.map((core) => [core, store.at(`core/${core}`, at)]).filter(([, value]) => value !== null);
    if (!values.length) return text(this.legend, "–");
    const [core, value] =
      (this.hovered !== null && time !== null && values.find(([number]) => number === cores[this.hovered])) ||
      values.reduce((most, one) => (one[1] > most[1] ? one : most));
    const chosen = this.hovered !== null && time !== null;
    text(this.legend, `${chosen ? "" : "busiest "}cpu ${core} ${percent(value)}`);
  }
}
