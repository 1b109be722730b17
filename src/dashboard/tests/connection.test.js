import assert from "node:assert/strict";
import test, { beforeEach, mock } from "node:test";
import { Connection, delay } from "../lib/connection.js";

// A server without a network: what it answers is decided by the test.
let server;

class Socket {
  constructor(url, protocols) {
    Object.assign(this, { url: new URL(url), protocols, closed: false });
    server.sockets.push(this);
  }

  close() {
    this.closed = true;
  }

  say(message) {
    this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
}

const whole = (time, more = {}) => ({
  type: "snapshot", seq: time, gap: 0, schema: "", usage: {}, data: { time, host: {}, values: {} }, ...more,
});
const change = (time, gap = 0) => ({ type: "change", seq: time, gap, time, values: {}, gone: [], usage: {} });
const past = (...times) => ({ frames: times.map((time) => ({ time, usage: {} })), interval: 1, step: 1 });

async function settle() {
  for (let i = 0; i < 20; i += 1) await null;
}

function connect(options = {}) {
  const seen = [];
  const connection = new Connection({
    base: new URL("http://host.example/mounted/"),
    fetch: async (url, request) => {
      server.asked.push([`${url.pathname}${url.search}`, request]);
      const answer = server.answers[url.pathname.replace("/mounted/v1/", "")];
      if (answer instanceof Error) throw answer;
      const { status = 200, body } = typeof answer === "function" ? answer(url, request) : { body: answer };
      return { status, ok: status < 300, json: async () => structuredClone(body) };
    },
    WebSocket: Socket,
    onFrame: ({ time }) => seen.push(time),
    onHistory: (frames) => seen.push(...frames.map(({ time }) => `past ${time}`)),
    onState: (state) => seen.push(state),
    now: () => Date.now() / 1000,
    random: () => 1,
    ...options,
  });
  connection.wanted = (sources) => sources.map(({ name }) => name);
  return { connection, seen };
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 104_000 });
  const sources = [{ name: "loadavg" }, { name: "meminfo" }];
  server = { sockets: [], asked: [], answers: { sources, history: past(101, 102, 103) } };
});
test.afterEach(() => mock.timers.reset());

async function live() {
  const made = connect();
  made.connection.start();
  await settle();
  server.sockets[0].say(whole(104));
  await settle();
  return made;
}

test("first what was, then what is", async () => {
  const { seen } = await live();
  server.sockets[0].say(change(105));
  assert.deepEqual(seen, ["connecting", "past 101", "past 102", "past 103", "live", 104, 105]);
  const [socket] = server.sockets;
  assert.equal(socket.url.protocol, "ws:");
  assert.equal(socket.url.pathname, "/mounted/v1/stream");
  assert.deepEqual(Object.fromEntries(socket.url.searchParams), {
    usage: "1", top: "50", by: "cpu_ratio", interval: "1", sources: "loadavg,meminfo",
  });
  assert.deepEqual(socket.protocols, ["procpulse.v1.json"]);
  assert.match(server.asked[1][0], /history\?seconds=900$/);
});

test("the interval is that of the history, whatever the server ticks at", async () => {
  server.answers.history = { frames: [], interval: 0.3, step: 3 };
  const { connection } = connect();
  connection.start();
  await settle();
  assert.ok(Math.abs(Number(server.sockets[0].url.searchParams.get("interval")) - 0.9) < 1e-9);
});

test("after an interruption only what was missed is asked for", async () => {
  const { seen } = await live();
  seen.length = 0;
  server.sockets[0].onclose({ code: 1001, reason: "" });
  assert.deepEqual(seen, ["waiting"]);
  mock.timers.tick(499);
  await settle();
  assert.equal(server.asked.length, 2);
  server.answers.history = past(105, 106);
  mock.timers.tick(1);
  await settle();
  assert.match(server.asked[3][0], /history\?seconds=3$/);
  server.sockets[1].say(whole(107));
  assert.deepEqual(seen, ["waiting", "connecting", "past 105", "past 106", "live", 107]);
});

test("frames that were missed on a slow line are fetched before the next one is shown", async () => {
  const { seen } = await live();
  seen.length = 0;
  server.answers.history = past(105, 106);
  server.sockets[0].say(whole(107, { gap: 2 }));
  server.sockets[0].say(change(108));
  assert.deepEqual(seen, [], "they wait for the history");
  await settle();
  assert.deepEqual(seen, ["past 105", "past 106", 107, 108]);
});

