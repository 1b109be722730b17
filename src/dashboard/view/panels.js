// The panels of the page: what each shows, from which columns.

import { MODES, temperatures } from "../lib/columns.js";
import { byName, isCountedDisk, isCountedInterface } from "../lib/devices.js";
import { bytes, ceiling, celsius, count, ms, NONE, percent, plain, rate } from "../lib/format.js";
import { Chart } from "./chart.js";
import { Devices } from "./devices.js";
import { h, text } from "./dom.js";
import { Composition } from "./composition.js";
import { Heat } from "./heat.js";

/** A panel: a section with a heading, room for a legend beside it, and a body. */
export function panel(id, title, ...tools) {
  const body = h("div", { class: "body" });
  const head = h("div", { class: "panel-head" }, h("h2", { id: `${id}-title` }, title), ...tools);
  const element = h("section", { class: "panel", id, "aria-labelledby": `${id}-title` }, head, body);
  return { element, head, body };
}

const percentTick = (value) => `${Math.round(value * 1000) / 10}%`;
const upTo = (least) => (_, most) => [0, ceiling(Math.max(least, most))];
/** In above, out below; each as far as it needs, but so that the smaller one is still seen. */
const mirrored = (floor) => (least, most) => {
  const above = ceiling(Math.max(floor, most));
  const below = ceiling(Math.max(floor, -least));
  return [-Math.max(below, above / 5), Math.max(above, below / 5)];
};

/** A panel with one chart. */
function charted(id, title, options, shared) {
  const { element, head, body } = panel(id, title);
  const chart = new Chart(body, options, shared);
  head.append(chart.legend);
  return { element, head, body, chart, draw: (store, range) => chart.draw(store, range) };
}

export function cpu(shared) {
  const made = charted(
    "cpu",
    "CPU",
    {
      series: MODES.map((mode) => ({ column: `cpu/${mode}`, label: mode, color: `cpu-${mode}` })),
      stacked: true,
      format: percent,
      tick: percentTick,
      range: () => [0, 1],
      height: 150,
    },
    shared,
  );
  const caption = h("p", { class: "caption" }, h("span", {}, "Cores"));
  made.body.append(caption);
  const heat = new Heat(made.body, shared);
  caption.append(heat.legend);
  const { draw } = made;
  made.draw = (store, range) => {
    draw(store, range);
    heat.draw(store, range);
  };
  return made;
}

export function memory(shared) {
  let whole = 1;
  const made = charted(
    "memory",
    "Memory",
    {
      series: [
        { column: "memory/used", label: "used", color: "blue", area: true },
        { column: "memory/swap", label: "swap", color: "red", optional: true },
      ],
      format: bytes,
      binary: true,
      range: (_, most) => [0, Math.max(whole, most)],
    },
    shared,
  );
  const composition = new Composition(made.body);
  const { draw } = made;
  made.draw = (store, range, frame) => {
    whole = frame.usage?.memory?.total_bytes ?? whole;
    draw(store, range);
    composition.draw(frame.data?.meminfo);
  };
  return made;
}

export function pressure(shared) {
  const made = charted(
    "pressure",
    "Pressure",
    {
      series: [
        { column: "pressure/cpu_some", label: "cpu", color: "blue" },
        { column: "pressure/memory_some", label: "mem", color: "green" },
        { column: "pressure/memory_full", label: "mem full", color: "green", dash: [4, 3] },
        { column: "pressure/io_some", label: "io", color: "orange" },
        { column: "pressure/io_full", label: "io full", color: "orange", dash: [4, 3] },
      ],
      format: percent,
      tick: percentTick,
      height: 140, // as high as the memory beside it
      range: (_, most) => [0, Math.min(1, ceiling(Math.max(0.05, most)))],
    },
    shared,
  );
  const none = h("p", { class: "empty", hidden: true });
  made.body.append(none);
  const { draw } = made;
  made.draw = (store, range, frame) => {
    const missing = frame.usage && !frame.usage.pressure;
    none.hidden = !missing;
    if (missing) text(none, "This kernel does not tell how long tasks have to wait.");
    draw(store, range);
  };
  return made;
}

export function load(shared) {
  return charted(
    "load",
    "Load",
    {
      series: [
        { column: "load/1", label: "1 m", color: "blue", area: true },
        { column: "load/5", label: "5 m", color: "teal" },
        { column: "load/15", label: "15 m", color: "violet" },
        { column: "kernel/blocked", label: "blocked", color: "red", dash: [4, 3] },
      ],
      format: plain,
      tick: (value) => String(Math.round(value * 100) / 100),
      range: upTo(1),
    },
    shared,
  );
}

export function kernel(shared) {
  return charted(
    "kernel",
    "Kernel /s",
    {
      series: [
        { column: "kernel/switches", label: "ctxsw", color: "blue" },
        { column: "kernel/interrupts", label: "irq", color: "orange" },
        { column: "kernel/forks", label: "fork", color: "green" },
        { column: "kernel/majors", label: "majflt", color: "red" },
      ],
      format: count,
      range: upTo(100),
    },
    shared,
  );
}

