// Numbers as people read them. What is not there is a dash, never a 0.

export const NONE = "–";

const IEC = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const SI = ["", "k", "M", "G", "T", "P"];

/** Three digits that count: 1.45, 14.5, 145. */
function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  return size < 9.995 ? value.toFixed(2) : size < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

function scaled(value, base, units) {
  let step = 0;
  let rest = value;
  // 999.5 would be shown as 1000: it belongs to the next unit.
  const most = base === 1024 ? 1023.5 : 999.5;
  while (Math.abs(rest) >= most && step < units.length - 1) {
    rest /= base;
    step += 1;
  }
  return [step === 0 ? rest.toFixed(0) : digits(rest), units[step]];
}

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** A number and its unit, apart, so that they can be set differently. */
export const parts = {
  /** Sizes of memory, in powers of 1024. */
  bytes: (value) => (known(value) ? scaled(value, 1024, IEC) : [NONE, ""]),
  /** Bytes a second, in powers of 1000. */
  rate: (value) => {
    if (!known(value)) return [NONE, ""];
    const [number, unit] = scaled(value, 1000, SI);
    return [number, `${unit}B/s`];
  },
  /** Events, or events a second. */
  count: (value) => {
    if (!known(value)) return [NONE, ""];
    if (Math.abs(value) < 9.95 && !Number.isInteger(value)) return [value.toFixed(1), ""];
    return scaled(value, 1000, SI);
  },
  /** A share of 1, in percent. */
  percent: (value) => (known(value) ? [(value * 100).toFixed(Math.abs(value) < 0.9995 ? 1 : 0), "%"] : [NONE, ""]),
  /** Thousandths of a degree Celsius. */
  celsius: (value) => (known(value) ? [(value / 1000).toFixed(1), "°C"] : [NONE, ""]),
  /** Milliseconds, at any size. */
  ms: (value) => {
    if (!known(value)) return [NONE, ""];
    return value < 999.5 ? [digits(value), "ms"] : [digits(value / 1000), "s"];
  },
  /** A plain number with two decimals. */
  plain: (value) => (known(value) ? [value.toFixed(2), ""] : [NONE, ""]),
};

const joined = (make) => (value) => make(value).filter(Boolean).join(" ");

export const bytes = joined(parts.bytes);
export const rate = joined(parts.rate);
export const percent = joined(parts.percent);
export const celsius = joined(parts.celsius);
export const ms = joined(parts.ms);
export const plain = joined(parts.plain);
/** Events: the prefix sticks to the number. */
export const count = (value) => parts.count(value).join("");

/** How long, in the two units that say most: 3 d 4 h. */
export function duration(seconds) {
  if (!known(seconds)) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  const split = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = split.findIndex(([value]) => value > 0);
  if (first < 0) return "0 s";
  return split
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** How old something is: with tenths while it is young. */
export function age(seconds) {
  if (!known(seconds)) return NONE;
  return seconds < 9.95 ? `${Math.max(0, seconds).toFixed(1)} s` : duration(seconds);
}

const two = (value) => String(value).padStart(2, "0");

/** The time of day on the reader's own clock, of seconds since 1970. */
export function clock(seconds, withSeconds = true) {
  const date = new Date(seconds * 1000);
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${minutes}:${two(date.getSeconds())}` : minutes;
}

/** The next round number up, so that an axis does not jump at every tick: 1, 2, 5 times a power of the base. */
export function ceiling(value, base = 10) {
  if (!(value > 0)) return 1;
  if (base === 2) return 2 ** Math.ceil(Math.log2(value));
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value * (1 - 1e-9)) * power;
}
