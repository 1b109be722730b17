"""The page's client understands the frames of the server: whole, changed, gone, as docs/protocol.md has them."""

import json
import subprocess
from typing import Any

import msgspec
from tools import dashboard

from procpulse import Sampler, Snapshot
from procpulse.catalog import module, sources
from procpulse.encode import json as wire
from procpulse.web.frames import Feed, Pace
from procpulse.web.select import Selection
from tests.conftest import FIXTURES, roots

FOLLOW = """
import { Stream } from "./lib/protocol.js";
import { readFileSync } from "node:fs";
const stream = new Stream();
const frames = JSON.parse(readFileSync(0, "utf8")).map((message) => stream.apply(message));
process.stdout.write(JSON.stringify(frames));
"""


async def sample(tree: str) -> Snapshot:
    """Everything of a fixture tree."""
    every = [module("processes").processes() if name == "processes" else one for name, one in sources().items()]
    return await Sampler(every, roots=roots(FIXTURES / tree)).sample()


def as_numbers(text: str | bytes) -> Any:
    """JSON with the numbers that JavaScript has: of 64 bits, with 53 that count."""
    return json.loads(text, parse_int=float)


def follow(tools: dashboard.Node, messages: list[Any]) -> list[Any]:
    """What the page makes of these messages."""
    result = subprocess.run(
        [*tools.node, "--input-type=module", "-e", FOLLOW],
        cwd=dashboard.SOURCES,
        input=json.dumps(messages),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    frames: list[Any] = as_numbers(result.stdout)
    return frames


async def test_it_follows_from_one_host_to_quite_another(tools: dashboard.Node) -> None:
    """Rows, sources and whole tables come and go between these; what the page has in the end is what was sampled."""
    pace = Pace(1)
    feed = Feed(Selection(usage=True), pace, "hash")
    messages: list[Any] = []
    sampled: list[Any] = []
    seen = None
    for seq, tree in enumerate(["vm-6.18", "vm-6.18-later", "workstation", "arm64", "vm-6.18", "server-4.18"]):
        snapshot = msgspec.structs.replace(await sample(tree), seq=seq)
        await pace.advance(snapshot)
        feed.advance()
        messages.append(json.loads(feed.frame(seen, "json")))
        sampled.append(as_numbers(wire.encode(snapshot)))
        seen = seq
    assert [message["type"] for message in messages] == ["snapshot", *["change"] * 5]
    assert all(message["gone"] for message in messages[2:])
    for followed, snapshot in zip(follow(tools, messages), sampled, strict=True):
        assert followed["data"].keys() == snapshot["values"].keys()
        for name, value in snapshot["values"].items():
            assert followed["data"][name] == value, name
        assert followed["host"] == snapshot["host"]
        assert followed["read_ns"] == snapshot["read_ns"]
        assert followed["failures"] == snapshot["failures"]