/** A chart of what goes in and out of all devices or of one, and a table of the devices to choose from. */
function flow(id, title, { into, out, all, columnsOf, table }, shared) {
  const made = charted(
    id,
    title,
    {
      series: [
        { column: all[0], label: into, color: "blue", area: true },
        { column: all[1], label: out, color: "orange", area: true, below: true },
      ],
      format: rate,
      range: mirrored(1000),
    },
    shared,
  );
  const chosen = h("span", { class: "chosen" });
  made.head.insertBefore(chosen, made.head.children[1]);
  const devices = new Devices(made.body, { id, ...table, columnsOf }, shared);
  const choose = (name) => {
    made.chart.show(name === null ? all : columnsOf(name));
    text(chosen, name ?? table.all);
    shared.redraw();
  };
  text(chosen, table.all);
  devices.onChoose = choose;
  const { draw } = made;
  made.draw = (store, range, frame) => {
    draw(store, range);
    devices.draw(store, range, frame);
  };
  return made;
}

export function disks(shared) {
  return flow(
    "disks",
    "Disks",
    {
      into: "read",
      out: "written",
      all: ["disks/read", "disks/written"],
      columnsOf: (name) => [`disk/${name}/read`, `disk/${name}/written`],
      table: {
        all: "all disks",
        noun: "Device",
        rows: (frame) => frame.usage.disks,
        prominent: (name, frame) => isCountedDisk(name, frame.usage),
        active: (row) => row.reads_per_second + row.writes_per_second + row.busy_ratio > 0,
        cells: [
          { title: "Read", value: (row) => rate(row.read_bytes_per_second) },
          { title: "Written", value: (row) => rate(row.written_bytes_per_second) },
          { title: "Ops/s", value: (row) => count(row.reads_per_second + row.writes_per_second), spare: true },
          { title: "Await", value: (row) => ms(row.await_ms), help: "What a request took" },
          { title: "Busy", value: (row) => percent(row.busy_ratio), bar: (row) => row.busy_ratio },
        ],
      },
    },
    shared,
  );
}

export function network(shared) {
  const packets = (row) => row.rx_packets_per_second + row.tx_packets_per_second;
  const bad = (row) =>
    row.rx_errors_per_second + row.tx_errors_per_second + row.rx_dropped_per_second + row.tx_dropped_per_second;
  return flow(
    "network",
    "Network",
    {
      into: "in",
      out: "out",
      all: ["nets/rx", "nets/tx"],
      columnsOf: (name) => [`net/${name}/rx`, `net/${name}/tx`],
      table: {
        all: "all that lead out",
        noun: "Interface",
        rows: (frame) => frame.usage.interfaces,
        prominent: (name, frame) => isCountedInterface(name, frame.usage),
        active: (row) => packets(row) > 0,
        cells: [
          { title: "In", value: (row) => rate(row.rx_bytes_per_second) },
          { title: "Out", value: (row) => rate(row.tx_bytes_per_second) },
          { title: "Packets/s", value: (row) => count(packets(row)), spare: true },
          { title: "Bad/s", value: (row) => count(bad(row)), help: "Errors and drops", alarm: (row) => bad(row) > 0 },
        ],
      },
    },
    shared,
  );
}

export function cgroups(shared) {
  const made = panel("cgroups", "Control groups");
  const devices = new Devices(
    made.body,
    {
      id: "cgroups",
      noun: "Group",
      rows: (frame) => frame.cgroups,
      columnsOf: (path) => [`cgroup/${path}`],
      prominent: () => false,
      active: (row) => row.cpu > 0,
      order: ([, a], [, b]) => byName(a.path, b.path),
      cells: [
        { title: "CPU", value: (row) => percent(row.cpu), bar: (row) => row.cpu, help: "100 % is one CPU" },
        {
          title: "Throttled", value: (row) => percent(row.throttled), alarm: (row) => row.throttled > 0, spare: true,
          help: "Periods in which the quota was used up",
        },
        { title: "Memory", value: (row) => bytes(row.memory) },
        { title: "Limit", value: (row) => bytes(row.limit), spare: true },
        { title: "Tasks", value: (row) => count(row.tasks) },
        { title: "Read", value: (row) => rate(row.read), spare: true },
        { title: "Written", value: (row) => rate(row.written), spare: true },
      ],
    },
    shared,
  );
  made.draw = (store, range, frame) => {
    made.element.hidden = !Object.keys(frame.cgroups).length;
    if (!made.element.hidden) devices.draw(store, range, frame);
  };
  made.element.hidden = true;
  return made;
}

export function sensors(shared) {
  const made = panel("temperatures", "Temperatures");
  const devices = new Devices(
    made.body,
    {
      id: "temperatures",
      noun: "Sensor",
      rows: (frame) => Object.fromEntries(temperatures(frame.data).map((sensor) => [sensor.id, sensor])),
      columnsOf: (id) => [`temperature/${id}`],
      top: (row) => row.critical ?? 100_000,
      name: (id, row) => `${row.where} ${row.name}`,
      prominent: () => true,
      active: () => true,
      order: (a, b) => byName(`${a[1].where} ${a[1].name}`, `${b[1].where} ${b[1].name}`),
      cells: [
        { title: "Now", value: (row) => celsius(row.value), alarm: (row) => row.value >= (row.high ?? Infinity) },
        { title: "High", value: (row) => (row.high === null ? NONE : celsius(row.high)) },
        { title: "Critical", value: (row) => (row.critical === null ? NONE : celsius(row.critical)), spare: true },
      ],
    },
    shared,
  );
  made.draw = (store, range, frame) => {
    made.element.hidden = !temperatures(frame.data).length;
    if (!made.element.hidden) devices.draw(store, range, frame);
  };
  made.element.hidden = true;
  return made;
}
