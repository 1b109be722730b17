import assert from "node:assert/strict";
import test from "node:test";
import { COLUMNS, EVERY, filtered, label, selection, sorted, USUAL } from "../lib/processes.js";

const rows = [
  { pid: 10, comm: "nginx", cpu_ratio: 0.5, read_bytes_per_second: null },
  { pid: 9, comm: "Postgres", cpu_ratio: 0.5, read_bytes_per_second: 3 },
  { pid: 100, comm: "nginx", cpu_ratio: 0.1, read_bytes_per_second: 0 },
];
const pids = (list) => list.map(({ pid }) => pid);

test("numbers, greatest first; equals by pid", () => {
  assert.deepEqual(pids(sorted(rows, { field: "cpu_ratio", direction: "descending" })), [9, 10, 100]);
  assert.deepEqual(pids(sorted(rows, { field: "cpu_ratio", direction: "ascending" })), [100, 9, 10]);
});

test("names as people sort them", () => {
  assert.deepEqual(pids(sorted(rows, { field: "comm", direction: "ascending" })), [10, 100, 9]);
  assert.deepEqual(pids(sorted(rows, { field: "comm", direction: "descending" })), [9, 10, 100]);
});

test("what is not known comes last in both directions", () => {
  assert.deepEqual(pids(sorted(rows, { field: "read_bytes_per_second", direction: "descending" })), [9, 100, 10]);
  assert.deepEqual(pids(sorted(rows, { field: "read_bytes_per_second", direction: "ascending" })), [100, 9, 10]);
});

test("a filter: every word, in any case, in name, arguments or pid", () => {
  assert.deepEqual(pids(filtered(rows, "NGI")), [10, 100]);
  assert.deepEqual(pids(filtered(rows, "nginx 100")), [100]);
  assert.deepEqual(pids(filtered(rows, "  ")), [10, 9, 100]);
  assert.deepEqual(pids(filtered(rows, ".*")), []);
  assert.deepEqual(pids(filtered([{ pid: 1, comm: "java", cmdline: ["java", "-jar", "kafka.jar"] }], "kafka")), [1]);
});

test("a name is what it is, its arguments follow it", () => {
  assert.equal(label({ comm: "<img src=x onerror=alert(1)>" }), "<img src=x onerror=alert(1)>");
  assert.equal(label({ comm: "sh", cmdline: ["/bin/sh", "-c", "x"] }), "sh  /bin/sh -c x");
  assert.equal(label({ comm: "kthreadd", cmdline: [] }), "kthreadd");
});

test("the server is asked for the order that is shown; for all where it cannot order so", () => {
  const asked = (field, direction, filter = "") => selection({ field, direction }, filter);
  assert.deepEqual(asked("rss_bytes", "descending"), { by: "rss_bytes", top: USUAL });
  assert.deepEqual(asked("rss_bytes", "ascending"), { by: "cpu_ratio", top: EVERY });
  assert.deepEqual(asked("comm", "descending"), { by: "cpu_ratio", top: EVERY });
  assert.deepEqual(asked("cpu_ratio", "descending", "x"), { by: "cpu_ratio", top: EVERY });
});

test("every column has a direction to begin with", () => {
  for (const { field, first } of COLUMNS) assert.ok(["ascending", "descending"].includes(first), field);
});