test("without a history the gap stays a gap", async () => {
  const { seen } = await live();
  seen.length = 0;
  server.answers.history = new Error("gone");
  server.sockets[0].say(whole(110, { gap: 5 }));
  await settle();
  assert.deepEqual(seen, [110]);
});

test("attempts come later and later, and at once when the page comes back", async () => {
  server.answers.sources = new Error("refused");
  const { connection, seen } = connect();
  connection.start();
  await settle();
  for (const seconds of [0.5, 1, 2, 4, 8, 10, 10]) {
    const before = server.asked.length;
    mock.timers.tick(seconds * 1000 - 1);
    await settle();
    assert.equal(server.asked.length, before, `not before ${seconds} s`);
    mock.timers.tick(1);
    await settle();
    assert.equal(server.asked.length, before + 1, `after ${seconds} s`);
  }
  const before = server.asked.length;
  connection.hurry();
  await settle();
  assert.equal(server.asked.length, before + 1);
  assert.ok(!seen.includes("live"));
});

test("delays are spread", () => {
  assert.equal(delay(0, () => 0), 0.25);
  assert.equal(delay(0, () => 1), 0.5);
  assert.equal(delay(50, () => 1), 10);
});

test("a refusal is not asked again at once", async () => {
  await live();
  server.sockets[0].onclose({ code: 1008, reason: "no source" });
  const before = server.asked.length;
  mock.timers.tick(9_999);
  await settle();
  assert.equal(server.asked.length, before);
  mock.timers.tick(1);
  await settle();
  assert.equal(server.asked.length, before + 2);
});

test("a line on which nothing comes is given up", async () => {
  const { seen } = await live();
  mock.timers.tick(9_999);
  assert.equal(seen.at(-1), 104);
  mock.timers.tick(1);
  assert.equal(seen.at(-1), "waiting");
  assert.ok(server.sockets[0].closed);
});

test("nonsense on the line ends it, and begins anew", async () => {
  const { seen } = await live();
  server.sockets[0].say("{");
  assert.equal(seen.at(-1), "waiting");
  server.sockets[0].say(change(106));
  assert.equal(seen.at(-1), "waiting", "a line that was given up is not listened to");
});

test("another order of processes: the old line is kept until the new one speaks", async () => {
  const { connection, seen } = await live();
  connection.select({ by: "rss_bytes", top: 50 });
  assert.equal(server.sockets.length, 2);
  assert.equal(server.sockets[1].url.searchParams.get("by"), "rss_bytes");
  assert.equal(server.sockets[0].closed, false);
  server.sockets[1].say(whole(105));
  await settle();
  assert.ok(server.sockets[0].closed);
  assert.deepEqual(seen.slice(-2), ["live", 105]);
  connection.select({ by: "rss_bytes", top: 50 });
  assert.equal(server.sockets.length, 2, "the same is not asked for again");
});

test("two changes of order in a row leave one line", async () => {
  const { connection } = await live();
  connection.select({ by: "rss_bytes", top: 50 });
  connection.select({ by: "num_threads", top: 50 });
  server.sockets[2].say(whole(105));
  await settle();
  assert.deepEqual(server.sockets.map(({ closed }) => closed), [true, true, false]);
});

test("a session that is ended", async () => {
  let token = null;
  server.answers.sources = () => (token === "right" ? { body: [] } : { status: 401 });
  server.answers.login = (_, { body }) => {
    token = JSON.parse(body).token;
    return { status: 204 };
  };
  server.answers.logout = (_, { method }) => {
    if (method === "POST") token = null;
    return { status: 204 };
  };
  const { connection, seen } = connect();
  connection.start();
  await settle();
  await connection.unlock("right");
  assert.notEqual(seen.at(-1), "locked");
  await connection.lock();
  assert.equal(seen.at(-1), "locked");
  assert.equal(token, null);
});

test("a token that is asked for, wrong, then right", async () => {
  let token = null;
  server.answers.sources = () => (token === "right" ? { body: [] } : { status: 401 });
  server.answers.login = (_, { body }) => {
    token = JSON.parse(body).token;
    return { status: token === "right" ? 204 : 401 };
  };
  const { connection, seen } = connect();
  connection.start();
  await settle();
  assert.equal(seen.at(-1), "locked");
  assert.equal(await connection.unlock("wrong"), false);
  assert.equal(await connection.unlock("right"), true);
  assert.equal(server.sockets.length, 1);
  assert.ok(server.asked.every(([path]) => !path.includes("right")), "a token is never in an address");
});
