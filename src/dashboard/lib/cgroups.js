// What control groups use: their counters become rates here, since usage has none for them.

import { rows } from "./columns.js";

const sum = (devices, field) => {
  const known = rows(devices).map((device) => device[field]).filter((value) => typeof value === "number");
  return known.length ? known.reduce((a, b) => a + b, 0) : null;
};

const counters = (group) => ({
  cpu: group.cpu?.usage_us ?? null,
  throttled: group.cpu?.throttled_us ?? null,
  read: group.io ? sum(group.io.devices, "read_bytes") : null,
  written: group.io ? sum(group.io.devices, "written_bytes") : null,
});

/** Remembers the counters of the read before. */
export class Cgroups {
  #before = new Map();
  #readAt = null;
  /** Rows of the newest read, by path. */
  found = {};

  /**
   * @param {unknown} value of the source `cgroup`
   * @param {number | undefined} readNs when it was read, on the monotonic clock of the host
   * @returns {Record<string, object>} rows by path: shares of a CPU, bytes, bytes a second; null where not known
   */
  update(value, readNs) {
    if (value === undefined) return (this.found = {});
    // Read less often than there are frames: what was said stays.
    if (readNs === this.#readAt) return this.found;
    const seconds = this.#readAt === null ? 0 : (readNs - this.#readAt) / 1e9;
    const now = new Map();
    const found = {};
    for (const group of rows(value)) {
      const counted = counters(group);
      const key = `${group.path}\n${group.identity}`;
      const before = this.#before.get(key);
      const rate = (name) => {
        if (!before || !(seconds > 0) || counted[name] === null || before[name] === null) return null;
        return Math.max(0, counted[name] - before[name]) / seconds;
      };
      const share = (name) => (rate(name) === null ? null : rate(name) / 1e6);
      now.set(key, counted);
      found[group.path] = {
        path: group.path,
        cpu: share("cpu"),
        throttled: share("throttled"),
        memory: group.memory?.current_bytes ?? null,
        limit: group.memory?.max_bytes ?? null,
        tasks: group.pids?.current ?? group.processes ?? null,
        read: rate("read"),
        written: rate("written"),
      };
    }
    this.#before = now;
    this.#readAt = readNs;
    return (this.found = found);
  }
}
