"""Places of connections, and a log that does not grow: without sockets, so that every order of events can be tried."""

import asyncio
import errno
import logging
import random
import socket
from typing import Any

import pytest

from procpulse.web.connections import HEALTH_CONNECTIONS, LOOPBACK, Acceptor, Limits, Place, Transport, address_key
from procpulse.web.log import MOST_KINDS, OncePerMinute
from procpulse.web.sites import is_of_another_site


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (("127.0.0.1", 1), LOOPBACK), (("127.77.0.3", 1), LOOPBACK), (("::1", 1, 0, 0), LOOPBACK),
        (("::ffff:127.0.0.9", 1, 0, 0), LOOPBACK), ("", LOOPBACK), (None, LOOPBACK), (b"", LOOPBACK),
        (("192.0.2.1", 1), "192.0.2.1"), (("::ffff:192.0.2.1", 1, 0, 0), "192.0.2.1"),
        (("2001:db8:1:2:3::4", 1, 0, 0), "2001:db8:1:2::/64"), (("2001:db8:1:2:ffff::1", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:3::1", 1), "2001:db8:1:3::/64"), (("fe80::1%eth0", 1, 0, 2), "fe80::/64"), (("a name", 0), "a name"),
    ],
)  # fmt: skip
def test_addresses(address: Any, key: str) -> None:
    assert address_key(address) == key


class Pipe:
    """A transport of nothing."""

    def __init__(self) -> None:
        self.aborted = False
        self.buffer = 0

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def write(self, data: bytes) -> None:
        self.buffer += len(data)

    def get_write_buffer_size(self) -> int:
        return self.buffer


def connected(limits: Limits, key: str) -> Place | None:
    place = limits.admit(key)
    if place is not None:
        place.transport = Transport(Pipe())  # type: ignore[arg-type]
        place.wait()
    return place


def gone(place: Place | None) -> bool:
    assert place is not None
    assert place.transport is not None
    return bool(place.transport._transport.aborted)  # type: ignore[attr-defined]


def test_the_longest_idle_of_an_address_goes_first() -> None:
    limits = Limits(most=100, per_address=3)
    first, second, third = (connected(limits, "a") for _ in range(3))
    assert first
    assert second
    assert third
    first.serve()
    other = connected(limits, "b")
    fourth = connected(limits, "a")
    assert [gone(place) for place in (first, second, third, fourth, other)] == [False, True, False, False, False]
    first.wait()  # its answer is over: now it is the newest of those that wait
    connected(limits, "a")
    assert [gone(place) for place in (first, third, fourth)] == [False, True, False]
    assert limits.count == 4


def test_who_is_served_is_not_put_out_and_health_has_places_of_its_own() -> None:
    limits = Limits(most=4, per_address=10)
    room: list[int] = []
    limits.on_room = lambda: room.append(1)
    served = [connected(limits, f"{number}") for number in range(4)]
    for place in served:
        assert place
        place.serve()
    assert not limits.over
    extra = [connected(limits, f"x{number}") for number in range(HEALTH_CONNECTIONS)]
    assert limits.over, "these are told nothing but whether it is well"
    assert sum(map(gone, extra)) == HEALTH_CONNECTIONS - 1, "each of them goes when the next comes"
    assert not any(map(gone, served))
    for place in extra[-1:]:
        assert place
        place.serve()
    more = [limits.admit(f"y{number}") for number in range(HEALTH_CONNECTIONS + 5)]
    assert more.count(None) == 6
    assert limits.full
    before = len(room)
    assert served[0]
    served[0].leave()
    served[0].leave()
    assert len(room) == before + 1
    assert not limits.full


def test_one_address_has_so_many_and_the_loopback_more() -> None:
    limits = Limits(most=100, per_address=2, of_loopback=5)
    for key, most in (("a", 2), (LOOPBACK, 5)):
        places = [connected(limits, key) for _ in range(most)]
        for place in places:
            assert place
            place.serve()
        assert limits.admit(key) is None
        assert places[0]
        places[0].leave()
        assert limits.admit(key) is not None


def test_limits_follow_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda what: (300, 300))
    assert Limits.of_clients(1024, 32).most == 86
    monkeypatch.setattr("resource.getrlimit", lambda what: (-1, -1))
    limits = Limits.of_clients(2000, 2000)
    assert (limits.most, limits.per_address) == (2256, 2032)


