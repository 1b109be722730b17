import assert from "node:assert/strict";
import test from "node:test";
import { patched, ProtocolError, Stream, without } from "../lib/protocol.js";

const json = (text) => JSON.parse(text);

const PATCHES = [
  ["members that differ", { a: 1, b: { c: 2, d: 3 } }, { b: { c: 5 } }, { a: 1, b: { c: 5, d: 3 } }],
  ["members that are new", { a: 1 }, { z: { y: 2 } }, { a: 1, z: { y: 2 } }],
  ["nothing instead of something", { a: { b: 1 } }, { a: null }, { a: null }],
  ["something instead of nothing", { a: null }, { a: { b: 1 } }, { a: { b: 1 } }],
  ["places of a list", { a: [{ b: 1, c: 1 }, { b: 2 }] }, { a: { 0: { b: 9 } } }, { a: [{ b: 9, c: 1 }, { b: 2 }] }],
  ["a list of another length", { a: [1, 2] }, { a: [1] }, { a: [1] }],
  ["a place in a list of numbers", { a: [1, 2, 3] }, { a: { 1: 7 } }, { a: [1, 7, 3] }],
  ["names of the language", { a: 1 }, json('{"constructor": {"x": 1}}'), json('{"a": 1, "constructor": {"x": 1}}')],
];

for (const [name, before, patch, after] of PATCHES) {
  test(`a patch: ${name}`, () => {
    const kept = structuredClone(before);
    assert.deepEqual(patched(before, patch), after);
    assert.deepEqual(before, kept, "the value before stays as it was");
  });
}

test("a member called __proto__ is a member and changes nothing else", () => {
  const after = patched(json('{"a": {"x": 1}}'), json('{"__proto__": {"evil": 1}, "a": {"__proto__": {"evil": 2}}}'));
  assert.equal(after.evil, undefined);
  assert.equal(after.a.evil, undefined);
  assert.equal({}.evil, undefined);
  assert.deepEqual(Object.keys(after), ["a", "__proto__"]);
});

test("a patch for another list is refused", () => {
  assert.throws(() => patched({ a: [1] }, { a: { 3: 1 } }), ProtocolError);
  assert.throws(() => patched({ a: [1] }, { a: { length: 0 } }), ProtocolError);
});

test("members go by their path", () => {
  assert.deepEqual(without({ processes: { 17: 1, 18: 2 } }, ["processes", 17]), { processes: { 18: 2 } });
  assert.deepEqual(without({ a: [{ b: 1, c: 2 }] }, ["a", 0, "b"]), { a: [{ c: 2 }] });
  assert.throws(() => without({ a: {} }, ["a", "b"]), ProtocolError);
  assert.throws(() => without({ a: {} }, ["a", "toString"]), ProtocolError);
});

const whole = (values, more = {}) => ({
  type: "snapshot", seq: 41, gap: 0, schema: "5d", usage: null,
  data: { seq: 41, time: 100, host: { name: "one" }, values, failures: {}, read_ns: { a: 1 }, ...more },
});
const change = (more) => ({ type: "change", seq: 42, gap: 0, time: 101, values: {}, gone: [], ...more });

test("a stream: whole, changed, whole again", () => {
  const stream = new Stream();
  const first = stream.apply(whole({ loadavg: { load1: 1, load5: 2 }, processes: { 17: { x: 1 }, 18: { x: 2 } } }));
  assert.equal(first.usage, null);
  const second = stream.apply(
    change({ values: { loadavg: { load1: 3 } }, gone: [["processes", 17]], read_ns: { a: 2 }, usage: { cpu: null } }),
  );
  assert.deepEqual(second.data, { loadavg: { load1: 3, load5: 2 }, processes: { 18: { x: 2 } } });
  assert.deepEqual([second.seq, second.time, second.read_ns, second.usage], [42, 101, { a: 2 }, { cpu: null }]);
  assert.equal(second.host.name, "one");
  assert.deepEqual(first.data.loadavg.load1, 1, "a frame that was given away does not change");
  const failures = { a: { reason: "denied" } };
  const third = stream.apply(change({ seq: 43, time: 102, host: { name: "two" }, failures }));
  assert.deepEqual([third.host.name, third.failures.a.reason, third.data.loadavg.load1], ["two", "denied", 3]);
  assert.deepEqual(stream.apply(whole({ loadavg: null })).data, { loadavg: null });
});

test("what a later version says is passed over", () => {
  const stream = new Stream();
  assert.equal(stream.apply({ type: "weather", seq: 1 }), null);
  assert.equal(stream.apply(whole({ a: 1 }, { unknown: 1 })).data.a, 1);
});

test("nonsense is an error, not a picture", () => {
  assert.throws(() => new Stream().apply(change({})), ProtocolError);
  assert.throws(() => new Stream().apply([]), ProtocolError);
  assert.throws(() => new Stream().apply(null), ProtocolError);
});
