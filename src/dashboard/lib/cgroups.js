// What control groups use: what they hold from their source, what they do a second from the server's usage.

import { rows } from "./columns.js";

/**
 * The control groups of a frame. Usage speaks of those that use most CPU; what others do is not known here.
 *
 * @param {object | undefined} data sources of the frame
 * @param {object | null | undefined} usage of the frame
 * @returns {Record<string, object>} rows by path: shares of a CPU, bytes, bytes a second; null where not known
 */
export function cgroups(data, usage) {
  const found = {};
  for (const group of rows(data?.cgroup)) {
    const does = usage?.cgroups?.[group.path];
    found[group.path] = {
      path: group.path,
      cpu: does?.cpu_ratio ?? null,
      throttled: does?.throttled_ratio ?? null,
      memory: group.memory?.current_bytes ?? null,
      limit: group.memory?.max_bytes ?? null,
      tasks: group.pids?.current ?? group.processes ?? null,
      read: does?.read_bytes_per_second ?? null,
      written: does?.written_bytes_per_second ?? null,
    };
  }
  return found;
}
