// One crosshair for all charts: a moment that they all point at.

export class Cursor {
  constructor() {
    /** Seconds since 1970; null while nobody points at anything. */
    this.time = null;
    this.listeners = [];
    this.pointer = null;
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  /** The pointer is over a chart; `where()` tells the moment under it, also after the chart has moved on. */
  follow(where) {
    this.pointer = where;
    this.#set(where());
  }

  /** Point at a moment. */
  at(time) {
    this.pointer = null;
    this.#set(time);
  }

  /** Point at nothing. */
  leave() {
    this.pointer = null;
    this.#set(null);
  }

  /** Charts have moved on. */
  refresh() {
    if (this.pointer) this.time = this.pointer();
    this.listeners.forEach((listener) => listener(this.time));
  }

  #set(time) {
    if (time === this.time) return;
    this.time = time;
    this.listeners.forEach((listener) => listener(time));
  }
}
