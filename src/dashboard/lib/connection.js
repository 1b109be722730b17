// Keeps a stream open: connects, fills what was missed from the history, reconnects with patience.
//
// What it needs of the browser is handed in, so that tests can run it without one.

import { SPAN } from "./history.js";
import { ProtocolError, Stream } from "./protocol.js";

/** Sub-protocol that this page speaks. */
export const PROTOCOL = "procpulse.v1.json";

const FIRST_DELAY = 0.5;
const LONGEST_DELAY = 10;
/** The attempt from which on the delay is the longest. */
const PATIENT = 5;
/** Seconds that a history may take before the page goes on without it. */
const HISTORY_PATIENCE = 5;
/** Ticks without a message after which the line is taken for dead. */
const SILENT_TICKS = 8;

/** Seconds to wait before the attempt of this number: longer each time, and spread over pages. */
export function delay(attempt, random = Math.random) {
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt) * (0.5 + random() / 2);
}

/**
 * States: `connecting`, `live`, `waiting` (for the next attempt, at `retryAt`), `locked` (a token is needed).
 */
export class Connection {
  /**
   * @param {object} options
   * @param {string} options.base where the server is mounted, ending in a slash
   * @param {typeof fetch} options.fetch
   * @param {typeof WebSocket} options.WebSocket
   * @param {(frame: object) => void} options.onFrame a tick, whole
   * @param {(frames: object[], interval: number) => void} options.onHistory ticks that were missed, oldest first
   * @param {(state: string, detail: object) => void} options.onState
   * @param {() => number} [options.now] seconds since 1970
   * @param {() => number} [options.random] from 0 to 1
   */
  constructor({ base, fetch, WebSocket, onFrame, onHistory, onState, now, random }) {
    Object.assign(this, { base, fetch, WebSocket, onFrame, onHistory, onState });
    this.now = now ?? (() => Date.now() / 1000);
    this.random = random ?? Math.random;
    this.state = "connecting";
    this.sources = [];
    this.selection = { by: "cpu_ratio", top: 50 };
    this.interval = 1;
    this.attempt = 0;
    this.socket = null;
    /** Lines that are kept until the newest one speaks. */
    this.former = [];
    this.timer = null;
    this.watch = null;
    this.newest = -Infinity;
    this.round = 0;
  }

  /** Connect, now. */
  async start() {
    const round = this.#newRound();
    this.#become("connecting");
    try {
      const response = await this.fetch(new URL("v1/sources", this.base), { credentials: "same-origin" });
      if (round !== this.round) return;
      if (response.status === 401) return this.#become("locked");
      if (!response.ok) throw new Error(`the server answers ${response.status}`);
      const offered = await response.json();
      if (round !== this.round) return;
      this.sources = this.wanted(offered);
      await this.#fill(round, this.newest === -Infinity ? Infinity : this.now());
      if (round === this.round) this.#open(round);
    } catch (error) {
      // What browsers say of a line that cannot be had is different everywhere, and never helpful.
      if (round === this.round) this.#retry(error instanceof TypeError ? "the server does not answer" : error.message);
    }
  }

  /** The sources to ask for, of what the server says it has; the page replaces this. */
  wanted() {
    return [];
  }

  /** Do not wait any longer: the page came back, or the network did. */
  hurry() {
    if (this.state === "waiting") this.start();
  }

  /** Ask for other processes from now on; what is shown stays until the first answer. */
  select(selection) {
    if (selection.by === this.selection.by && selection.top === this.selection.top) return;
    this.selection = selection;
    if (this.state === "live") this.#open(this.#newRound(true));
  }

