import assert from "node:assert/strict";
import test from "node:test";
import { cgroups } from "../lib/cgroups.js";
import { columns, temperatures, worst } from "../lib/columns.js";
import { isCountedDisk, isCountedInterface } from "../lib/devices.js";
import { History } from "../lib/history.js";
import { Store } from "../lib/store.js";

const frame = (time, busy = 0.5) => ({ time, usage: { cpu: { busy_ratio: busy } }, load: [1, 2, 3] });
const fresh = () => new History(new Store(32));
const times = (history) => history.store.copyTimes(0, []);
const busy = (history) => history.store.copy("cpu/busy", 0, []);

test("ticks in a row have no gap", () => {
  const history = fresh();
  for (const time of [100, 101.02, 101.98, 103.4]) assert.ok(history.add(frame(time)));
  assert.deepEqual(busy(history), [0.5, 0.5, 0.5, 0.5]);
  assert.deepEqual(history.gaps, []);
});

test("a missing tick is a gap, and so is the time since the last one", () => {
  const history = fresh();
  [100, 101, 105].forEach((time) => history.add(frame(time)));
  assert.deepEqual(times(history), [100, 101, 101.5, 105]);
  assert.deepEqual(busy(history), [0.5, 0.5, null, 0.5]);
  assert.deepEqual(history.gaps, [[101, 105]]);
  assert.deepEqual(history.missing(105.5), [[101, 105]]);
  assert.deepEqual(history.missing(109), [[101, 105], [105, 109]]);
});

test("a tick that is known already is left out", () => {
  const history = fresh();
  history.add(frame(100));
  assert.equal(history.add(frame(100)), false);
  assert.equal(history.add(frame(99.2)), false);
  history.addAll([frame(98), frame(99), frame(100), frame(101)]);
  assert.deepEqual(times(history), [100, 101]);
});

test("a frame before the second tick has nothing to draw", () => {
  const history = fresh();
  assert.equal(history.add({ time: 100, usage: null, load: null }), false);
  assert.equal(history.store.length, 0);
});

test("with an interval of five seconds, five seconds are no gap", () => {
  const history = fresh();
  history.interval = 5;
  [100, 105, 110, 120].forEach((time) => history.add(frame(time)));
  assert.deepEqual(history.gaps, [[110, 120]]);
});

test("when the clock of the host is set back, history starts again", () => {
  const history = fresh();
  [100, 101, 102, 105].forEach((time) => history.add(frame(time)));
  assert.ok(history.add(frame(50)));
  assert.deepEqual(times(history), [50]);
  assert.deepEqual(history.gaps, []);
});

test("gaps that have left the picture are forgotten", () => {
  const history = fresh();
  [100, 110, 2000, 2001].forEach((time) => history.add(frame(time)));
  assert.deepEqual(history.gaps, [[110, 2000]]);
  history.add(frame(3000));
  assert.deepEqual(history.gaps, [[2001, 3000]]);
});

test("columns: nothing is made up where nothing is known", () => {
  const found = columns({
    usage: {
      cpu: null, cpus: { 0: { busy_ratio: 0.25 } }, memory: { used_bytes: 5, swap_total_bytes: 0, swap_used_bytes: 0 },
      disks: {}, interfaces: { lo: { rx_bytes_per_second: 9, tx_bytes_per_second: 9 } }, kernel: {}, pressure: null,
    },
    load: null,
  });
  assert.deepEqual(Object.fromEntries(found), { "core/0": 0.25, "memory/used": 5, "net/lo/rx": 9, "net/lo/tx": 9 });
});

test("columns: totals are those that the server adds up", () => {
  const disk = { read_bytes_per_second: 10, written_bytes_per_second: 1 };
  const port = { rx_bytes_per_second: 7, tx_bytes_per_second: 3 };
  const usage = {
    disks: { sda: disk, sda1: disk, "dm-0": disk }, interfaces: { lo: port, eth0: port, br0: port },
    disk_total: { devices: ["sda"], ...disk }, network_total: { interfaces: ["eth0"], ...port },
  };
  const found = columns({ usage });
  assert.deepEqual(["disks/read", "disks/written", "nets/rx", "nets/tx"].map((name) => found.get(name)), [10, 1, 7, 3]);
  assert.equal(found.get("disk/sda1/read"), 10);
  assert.ok(!columns({ usage: { ...usage, disk_total: null, network_total: null } }).has("disks/read"));
  assert.deepEqual(Object.keys(usage.disks).filter((name) => isCountedDisk(name, usage)), ["sda"]);
  assert.deepEqual(Object.keys(usage.interfaces).filter((name) => isCountedInterface(name, usage)), ["eth0"]);
  assert.ok(!isCountedDisk("sda", {}) && !isCountedInterface("eth0", null));
});

test("temperatures: sensors that answer, of chips and zones", () => {
  const data = {
    class_hwmon: [
      { chip: "hwmon0", name: "coretemp", temperatures: [
        { sensor: "temp1", label: "Package id 0", input_mc: 46000, max_mc: 80000, crit_mc: 100000 },
        { sensor: "temp2", label: null, input_mc: null },
        { sensor: "temp3", label: null, input_mc: 44900, max_mc: 65261850 },
      ] },
    ],
    class_thermal: [
      { zone: 0, type: "acpitz", temp_mc: 27800, trips: [{ trip: 0, type: "critical", temp_mc: 119000 }] },
    ],
  };
  assert.deepEqual(
    temperatures(data).map(({ id, name, value, high, critical }) => [id, name, value, high, critical]),
    [
      ["hwmon0/temp1", "Package id 0", 46000, 80000, 100000],
      ["hwmon0/temp3", "temp3", 44900, null, null],
      ["zone0", "acpitz", 27800, null, 119000],
    ],
  );
  assert.deepEqual(temperatures({}), []);
});

test("the worst pressure has a name", () => {
  assert.deepEqual(worst({ cpu_some_ratio: 0.1, memory_some_ratio: null, io_some_ratio: 0.4 }), ["io", 0.4]);
  assert.equal(worst(null), null);
});

test("control groups: what they hold is in the sample, what they do in the usage", () => {
  const data = {
    cgroup: [
      { path: "/a", memory: { current_bytes: 7, max_bytes: 9 }, pids: { current: 3 } },
      { path: "/b", processes: 2 },
    ],
  };
  const usage = { cgroups: { "/a": { cpu_ratio: 0.5, throttled_ratio: null, read_bytes_per_second: 0 } } };
  assert.deepEqual(cgroups(data, usage), {
    "/a": { path: "/a", cpu: 0.5, throttled: null, memory: 7, limit: 9, tasks: 3, read: 0, written: null },
    "/b": { path: "/b", cpu: null, throttled: null, memory: null, limit: null, tasks: 2, read: null, written: null },
  });
  assert.equal(cgroups(data, null)["/a"].cpu, null, "the first sample has no usage");
  assert.deepEqual(cgroups(undefined, undefined), {});
});
