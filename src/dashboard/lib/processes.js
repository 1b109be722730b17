// The table of processes: which columns there are, what is asked of the server for an order, sorting and filtering.

/**
 * `field` is that of a ProcessUsage, `first` the direction of the first click. Columns that are `optional` are shown
 * when some process has a value.
 */
export const COLUMNS = [
  { field: "pid", title: "PID", kind: "plain", first: "ascending" },
  { field: "comm", title: "Name", kind: "text", first: "ascending" },
  { field: "state", title: "S", kind: "state", first: "ascending", help: "State" },
  { field: "cpu_ratio", title: "CPU", kind: "percent", first: "descending", bar: true, help: "100 % is one CPU" },
  { field: "rss_bytes", title: "Memory", kind: "bytes", first: "descending", help: "Resident memory" },
  { field: "num_threads", title: "Thr", kind: "plain", first: "descending", help: "Threads" },
  { field: "read_bytes_per_second", title: "Read", kind: "rate", first: "descending", optional: true },
  { field: "written_bytes_per_second", title: "Written", kind: "rate", first: "descending", optional: true },
];

/** As many as a server gives away; asked for only while they are searched, or in an order that it does not know. */
export const EVERY = 10_000;
export const USUAL = 50;

/**
 * What to ask of the server, so that the order and the filter speak of all processes and not of those that another
 * order has put on top.
 */
export function selection({ field, direction }, filter) {
  const greatestFirst = direction === "descending" && !["pid", "comm", "state"].includes(field);
  if (greatestFirst && !filter) return { by: field, top: USUAL };
  return { by: greatestFirst ? field : "cpu_ratio", top: EVERY };
}

const compareText = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

function compare(a, b) {
  if (typeof a === "string" || typeof b === "string") return compareText(String(a), String(b));
  return a - b;
}

/** Rows in order; those without a value come last in either direction, equals by pid. */
export function sorted(rows, { field, direction }) {
  const sign = direction === "ascending" ? 1 : -1;
  return [...rows].sort((one, two) => {
    const a = one[field];
    const b = two[field];
    if (a == null || b == null) return (a == null) - (b == null) || one.pid - two.pid;
    return sign * compare(a, b) || one.pid - two.pid;
  });
}

/** Rows whose name or pid has every word of the filter. */
export function filtered(rows, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const text = `${row.pid} ${label(row).toLowerCase()}`;
    return words.every((word) => text.includes(word));
  });
}

/** What a process is called: its name, and its command line where the server gives it away. */
export function label(row) {
  const line = Array.isArray(row.cmdline) ? row.cmdline.join(" ") : row.cmdline;
  return line ? `${row.comm}  ${line}` : row.comm;
}