  /** Send the token; true when it was the right one. */
  async unlock(token) {
    const response = await this.fetch(new URL("v1/login", this.base), {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (!response.ok) return false;
    this.attempt = 0;
    await this.start();
    return true;
  }

  /** End the session that the token began, here and at the server, and ask for a token again. */
  async lock() {
    await this.fetch(new URL("v1/logout", this.base), { method: "POST", credentials: "same-origin" });
    this.attempt = 0;
    await this.start();
  }

  /** End it. */
  stop() {
    this.#newRound();
  }

  get url() {
    const url = new URL("v1/stream", this.base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const { by, top } = this.selection;
    url.search = new URLSearchParams({ usage: "1", top, by, interval: this.interval, sources: this.sources.join(",") });
    return url;
  }

  #newRound(keepSocket = false) {
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.round += 1;
    if (this.socket) this.former.push(this.socket);
    this.socket = null;
    if (!keepSocket) this.#closeFormer();
    return this.round;
  }

  #closeFormer() {
    this.former.forEach((socket) => socket.close());
    this.former = [];
  }

  #become(state, detail = {}) {
    this.state = state;
    this.onState(state, detail);
  }

  #open(round) {
    const socket = new this.WebSocket(this.url, [PROTOCOL]);
    const stream = new Stream();
    let held = null; // frames that wait for the history
    let first = true;
    this.socket = socket;
    this.#listen(round);

    const drain = () => {
      const frames = held;
      held = null;
      if (round === this.round) frames.forEach((frame) => this.#deliver(frame));
    };
    socket.onmessage = ({ data }) => {
      if (round !== this.round) return;
      this.#listen(round);
      let frame;
      try {
        frame = stream.apply(JSON.parse(data));
      } catch (error) {
        if (!(error instanceof ProtocolError) && !(error instanceof SyntaxError)) throw error;
        this.#retry(error.message);
        return;
      }
      if (frame === null) return;
      if (first) {
        this.#closeFormer();
        this.attempt = 0;
        this.#become("live");
      }
      if (held === null && this.#missed(frame)) {
        held = [];
        // Without the history a gap stays what it is.
        this.#fill(round, frame.time).catch(() => {}).finally(drain);
      }
      first = false;
      if (held === null) this.#deliver(frame);
      else held.push(frame);
    };
    socket.onclose = ({ code, reason }) => {
      if (round !== this.round) return;
      // It will not be had by asking again at once.
      if (code === 1008) this.attempt = PATIENT;
      this.#retry(reason || (code === 1001 ? "the server went away" : code === 1013 ? "too slow" : ""));
    };
  }

  #deliver(frame) {
    this.newest = Math.max(this.newest, frame.time);
    this.onFrame(frame);
  }

  /** Whether ticks before this frame are not known. */
  #missed(frame) {
    return frame.time - this.newest > 1.6 * this.interval;
  }

  /** Ask for the ticks between the newest one that is known and a time. */
  async #fill(round, before) {
    const missed = Math.ceil(before - this.newest) + 2;
    // The clocks of the host and of this machine may differ: then all of it.
    const seconds = missed > 0 ? Math.min(SPAN, missed) : SPAN;
    const url = new URL(`v1/history?seconds=${seconds}`, this.base);
    const signal = AbortSignal.timeout(HISTORY_PATIENCE * 1000);
    const response = await this.fetch(url, { credentials: "same-origin", signal });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const { frames, interval, step = 1 } = await response.json();
    if (round !== this.round) return;
    this.interval = interval * step;
    this.onHistory(frames, this.interval);
    if (frames.length) this.newest = Math.max(this.newest, frames.at(-1).time);
  }

  /** A line on which nothing comes is dead, whatever the socket says. */
  #listen(round) {
    clearTimeout(this.watch);
    this.watch = setTimeout(
      () => round === this.round && this.#retry("nothing came"),
      Math.max(10, SILENT_TICKS * this.interval) * 1000,
    );
  }

  #retry(reason) {
    const seconds = delay(this.attempt, this.random);
    this.attempt += 1;
    this.#newRound();
    this.#become("waiting", { reason, retryAt: this.now() + seconds });
    this.timer = setTimeout(() => this.start(), seconds * 1000);
  }
}
