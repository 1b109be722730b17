import assert from "node:assert/strict";
import test from "node:test";
import { age, bytes, ceiling, celsius, clock, count, duration, ms, percent, plain, rate } from "../lib/format.js";

const table = (name, format, cases) =>
  test(name, () => {
    for (const [value, wanted] of cases) assert.equal(format(value), wanted, `of ${value}`);
  });

const nothing = [[null, "–"], [undefined, "–"], [NaN, "–"], [Infinity, "–"]];

table("memory is in powers of 1024", bytes, [
  [0, "0 B"], [1023, "1023 B"], [1024, "1.00 KiB"], [1536, "1.50 KiB"], [1024 ** 2 - 1, "1.00 MiB"],
  [25276063744, "23.5 GiB"], [1023.6 * 1024 ** 3, "1.00 TiB"], [3e18, "2665 PiB"], ...nothing,
]);
table("rates are in powers of 1000", rate, [
  [0, "0 B/s"], [395.4, "395 B/s"], [999.4, "999 B/s"], [999.6, "1.00 kB/s"], [1450679, "1.45 MB/s"],
  [999499, "999 kB/s"], [12.5e9, "12.5 GB/s"], ...nothing,
]);
table("shares are percents", percent, [
  [0, "0.0 %"], [0.0005, "0.1 %"], [0.285, "28.5 %"], [0.9994, "99.9 %"], [1, "100 %"], [3.987, "399 %"], ...nothing,
]);
table("events", count, [
  [0, "0"], [0.5, "0.5"], [7, "7"], [436.2, "436"], [15396, "15.4k"], [2.5e6, "2.50M"], ...nothing,
]);
table("temperatures are given in thousandths", celsius, [[49925, "49.9 °C"], [-500, "-0.5 °C"], ...nothing]);
table("times", ms, [[0, "0 ms"], [0.093, "0.09 ms"], [12.34, "12.3 ms"], [1500, "1.50 s"], ...nothing]);
table("plain numbers", plain, [[0.5, "0.50"], [12, "12.00"], ...nothing]);
table("how long", duration, [
  [0, "0 s"], [59.6, "1 min"], [61, "1 min 1 s"], [3600, "1 h"], [3725, "1 h 2 min"], [273600, "3 d 4 h"],
  [86400 * 2 + 5, "2 d"], [-5, "0 s"], ...nothing,
]);
table("how old", age, [[0, "0.0 s"], [-1, "0.0 s"], [0.44, "0.4 s"], [9.96, "10 s"], [75, "1 min 15 s"], ...nothing]);

test("axes end at round numbers", () => {
  for (const [value, wanted] of [[0, 1], [0.05, 0.05], [0.3, 0.5], [1, 1], [1.1, 2], [24, 50], [51, 100], [1e6, 1e6]]) {
    assert.ok(Math.abs(ceiling(value) - wanted) < 1e-9, `of ${value}: ${ceiling(value)}`);
  }
});

test("the time of day, with and without seconds", () => {
  const time = new Date(2026, 0, 2, 3, 4, 5).getTime() / 1000;
  assert.equal(clock(time), "03:04:05");
  assert.equal(clock(time, false), "03:04");
});
