// A time series: uPlot with the axes, gaps, legend and crosshair that all charts of the page share.

import uPlot from "uplot";
import { clock } from "../lib/format.js";
import { h, text } from "./dom.js";

/** Width of the axis on the left, the same everywhere so that charts above each other line up. */
export const GUTTER = 58;
/** Without digits that say nothing: 8 GiB, not 8.00 GiB. */
const short = (label) => label.replace(/(\.\d*?)0+(?!\d)/, "$1").replace(/\.(?!\d)/, "");
const POWERS_OF_TWO = Array.from({ length: 60 }, (_, power) => 2 ** power);

/**
 * @typedef {object} Series
 * @property {string} column its column in the store
 * @property {string} label
 * @property {string} color name of the custom property
 * @property {boolean} [area] fill down to 0
 * @property {boolean} [below] drawn below the zero line, as what goes out
 * @property {number[]} [dash]
 * @property {number} [width] of its line
 * @property {boolean} [optional] not named while there is nothing of it
 */

export class Chart {
  /**
   * @param {HTMLElement} parent
   * @param {object} options
   * @param {Series[]} options.series
   * @param {(value: number) => string} options.format of values in the legend
   * @param {(value: number) => string} [options.tick] of values on the axis
   * @param {(least: number, most: number) => [number, number]} options.range of the axis, from the data
   * @param {boolean} [options.stacked]
   * @param {boolean} [options.binary] ticks on powers of two
   * @param {boolean} [options.downwards] whether 0 is at the top
   * @param {() => number[]} [options.ticks] where ticks are, if not where it suits
   * @param {(u: uPlot) => void} [options.paint] draws on top of everything
   * @param {(event: PointerEvent) => void} [options.onPointer] the pointer is over the plot
   * @param {boolean} [options.times] whether the times are written below
   * @param {number} [options.height] of the plot, in pixels
   * @param {{theme: object, cursor: object, history: object}} shared
   */
  constructor(parent, options, { theme, cursor, history }) {
    this.options = { times: true, height: 108, stacked: false, ...options };
    this.theme = theme;
    this.cursor = cursor;
    this.history = history;
    this.range = { min: 0, max: 1 };
    this.times = [];
    this.raw = options.series.map(() => []);
    this.drawn = options.series.map(() => []);
    this.element = h("div", { class: "plot", "aria-hidden": "true" });
    this.crosshair = h("div", { class: "crosshair", hidden: true });
    this.legend = this.#makeLegend();
    parent.append(this.element);
    this.plot = new uPlot(this.#uplotOptions(), this.#data(), this.element);
    this.plot.over.append(this.crosshair);
    this.#followPointer();
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect.width)).observe(this.element);
    cursor.onChange((time) => this.point(time));
    theme.onChange(() => this.plot.redraw());
  }

  /** Make the plot so many pixels high. */
  setHeight(height) {
    this.options.height = height;
    this.plot.setSize({ width: this.plot.width, height: this.outerHeight });
  }

  /** Show other columns from now on. */
  show(columns) {
    this.options.series.forEach((series, index) => (series.column = columns[index]));
  }

  /** Draw what the store has between two times. */
  draw(store, range) {
    this.range = range;
    const first = Math.max(0, store.from(range.min) - 1);
    store.copyTimes(first, this.times);
    this.options.series.forEach((series, index) => store.copy(series.column, first, this.raw[index]));
    this.#derive();
    this.plot.setData(this.#data());
  }

  /** Move the crosshair, and say what was there. */
  point(time) {
    const inside = time !== null && time >= this.range.min && time <= this.range.max;
    this.crosshair.hidden = !inside;
    if (inside) this.crosshair.style.transform = `translateX(${this.plot.valToPos(time, "x")}px)`;
    const index = inside ? this.#nearest(time) : this.times.length - 1;
    this.options.series.forEach(({ optional }, series) => {
      const element = this.values[series];
      text(element, this.options.format(this.raw[series][index] ?? null));
      if (optional) element.parentElement.hidden = this.raw[series].every((value) => value === null);
    });
  }

  /** What is drawn, of what is known: sums where series are stacked, the other way round where they go down. */
  #derive() {
    const { series, stacked } = this.options;
    series.forEach(({ below }, index) => {
      const raw = this.raw[index];
      const drawn = this.drawn[index];
      const under = stacked && index > 0 ? this.drawn[index - 1] : null;
      drawn.length = raw.length;
      for (let i = 0; i < raw.length; i += 1) {
        const value = raw[i];
        if (under) drawn[i] = under[i] === null ? null : under[i] + (value ?? 0);
        else drawn[i] = value === null ? null : below ? -value : value;
      }
    });
  }

  #data() {
    return [this.times, ...this.drawn];
  }

  #nearest(time) {
    if (!this.times.length) return -1;
    const index = this.plot.valToIdx(time);
    // In a gap there is nothing: the neighbours do not speak for it.
    return Math.abs(this.times[index] - time) <= this.history.interval ? index : -1;
  }

  #makeLegend() {
    this.values = [];
    return h(
      "ul",
      { class: "legend" },
      this.options.series.map(({ label, color, dash }) => {
        const swatch = h("span", { class: dash ? "swatch dashed" : "swatch", "aria-hidden": "true" });
        swatch.style.setProperty("--c", `var(--${color})`);
        const value = h("span", { class: "value" }, "–");
        this.values.push(value);
        return h("li", {}, swatch, h("span", { class: "key" }, label), value);
      }),
    );
  }

  #uplotOptions() {
    const { series, stacked, range, times, binary, tick, format, downwards } = this.options;
    const color = (name) => () => this.theme.color(name);
    const faded = (name, alpha) => () => this.theme.color(name) + alpha;
    const font = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
    const grid = { stroke: color("grid"), width: 1 };
    return {
      width: 320,
      height: this.outerHeight,
      padding: [8, 2, times ? 0 : 4, 0],
      legend: { show: false },
      cursor: { show: false },
      focus: { alpha: 1 },
      scales: {
        x: { time: true, range: () => [this.range.min, this.range.max] },
        y: { dir: downwards ? -1 : 1, range: (_, least, most) => range(least ?? 0, most ?? 0) },
      },
      axes: [
        {
          show: times,
          stroke: color("muted"),
          font,
          size: 22,
          gap: 7,
          space: 64,
          grid,
          ticks: { show: false },
          values: (u, splits) => splits.map((time) => this.#moment(u, time, splits[1] - splits[0] < 60)),
        },
        {
          stroke: color("muted"),
          font,
          size: GUTTER,
          gap: 6,
          space: 26,
          grid,
          ticks: { show: false },
          ...(binary ? { incrs: POWERS_OF_TWO } : {}),
          ...(this.options.ticks ? { splits: this.options.ticks } : {}),
          values: (_, splits) => splits.map((value) => (tick ? tick(value) : short(format(Math.abs(value))))),
        },
      ],
      series: [
        {},
        ...series.map(({ color: name, area, dash, width = stacked ? 0.5 : 1.5 }) => ({
          stroke: color(name),
          width,
          dash,
          fill: stacked ? faded(name, "d9") : area ? faded(name, "26") : undefined,
          points: { show: false },
        })),
      ],
      bands: stacked ? series.slice(1).map((_, index) => ({ series: [index + 2, index + 1] })) : [],
      hooks: { drawClear: [(u) => this.#shadeGaps(u)], draw: [(u) => this.options.paint?.(u)] },
    };
  }

  /** A time on the axis; nothing where it would be cut off at the end, or before there is any time to speak of. */
  #moment(u, time, withSeconds) {
    const room = u.bbox.width / devicePixelRatio - u.valToPos(time, "x");
    return room < (withSeconds ? 24 : 15) || !this.times.length ? "" : clock(time, withSeconds);
  }

  get outerHeight() {
    return this.options.height + (this.options.times ? 30 : 12);
  }

  /** What is not known is not empty: it is hatched. */
  #shadeGaps(u) {
    const { ctx, bbox } = u;
    const spans = this.history.missing(this.range.max);
    if (!spans.length) return;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    for (const [from, to] of spans) {
      const left = Math.max(bbox.left, u.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, u.valToPos(to, "x", true));
      if (right > left) ctx.rect(left, bbox.top, right - left, bbox.height);
    }
    ctx.clip();
    ctx.strokeStyle = this.theme.color("hatch");
    ctx.lineWidth = ratio;
    ctx.setLineDash([]);
    ctx.beginPath();
    for (let x = bbox.left - bbox.height; x < bbox.left + bbox.width; x += 6 * ratio) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }

  #followPointer() {
    const { over } = this.plot;
    let left = 0;
    const where = () => this.plot.posToVal(left, "x");
    const move = (event) => {
      left = Math.max(0, event.clientX - over.getBoundingClientRect().left);
      this.options.onPointer?.(event);
      this.cursor.follow(where);
    };
    over.addEventListener("pointermove", move);
    over.addEventListener("pointerdown", move);
    over.addEventListener("pointerleave", (event) => {
      // A finger that is lifted leaves the crosshair where it was.
      if (event.pointerType === "touch") this.cursor.at(where());
      else this.cursor.leave();
    });
  }

  #resize(width) {
    if (width > 0) this.plot.setSize({ width: Math.floor(width), height: this.outerHeight });
    this.point(this.cursor.time);
  }
}
