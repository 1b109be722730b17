// Understands the messages of /v1/stream, as docs/protocol.md has them. Nothing here waits or opens anything.

/** A message that does not follow the protocol: the connection has to be made anew. */
export class ProtocolError extends Error {}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Own members only: a device may be called `constructor`. */
const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

/** Set a member, whatever it is called: `__proto__` is a name like any other. */
function put(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function place(list, key) {
  const index = Number(key);
  if (!(index in list)) throw new ProtocolError(`no place ${key} in a list`);
  return index;
}

/** A value with a patch put in: members that differ, places of a list that differ; anything else replaces it. */
export function patched(before, patch) {
  if (!isObject(patch)) return patch;
  if (Array.isArray(before)) {
    const changed = [...before];
    for (const [key, value] of Object.entries(patch)) {
      const index = place(before, key);
      changed[index] = patched(before[index], value);
    }
    return changed;
  }
  if (!isObject(before)) return patch;
  const changed = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    put(changed, key, has(before, key) ? patched(before[key], value) : value);
  }
  return changed;
}

/** A value without the member at a path. */
export function without(before, [key, ...rest]) {
  if (Array.isArray(before)) {
    const changed = [...before];
    const index = place(before, key);
    // Lists keep their length: a place that is gone is filled anew by the patch.
    changed[index] = rest.length ? without(before[index], rest) : null;
    return changed;
  }
  if (!isObject(before) || !has(before, String(key))) throw new ProtocolError(`no member ${key} that could be gone`);
  const changed = { ...before };
  if (rest.length) put(changed, key, without(before[key], rest));
  else delete changed[key];
  return changed;
}

/** Follows one connection: gives each tick whole, of messages that carry only what changed. */
export class Stream {
  #data = null;

  /**
   * @param {object} message as it was decoded
   * @returns {{seq: number, gap: number, time: number, host: object, data: object, usage: object | null} | null}
   *   null for a message of a type that is not known
   * @throws {ProtocolError} it does not follow from the one before
   */
  apply(message) {
    if (!isObject(message)) throw new ProtocolError("a message is an object");
    const { type, gone = [], values = {} } = message;
    if (type === "snapshot") {
      this.#data = message.data;
    } else if (type === "change") {
      if (this.#data === null) throw new ProtocolError("a change before anything whole");
      const removed = gone.reduce(without, this.#data.values);
      this.#data = { ...this.#data, ...this.#shell(message), values: patched(removed, values) };
    } else {
      return null; // of a later version
    }
    return { seq: message.seq, gap: message.gap ?? 0, usage: message.usage ?? null, ...this.#whole() };
  }

  /** What a change says about the snapshot itself; what it does not name stays. */
  #shell(message) {
    const named = ["seq", "time", "monotonic_ns", "read_ns", "rows_ns", "failures", "host"];
    return Object.fromEntries(named.filter((name) => has(message, name)).map((name) => [name, message[name]]));
  }

  #whole() {
    const { time, host, values, failures = {}, read_ns = {} } = this.#data;
    return { time, host, data: values, failures, read_ns };
  }
}
