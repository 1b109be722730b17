"""Minutes of `procpulse serve` under every attack at once: does it answer, does anything grow, is a tick lost?

    python -m tools.siege                     ten minutes
    python -m tools.siege --minutes 1
    python -m tools.siege --json

It starts the command on a free port of the loopback, with a token. Honest clients come first: one follows a stream and
counts its ticks, and one asks for /healthz ten times a second, each time on a new connection. Then the besiegers come, in
a process of their own: those who know no token, and those who were let in and behave badly. Each kind goes on, one
attempt after the other. Exit 1 when P18 of docs/promises.md is broken.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import multiprocessing
import os
import random
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

HEALTH_SECONDS = 0.1
"""The limit of 99 % of the answers to /healthz."""
GROWTH_BYTES = 64 << 20
LOG_BYTES = 1 << 20
END_SECONDS = 1.0
PAUSE = 0.05
"""Seconds between two attempts of one kind: the machine is to be besieged through the server, not beside it."""
HELD = 100
"""Connections that say nothing, held at a time."""

HEAD = "Host: 127.0.0.1:{port}\r\n"
UPGRADE = (
    "GET /v1/stream HTTP/1.1\r\n" + HEAD + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: procpulse.v1.json\r\n"
)


class Target(NamedTuple):
    """The server, as those who besiege it know it."""

    port: int
    token: str

    def get(self, path: str, *lines: str) -> bytes:
        """A request without a token."""
        more = "".join(f"{line}\r\n" for line in lines)
        return f"GET {path} HTTP/1.1\r\n{HEAD.format(port=self.port)}{more}\r\n".encode("latin-1")

    def known(self, path: str, *lines: str) -> bytes:
        """A request with the token."""
        return self.get(path, f"Authorization: Bearer {self.token}", *lines)

    def upgrade(self, *lines: str, end: bool = True) -> bytes:
        """The head of a websocket's handshake."""
        more = "".join(f"{line}\r\n" for line in lines)
        return (UPGRADE.format(port=self.port) + more + ("\r\n" if end else "")).encode("latin-1")


Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Attack: TypeAlias = Callable[[Target, Reader, Writer], Awaitable[None]]
ATTACKS: dict[str, Attack] = {}


def attack(function: Attack) -> Attack:
    """One attempt, on a connection that is dropped afterwards."""
    ATTACKS[getattr(function, "__name__", "")] = function
    return function


def leave(writer: Writer, reset: bool) -> None:
    """Hang up; with a reset in the rudest way."""
    if reset:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


# Those who know no token.


@attack
async def pipelined(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.get("/healthz") * 50)


@attack
async def refused_pipelined(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.get("/v1/usage") * 50)


@attack
async def events_dropped(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.known("/v1/events"))
    await reader.read(200)


