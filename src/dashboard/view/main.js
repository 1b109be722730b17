// The page: what comes in goes into the history; what is in the history is drawn, once a frame at most.

import { cgroups } from "../lib/cgroups.js";
import { Connection } from "../lib/connection.js";
import { age, bytes, clock, duration } from "../lib/format.js";
import { History, SPAN } from "../lib/history.js";
import { Store } from "../lib/store.js";
import { Cursor } from "./cursor.js";
import { attribute, h, remember, remembered, text } from "./dom.js";
import * as panels from "./panels.js";
import { Processes } from "./processes.js";
import { Theme } from "./theme.js";
import { Tiles } from "./tiles.js";

const STATES = { connecting: "Connecting", live: "Live", waiting: "Reconnecting", locked: "Locked" };
const SPANS = [60, 300, 900];
/** Sources that are asked for where the server samples them, beside what usage is made of. */
const WANTED = ["loadavg", "meminfo", "class_thermal", "class_hwmon", "cgroup"];
/** Seconds without a sample after which its age is a warning, in ticks. */
const STALE_TICKS = 3;

const $ = (id) => document.getElementById(id);
const seconds = () => performance.now() / 1000;

class Page {
  constructor() {
    this.theme = new Theme();
    this.cursor = new Cursor();
    this.store = new Store(SPAN + 300);
    this.history = new History(this.store);
    this.frame = null;
    this.arrived = null;
    this.paused = false;
    this.span = SPANS.includes(Number(remembered("span"))) ? Number(remembered("span")) : SPANS[1];
    this.drawing = 0;
    this.state = "connecting";
    this.detail = {};
    const shared = {
      theme: this.theme,
      cursor: this.cursor,
      history: this.history,
      redraw: () => this.redraw(),
      select: (selection) => this.connection.select(selection),
    };
    this.connection = new Connection({
      base: new URL(".", location.href),
      fetch: (...all) => fetch(...all),
      WebSocket,
      onFrame: (frame) => this.take(frame),
      onHistory: (frames, interval) => {
        this.history.interval = interval;
        this.history.addAll(frames);
      },
      onState: (state, detail) => this.become(state, detail),
    });
    this.connection.wanted = (answer) => this.#wanted(answer);
    this.tiles = new Tiles($("tiles"), this.theme);
    this.panels = [
      panels.cpu(shared), panels.memory(shared), panels.pressure(shared), panels.load(shared), panels.kernel(shared),
      panels.disks(shared), panels.network(shared), panels.cgroups(shared), panels.sensors(shared),
      new Processes(shared),
    ];
    this.processes = this.panels.at(-1);
    $("panels").append(...this.panels.map(({ element }) => element));
    this.#controls();
    this.#keys();
    this.theme.onChange(() => this.#tellTheme());
    this.#tellTheme();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.connection.hurry();
      this.redraw();
    });
    addEventListener("online", () => this.connection.hurry());
    setInterval(() => this.tick(), 500);
    this.connection.start();
  }

  /** A tick has come. */
  take(frame) {
    const load = frame.data?.loadavg;
    frame.load = load ? [load.load1, load.load5, load.load15] : null;
    for (const [pid, process] of Object.entries(frame.usage?.processes ?? {})) {
      process.cmdline = frame.data.processes?.[pid]?.cmdline?.arguments;
    }
    frame.cgroups = cgroups(frame.data, frame.usage);
    this.history.add(frame);
    this.frame = frame;
    this.arrived = seconds();
    document.documentElement.dataset.arrived = frame.seq;
    this.redraw();
  }

  become(state, detail) {
    this.state = state;
    this.detail = detail;
    $("lock").hidden = state !== "locked";
    if (state === "locked") {
      remember("session", "");
      $("token").focus();
    }
    $("logout").hidden = !remembered("session");
    this.tick();
  }

  /** Draw with the next frame of the browser, unless nobody sees it. */
  redraw() {
    if (document.hidden || this.paused || this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      if (!document.hidden) this.draw();
    });
  }

  draw() {
    if (!this.frame) return;
    const { store, history, frame } = this;
    const silent = seconds() - this.arrived;
    const late = silent > 2.5 * history.interval ? silent : 0;
    const edge = Math.max(store.newest, frame.time) + late;
    const oldest = store.length ? store.time(0) : edge;
    const range = { min: Math.max(edge - this.span, Math.min(oldest, edge - 60)), max: edge };
    this.range = range;
    // For those who look at the page from outside: which tick is shown, and how many interruptions.
    Object.assign(document.documentElement.dataset, { seq: frame.seq, gaps: history.gaps.length });
    this.panels.forEach((panel) => panel.draw(store, range, frame));
    this.tiles.draw(store, range, frame);
    this.cursor.refresh();
    this.#head();
  }

  /** What changes without a sample: ages, the countdown, the gap that grows. */
  tick() {
    const since = this.arrived === null ? null : seconds() - this.arrived;
    const { state, detail } = this;
    const stale = since !== null && since > STALE_TICKS * this.history.interval + 1;
    const shown = state === "live" && stale ? "stale" : state;
    document.documentElement.dataset.state = this.paused && shown === "live" ? "paused" : shown;
    text($("state"), (shown === "stale" ? "No samples" : STATES[state]) + (this.paused ? ", paused" : ""));
    const left = state === "waiting" ? Math.max(0, Math.ceil(detail.retryAt - Date.now() / 1000)) : 0;
    const why = state === "waiting" ? `in ${left} s${detail.reason ? ` · ${detail.reason}` : ""}` : "";
    text($("detail"), why);
    text($("age"), since === null ? "no sample yet" : `${age(since)} ago`);
    attribute($("age"), "class", stale ? "alarm" : null);
    if (since !== null && since > 2.5 * this.history.interval) this.redraw();
  }

  /** Of the sources that the server samples, those that the page shows beside usage. */
  #wanted(answer) {
    const known = new Map(answer.map((source) => [source.name, source]));
    // Rows of processes are needed for their command lines alone.
    const lines = Object.hasOwn(known.get("processes")?.fields ?? {}, "PidCmdline");
    return [...WANTED.filter((name) => known.has(name)), ...(lines ? ["processes"] : [])];
  }

  #head() {
    const { host = {}, usage, data, time } = this.frame;
    const name = host.name || "this host";
    text($("host"), name);
    document.title = usage?.cpu ? `${Math.round(usage.cpu.busy_ratio * 100)} % · ${name}` : name;
    const facts = [
      host.kernel && `Linux ${host.kernel}`,
      usage?.cpu && `${Object.keys(usage.cpus).length} CPUs`,
      usage?.memory && bytes(usage.memory.total_bytes),
      host.boot_time && `up ${duration(time - host.boot_time)}`,
      data?.loadavg && `${data.loadavg.tasks} tasks`,
    ];
    text($("facts"), facts.filter(Boolean).join("  ·  "));
  }

  #controls() {
    const spans = SPANS.map((span) => {
      const button = h("button", { type: "button", "aria-pressed": String(span === this.span) }, `${span / 60} min`);
      button.addEventListener("click", () => this.show(span));
      return button;
    });
    $("spans").append(...spans);
    $("pause").addEventListener("click", () => this.pause());
    $("theme").addEventListener("click", () => this.theme.toggle());
    $("help").addEventListener("click", () => $("keys").showModal());
    // The cookie of a session cannot be seen from here; that there is one is remembered.
    $("logout").addEventListener("click", () => this.connection.lock().then(() => location.reload(), () => {}));
    $("lock-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const field = $("token");
      text($("lock-error"), "");
      try {
        if (await this.connection.unlock(field.value)) {
          field.value = "";
          remember("session", "open");
          $("logout").hidden = false;
        } else text($("lock-error"), "This is not the token.");
      } catch {
        text($("lock-error"), "The server does not answer.");
      }
    });
    this.cursor.onChange((time) => {
      const ago = time === null || !this.range ? "" : ` · ${duration(this.range.max - time)} ago`;
      text($("moment"), time === null ? "" : clock(time) + ago);
    });
  }

  /** How much time the charts show. */
  show(span) {
    this.span = span;
    remember("span", span);
    for (const [index, button] of [...$("spans").children].entries()) {
      attribute(button, "aria-pressed", String(SPANS[index] === span));
    }
    if (this.paused) this.draw();
    else this.redraw();
  }

  /** Hold the picture; samples are kept meanwhile. */
  pause() {
    this.paused = !this.paused;
    attribute($("pause"), "aria-pressed", String(this.paused));
    this.tick();
    this.redraw();
  }

  #tellTheme() {
    attribute($("theme"), "aria-pressed", String(this.theme.dark));
  }

  #keys() {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    const actions = {
      p: () => this.pause(),
      t: () => this.theme.toggle(),
      "/": () => this.processes.focus(),
      "?": () => $("keys").showModal(),
      Escape: () => this.cursor.leave(),
      ...Object.fromEntries(SPANS.map((span, index) => [String(index + 1), () => this.show(span)])),
    };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target.closest("input, dialog[open]")) return;
      // Arrows belong to what scrolls.
      if (event.key in steps && this.store.length && !event.target.closest(".scroll")) {
        this.#step(steps[event.key] * (event.shiftKey ? 10 : 1));
      } else if (Object.hasOwn(actions, event.key)) {
        actions[event.key]();
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  /** Move the crosshair by samples. */
  #step(by) {
    const { store, cursor } = this;
    const at = cursor.time === null ? store.length - 1 : store.nearest(cursor.time) + by;
    const first = store.from(this.range?.min ?? -Infinity);
    cursor.at(store.time(Math.min(store.length - 1, Math.max(first, at))));
  }
}

new Page();
