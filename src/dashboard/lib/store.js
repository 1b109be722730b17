// The last minutes in memory: columns of numbers that share one ring.
//
// A row is one tick. Columns come and go with devices: a tick without a value is NaN, and so is a gap. A column that
// had no value during a whole turn of the ring is dropped, so that memory stays bounded.

/** Most columns; a host with more devices than that shows those that came first. */
const MOST_COLUMNS = 4096;

export class Store {
  /**
   * @param {number} capacity rows to keep
   */
  constructor(capacity) {
    this.capacity = capacity;
    this.clear();
  }

  clear() {
    this.times = new Float64Array(this.capacity);
    this.columns = new Map();
    this.start = 0;
    this.length = 0;
    this.pushed = 0;
  }

  /** Seconds since 1970 of the newest row; -Infinity without any. */
  get newest() {
    return this.length ? this.time(this.length - 1) : -Infinity;
  }

  /**
   * @param {number} time seconds since 1970, above that of the row before
   * @param {Map<string, number>} values by name of their column
   */
  push(time, values) {
    const at = this.#next(time);
    for (const [name, value] of values) {
      if (!Number.isFinite(value)) continue;
      let column = this.columns.get(name);
      if (column === undefined) {
        if (this.columns.size >= MOST_COLUMNS) continue;
        column = { values: new Float32Array(this.capacity).fill(NaN), seen: 0 };
        this.columns.set(name, column);
      }
      column.values[at] = value;
      column.seen = this.pushed;
    }
  }

  /** A row that says nothing: charts are interrupted here. */
  gap(time) {
    this.#next(time);
  }

  #next(time) {
    this.pushed += 1;
    let at;
    if (this.length < this.capacity) {
      at = (this.start + this.length) % this.capacity;
      this.length += 1;
    } else {
      at = this.start;
      this.start = (this.start + 1) % this.capacity;
    }
    this.times[at] = time;
    for (const [name, column] of this.columns) {
      column.values[at] = NaN;
      if (this.pushed - column.seen > this.capacity) this.columns.delete(name);
    }
    return at;
  }

  /** The time of row `index`, 0 being the oldest. */
  time(index) {
    return this.times[(this.start + index) % this.capacity];
  }

  /** A value, or null where there is none. */
  at(name, index) {
    const column = this.columns.get(name);
    if (column === undefined || index < 0 || index >= this.length) return null;
    const value = column.values[(this.start + index) % this.capacity];
    return Number.isNaN(value) ? null : value;
  }

  /** The first row that is not before a time. */
  from(time) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The row nearest to a time; -1 without any. */
  nearest(time) {
    if (!this.length) return -1;
    const after = Math.min(this.from(time), this.length - 1);
    return after > 0 && time - this.time(after - 1) < this.time(after) - time ? after - 1 : after;
  }

  /** Times from row `first` on, into an array that is used again. */
  copyTimes(first, into) {
    into.length = this.length - first;
    for (let i = first; i < this.length; i += 1) into[i - first] = this.time(i);
    return into;
  }

  /** Values of a column from row `first` on, null where there is none. */
  copy(name, first, into) {
    into.length = this.length - first;
    const column = this.columns.get(name);
    if (column === undefined) return into.fill(null);
    for (let i = first; i < this.length; i += 1) {
      const value = column.values[(this.start + i) % this.capacity];
      into[i - first] = Number.isNaN(value) ? null : value;
    }
    return into;
  }
}
