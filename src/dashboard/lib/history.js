// Puts ticks into the store in the right order, and gaps where ticks are missing.

import { columns } from "./columns.js";

/** Seconds that the page remembers. */
export const SPAN = 900;

/** By how much the clock of the host may fall back before history starts again, in seconds. */
const CLOCK_SET = 2;

export class History {
  /**
   * @param {import("./store.js").Store} store
   */
  constructor(store) {
    this.store = store;
    this.interval = 1;
    /** Times between which nothing is known, oldest first, as [from, to]. */
    this.gaps = [];
  }

  /**
   * One tick; those that are known already are left out.
   *
   * @param {{time: number, usage: object | null, load: number[] | null, data?: object}} frame
   * @returns {boolean} whether it was new
   */
  add(frame) {
    if (!frame.usage) return false;
    const { store, interval } = this;
    const step = frame.time - store.newest;
    // Two reads of one tick differ by less than half of the interval.
    if (step < interval / 2 && step > -CLOCK_SET) return false;
    if (step <= -CLOCK_SET) {
      store.clear();
      this.gaps = [];
    } else if (Number.isFinite(step) && step > 1.6 * interval) {
      store.gap(store.newest + interval / 2);
      this.gaps.push([frame.time - step, frame.time]);
    }
    while (this.gaps.length && this.gaps[0][1] < frame.time - SPAN) this.gaps.shift();
    store.push(frame.time, columns(frame));
    return true;
  }

  /** Times between which nothing is known; up to `edge`, if nothing came for a while. */
  missing(edge) {
    const { newest } = this.store;
    return edge - newest > 1.6 * this.interval && newest > 0 ? [...this.gaps, [newest, edge]] : this.gaps;
  }

  /** Frames of `/v1/history`, oldest first; those older than what is known are left out. */
  addAll(frames) {
    for (const frame of frames) if (frame.time > this.store.newest) this.add(frame);
  }
}
