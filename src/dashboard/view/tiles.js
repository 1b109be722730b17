// The row of tiles: one number each, and its shape over the last minutes.

import { worst } from "../lib/columns.js";
import { bytes, NONE, parts, percent, plain } from "../lib/format.js";
import { h, text } from "./dom.js";
import { spark } from "./spark.js";

const TILES = [
  {
    title: "CPU",
    column: "cpu/busy",
    color: "blue",
    top: () => 1,
    value: ({ usage }) => parts.percent(usage.cpu?.busy_ratio),
    note: ({ usage }) => (usage.cpu ? `iowait ${percent(usage.cpu.iowait_ratio)}` : ""),
  },
  {
    title: "Load",
    column: "load/1",
    color: "blue",
    top: ({ usage }) => Math.max(1, Object.keys(usage.cpus).length),
    value: ({ load }) => parts.plain(load?.[0]),
    note: ({ load }) => (load ? `${plain(load[1])}  ${plain(load[2])}` : ""),
  },
  {
    title: "Memory",
    column: "memory/ratio",
    color: "blue",
    top: () => 1,
    value: ({ usage }) => parts.percent(usage.memory?.used_ratio),
    note: ({ usage }) => (usage.memory ? `${bytes(usage.memory.available_bytes)} free` : ""),
  },
  {
    title: "Pressure",
    column: "pressure/most",
    color: "blue",
    value: ({ usage }) => parts.percent(worst(usage.pressure)?.[1]),
    note: ({ usage }) => {
      const [what, value] = worst(usage.pressure) ?? [];
      return what ? (value > 0 ? `waiting for ${what}` : "nothing waits") : "not counted";
    },
  },
  { title: "Disk read", column: "disks/read", color: "blue", flow: true },
  { title: "Disk write", column: "disks/written", color: "orange", flow: true },
  { title: "Net in", column: "nets/rx", color: "blue", flow: true },
  { title: "Net out", column: "nets/tx", color: "orange", flow: true },
];

/** Below this many bytes a second a flow is drawn flat. */
const QUIET = 10_000;

export class Tiles {
  constructor(parent, theme) {
    this.theme = theme;
    this.values = [];
    this.tiles = TILES.map((tile) => {
      const number = h("span", { class: "number" }, NONE);
      const unit = h("span", { class: "unit" });
      const note = h("dd", { class: "note" });
      const canvas = h("canvas", { "aria-hidden": "true" });
      const title = h("dt", {}, tile.title);
      const element = h("div", { class: "tile" }, title, h("dd", {}, number, " ", unit), note, canvas);
      parent.append(element);
      return { ...tile, number, unit, note, canvas, says: tile.note };
    });
  }

  draw(store, range, frame) {
    if (!frame.usage) return;
    const first = store.from(range.min);
    for (const { column, color, flow, value, top, says, number, unit, note, canvas } of this.tiles) {
      const values = store.copy(column, first, this.values);
      const newest = store.at(column, store.length - 1);
      const [digits, name] = flow ? parts.rate(newest) : value(frame);
      text(number, digits);
      text(unit, name);
      let greatest = null;
      for (const one of values) if (one !== null && (greatest === null || one > greatest)) greatest = one;
      text(note, flow ? `max ${parts.rate(greatest).join(" ")}` : says(frame));
      const least = flow ? Math.max(QUIET, greatest ?? 0) : Math.max(0.02, greatest ?? 0);
      spark(canvas, values, this.theme.color(color), top ? Math.max(top(frame), greatest ?? 0) : least);
    }
  }
}