@attack
async def endless_header(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(b"GET /healthz HTTP/1.1\r\nx: ")
    for _ in range(128):
        writer.write(b"a" * 65536)
        await writer.drain()


@attack
async def endless_path(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(b"GET /")
    for _ in range(64):
        writer.write(b"a" * 65536)
        await writer.drain()


@attack
async def many_headers(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(b"GET /healthz HTTP/1.1\r\n")
    for _ in range(30):
        writer.write(b"Authorization: Bearer aaaaaaaaaaaaaaaa\r\n" * 1000)
        await writer.drain()


@attack
async def cookie_of_semicolons(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.get("/v1/usage", "Cookie: " + ";" * (1 << 20)))
    await writer.drain()


@attack
async def upgrade_with_a_long_header(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.upgrade("Cookie: " + "a" * 9000))
    await asyncio.sleep(1)


@attack
async def half_an_upgrade(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.upgrade(end=False))
    await asyncio.sleep(5)


@attack
async def drop_by_drop(target: Target, reader: Reader, writer: Writer) -> None:
    for byte in target.get("/healthz"):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.3)


@attack
async def nonsense(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(b"\x16\x03\x01\x02\x00" + os.urandom(512))
    await reader.read(100)


@attack
async def wrong_token(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.get("/v1/usage", f"Authorization: Bearer {secrets.token_hex(16)}"))
    await reader.read(100)


@attack
async def long_name(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.get("/" + "a" * 300))
    await reader.read(100)


@attack
async def other_page(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.get("/v1/events", "Sec-Fetch-Site: cross-site", "Origin: http://evil.example"))
    await reader.read(100)


@attack
async def two_lengths(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(
        target.get("/v1/login", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\nGET / HTTP/1.1\r\n"
    )
    await reader.read(100)


# Those who were let in.


@attack
async def selections(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.known(f"/v1/events?top={random.randrange(1, 500)}&sources=processes"))
    await asyncio.sleep(random.random() * 2)


@attack
async def history_unread(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.known("/v1/history"))
    await asyncio.sleep(2)


@attack
async def snapshot_unread(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.known("/v1/snapshot") * 20)
    await asyncio.sleep(2)


@attack
async def odd_formats(target: Target, reader: Reader, writer: Writer) -> None:
    version = random.randrange(1 << 30)
    writer.write(target.known("/metrics", f"Accept: application/openmetrics-text;version=1.0.{version}"))
    await reader.read(100)


def frame(opcode: int, payload: bytes) -> bytes:
    """A short message as a client sends it."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


@attack
async def pings(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.upgrade(f"Authorization: Bearer {target.token}"))
    await reader.read(200)
    for _ in range(60):
        writer.write(frame(9, b"x" * 125) * 200)
        await writer.drain()
        await asyncio.sleep(0.02)


@attack
async def never_reads(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.upgrade(f"Authorization: Bearer {target.token}"))
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(20)


@attack
async def invalid_text(target: Target, reader: Reader, writer: Writer) -> None:
    writer.write(target.upgrade(f"Authorization: Bearer {target.token}") + frame(1, b"\xff\xfe"))
    await reader.read(200)


async def besiege(target: Target, seconds: float) -> Counter[str]:
    """Every kind of attack, each again and again, until the time is over."""
    end = time.monotonic() + seconds
    done: Counter[str] = Counter()

    async def go_on(name: str, once: Attack) -> None:
        turn = 0
        while time.monotonic() < end:
            turn += 1
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
                try:
                    async with asyncio.timeout(max(0.1, min(30.0, end - time.monotonic()))):
                        await once(target, reader, writer)
                    done[name] += 1
                except OSError:
                    done[name] += 1  # the server was quicker to hang up
                finally:
                    leave(writer, reset=turn % 2 == 0)
            await asyncio.sleep(PAUSE)

    async def hold() -> None:
        held: list[Writer] = []
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                held.append((await asyncio.open_connection("127.0.0.1", target.port))[1])
                done["silent"] += 1
            if len(held) > HELD:
                held.pop(0).transport.abort()
            await asyncio.sleep(PAUSE)
        for writer in held:
            writer.transport.abort()

    await asyncio.gather(hold(), *(go_on(name, once) for name, once in ATTACKS.items()))
    return done


def _besieger(target: Target, seconds: float, queue: Any) -> None:
    os.nice(5)
    queue.put(dict(asyncio.run(besiege(target, seconds))))


# Honest clients.


async def health(port: int, until: float, took: list[float], refused: list[str]) -> None:
    """Ask for /healthz on a new connection, ten times a second."""
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            async with asyncio.timeout(20):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
                answer = await reader.read(100)
                writer.close()
            if not answer.startswith(b"HTTP/1.1 200"):
                refused.append(answer[:40].decode("latin-1") or "closed without an answer")
        except (OSError, TimeoutError) as error:
            refused.append(type(error).__name__)
        took.append(time.monotonic() - began)
        await asyncio.sleep(max(0.0, 0.1 - (time.monotonic() - began)))


async def follow(port: int, token: str, until: float, ticks: list[int], gaps: list[int]) -> None:
    """Follow the stream as a dashboard does."""
    async with connect(
        f"ws://127.0.0.1:{port}/v1/stream?sources=loadavg",
        subprotocols=[Subprotocol("procpulse.v1.json")],
        additional_headers={"Authorization": f"Bearer {token}"},
    ) as stream:
        while time.monotonic() < until:
            got = json.loads(await asyncio.wait_for(stream.recv(), 30))
            ticks.append(got["seq"])
            gaps.append(got["gap"])


def resident(pid: int) -> int:
    """Bytes of memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def siege(minutes: float, interval: float) -> dict[str, Any]:
    """Start the server, besiege it, and tell what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        token = base64.urlsafe_b64encode(secrets.token_bytes(24)).decode()
        file = Path(folder, "token")
        file.touch(0o600)
        file.write_text(token)
        log = Path(folder, "log")
        command = [sys.executable, "-m", "procpulse", "serve", "--port", "0", "--token-file", str(file)]
        with log.open("wb") as errors:
            server = subprocess.Popen(
                [*command, "--interval", f"{interval}s"], stdout=subprocess.PIPE, stderr=errors, cwd=folder
            )
        assert server.stdout is not None
        try:
            line = server.stdout.readline().decode()
            port = int(line.split()[1].rstrip("/").rpartition(":")[2])
            found = asyncio.run(_watch(server, Target(port, token), minutes * 60))
            return found | {"log_bytes": log.stat().st_size, "log_end": log.read_text(errors="replace")[-600:]}
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


async def _watch(server: "subprocess.Popen[bytes]", target: Target, seconds: float) -> dict[str, Any]:
    took: list[float] = []
    refused: list[str] = []
    ticks: list[int] = []
    gaps: list[int] = []
    until = time.monotonic() + seconds + 4
    honest = [
        asyncio.ensure_future(follow(target.port, target.token, until, ticks, gaps)),
        asyncio.ensure_future(health(target.port, until, took, refused)),
    ]
    await asyncio.sleep(3)
    before, largest = resident(server.pid), 0
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    besieger = context.Process(target=_besieger, args=(target, seconds, queue), daemon=True)
    besieger.start()
    while time.monotonic() < until and server.poll() is None:
        largest = max(largest, resident(server.pid))
        await asyncio.sleep(0.5)
    ended = server.poll()
    failed = [repr(error) for error in await asyncio.gather(*honest, return_exceptions=True) if error is not None]
    attempts = await asyncio.to_thread(queue.get, True, 60)
    after = resident(server.pid) if ended is None else 0
    server.send_signal(signal.SIGTERM)
    began = time.monotonic()
    code = await asyncio.to_thread(server.wait, 60)
    took.sort()
    return {
        "minutes": seconds / 60,
        "attempts": attempts,
        "ended_by_itself": ended,
        "honest_clients_that_failed": failed,
        "healthz": len(took),
        "healthz_p99_seconds": round(took[int(len(took) * 0.99)], 4),
        "healthz_longest_seconds": round(took[-1], 4),
        "healthz_refused": dict(Counter(refused)),
        "ticks": len(ticks),
        "ticks_lost": sum(gaps),
        "growth_bytes": largest - before,
        "growth_after_bytes": after - before,
        "exit_code": code,
        "exit_seconds": round(time.monotonic() - began, 3),
    }


def broken(found: dict[str, Any]) -> list[str]:
    """What of the promise does not hold."""
    wrong = []
    if found["ended_by_itself"] is not None:
        wrong.append(f"the server ended with {found['ended_by_itself']}")
    if found["honest_clients_that_failed"]:
        wrong.append(f"honest clients failed: {found['honest_clients_that_failed']}")
    if found["healthz_p99_seconds"] > HEALTH_SECONDS:
        wrong.append(f"99 % of /healthz took up to {found['healthz_p99_seconds']} s")
    if sum(found["healthz_refused"].values()) > found["healthz"] // 100:
        wrong.append(f"/healthz was refused: {found['healthz_refused']}")
    if found["ticks_lost"]:
        wrong.append(f"{found['ticks_lost']} ticks were lost")
    if found["growth_bytes"] > GROWTH_BYTES:
        wrong.append(f"memory grew by {found['growth_bytes'] >> 20} MiB")
    if found["log_bytes"] > LOG_BYTES:
        wrong.append(f"the log has {found['log_bytes']} bytes")
    if found["exit_seconds"] > END_SECONDS or found["exit_code"]:
        wrong.append(f"it took {found['exit_seconds']} s to end, with {found['exit_code']}")
    missing = [name for name in ATTACKS if not found["attempts"].get(name)]
    if missing:
        wrong.append(f"these attacks were not made: {missing}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--interval", type=float, default=1.0, help="of the server, in seconds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = siege(options.minutes, options.interval)
    wrong = broken(found)
    if options.json:
        print(json.dumps(found | {"broken": wrong}))
    else:
        for name, value in found.items():
            print(f"{name:28} {value}")
        print("\n".join(f"BROKEN: {what}" for what in wrong) or "it held")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
