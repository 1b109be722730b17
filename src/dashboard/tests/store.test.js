import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../lib/store.js";

const filled = (capacity, count) => {
  const store = new Store(capacity);
  for (let i = 0; i < count; i += 1) store.push(100 + i, new Map([["a", i]]));
  return store;
};

test("an empty store has nothing to say", () => {
  const store = new Store(4);
  assert.equal(store.newest, -Infinity);
  assert.equal(store.nearest(5), -1);
  assert.deepEqual(store.copy("a", 0, [1, 2]), []);
  assert.equal(store.at("a", 0), null);
});

test("the oldest rows make place for the newest", () => {
  const store = filled(4, 6);
  assert.deepEqual(store.copyTimes(0, []), [102, 103, 104, 105]);
  assert.deepEqual(store.copy("a", 0, []), [2, 3, 4, 5]);
  assert.deepEqual(store.copy("a", 2, []), [4, 5]);
  assert.equal(store.newest, 105);
});

test("what a tick does not have is null, not the value of a turn ago", () => {
  const store = filled(3, 3);
  store.push(103, new Map([["b", 9]]));
  assert.deepEqual(store.copy("a", 0, []), [1, 2, null]);
  assert.deepEqual(store.copy("b", 0, []), [null, null, 9]);
  assert.deepEqual(store.copy("unknown", 0, []), [null, null, null]);
});

test("a gap is a row without any value", () => {
  const store = filled(4, 2);
  store.gap(101.5);
  store.push(110, new Map([["a", 7]]));
  assert.deepEqual(store.copyTimes(0, []), [100, 101, 101.5, 110]);
  assert.deepEqual(store.copy("a", 0, []), [0, 1, null, 7]);
});

test("rows are found by time, across the seam of the ring", () => {
  const store = filled(4, 7);
  assert.equal(store.from(0), 0);
  assert.equal(store.from(104.5), 2);
  assert.equal(store.from(200), 4);
  assert.equal(store.nearest(104.4), 1);
  assert.equal(store.nearest(104.6), 2);
  assert.equal(store.nearest(900), 3);
});

test("columns of devices that are gone for a whole turn are dropped", () => {
  const store = new Store(4);
  store.push(0, new Map([["gone", 1], ["stays", 1]]));
  for (let i = 1; i < 20; i += 1) store.push(i, new Map([["stays", i]]));
  assert.deepEqual([...store.columns.keys()], ["stays"]);
});

test("names that come and go for ever do not fill the memory", () => {
  const store = new Store(16);
  for (let i = 0; i < 20_000; i += 1) store.push(i, new Map([[`net/veth${i}/rx`, 1], ["cpu/busy", 0.5]]));
  assert.ok(store.columns.size <= 19, `${store.columns.size} columns`);
});

test("columns have a limit; those that are there keep their values", () => {
  const store = new Store(2);
  store.push(0, new Map(Array.from({ length: 5000 }, (_, i) => [`c${i}`, i])));
  store.push(1, new Map([["c0", 7], ["c4999", 7]]));
  assert.equal(store.columns.size, 4096);
  assert.equal(store.at("c0", 1), 7);
  assert.equal(store.at("c4999", 1), null);
});