def test_any_order_of_events_keeps_the_count() -> None:
    rng = random.Random(3)
    limits = Limits(most=20, per_address=6, of_loopback=9)
    alive: list[Place] = []
    for _ in range(20_000):
        action = rng.randrange(4)
        if action == 0 or not alive:
            place = connected(limits, rng.choice(["a", "b", "c", "d", LOOPBACK]))
            if place is not None:
                alive.append(place)
        else:
            place = rng.choice(alive)
            (place.wait, place.serve, place.leave)[action - 1]()
            if action == 3:
                alive.remove(place)
        alive = [place for place in alive if not gone(place)]
        assert limits.count == len(alive) <= 20 + HEALTH_CONNECTIONS
        by_key = [place.key for place in alive]
        assert all(by_key.count(key) <= 6 for key in "abcd")


class Listener:
    """A socket on which `accept` fails."""

    def __init__(self, error: int):
        self.error = error
        self.tried = 0
        self.real = socket.socket()

    def fileno(self) -> int:
        return self.real.fileno()

    def accept(self) -> Any:
        self.tried += 1
        raise OSError(self.error, "x")

    def close(self) -> None:
        self.real.close()


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_nothing_is_tried_again_at_once_where_there_is_nothing_left(
    error: int, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener(error)
    acceptor = Acceptor(listener, Limits(10), lambda place: asyncio.Protocol())  # type: ignore[arg-type]
    acceptor._ready()
    acceptor._pause(60)  # whatever its timer does on a slow machine
    assert listener.tried == 1
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None
    assert acceptor.is_serving()
    acceptor.close()
    acceptor.close()
    assert not acceptor.is_serving()
    await acceptor.wait_closed()


def test_a_transport_knows_what_left_it() -> None:
    pipe = Pipe()
    transport = Transport(pipe)  # type: ignore[arg-type]
    transport.write(b"12345")
    assert transport.left == 0
    pipe.buffer = 2
    transport.write(b"678")
    assert (transport.left, transport.written) == (3, 8), "the buffer grew, and yet something left"
    pipe.abort()
    transport.write(b"9")
    assert transport.written == 8, "what comes after the end goes nowhere"


def test_a_kind_of_message_is_written_once_a_minute() -> None:
    now, lines = [0.0], []
    handler = OncePerMinute(lines.append, lambda: now[0])
    logger = logging.Logger("x")
    logger.addHandler(handler)
    for number in range(500):
        logger.warning("refused %s", f"\x1b[31m{number}\nprocpulse: all is well")
        try:
            raise ValueError(number)
        except ValueError:
            logger.exception("it broke")
        logger.info("nothing that matters")
    assert len(lines) == 2
    assert lines[0] == "procpulse: refused \\x1b[31m0\n  procpulse: all is well\n"
    assert "ValueError: 0" in lines[1]
    now[0] = 61
    logger.warning("refused %s", "again")
    assert lines[2] == "procpulse: refused again (499 more since the last)\n"
    handler.flush_counts()
    assert lines[3:] == ["procpulse: 499 more: it broke\n"]
    handler.flush_counts()
    assert len(lines) == 4


def test_kinds_without_end_are_one() -> None:
    now, lines = [0.0], []
    handler = OncePerMinute(lines.append, lambda: now[0])
    logger = logging.Logger("x")
    logger.addHandler(handler)
    for number in range(1000):
        logger.warning(f"kind {number}")
    assert len(lines) == MOST_KINDS + 1
    logger.warning("%d %d", 1)  # noqa: PLE1206 - what cannot be put together is written as it is
    now[0] = 100
    for number in range(1000, 1200):
        logger.warning(f"kind {number}")
    assert len(lines) < 3 * MOST_KINDS


def asked(**headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "GET", "path": "/v1/usage", "headers": named}


def test_requests_of_other_sites() -> None:
    origins = {"https://grafana.example"}
    assert not is_of_another_site(asked(), origins), "a program"
    for site in ("same-origin", "none"):
        assert not is_of_another_site(asked(sec_fetch_site=site), origins)
    for site in ("cross-site", "same-site", "Cross-Site"):
        assert is_of_another_site(asked(sec_fetch_site=site), origins)
        assert not is_of_another_site(asked(sec_fetch_site=site, origin="https://grafana.example"), origins)
        link = asked(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="document")
        assert is_of_another_site(link, origins), "a link to what is no page"
        assert not is_of_another_site({**link, "path": "/"}, origins)
        assert is_of_another_site({**link, "path": "/", "method": "POST"}, origins)
