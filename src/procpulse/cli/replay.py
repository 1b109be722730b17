"""procpulse replay: a recording, tick by tick."""

import argparse
import asyncio
import re
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from datetime import datetime, timedelta

from procpulse import catalog
from procpulse.cli import options as shared
from procpulse.cli import output
from procpulse.cli.say import say
from procpulse.cli.secrets import WithoutSecrets
from procpulse.comparer import deltas
from procpulse.delta import Delta
from procpulse.recording import Later, NotARecording, Replay, replay
from procpulse.snapshot import Snapshot

EXAMPLES = """\
examples:
  procpulse replay host.ppr --format table               what stream would have shown
  procpulse replay host.ppr --speed 10                   ten times as fast as it was
  procpulse replay host.ppr --from 14:30 --to 14:35
  procpulse replay host.ppr --from 2026-11-24T14:30
  procpulse replay host.ppr --format csv --rows processes > processes.csv
  procpulse replay host-*.ppr host.ppr --emit usage | jq .usage.cpu.busy_ratio
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="recordings, the oldest first")
    parser.add_argument("--speed", metavar="X", type=speed, help="times as fast as recorded (default: at once)")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        type=moment,
        help="leave out what was before: 2026-11-24T14:30, 14:30 on the day of its first tick, or seconds since 1970",
    )
    parser.add_argument("--to", dest="end", metavar="TIME", type=moment, help="leave out what was after")
    parser.add_argument("--count", metavar="N", type=shared.some, default=0, help="end after so many")
    shared.add_limit(parser)
    shared.add_raw_arguments(parser)
    output.add_form(parser)


def speed(text: str) -> float:
    """How many times as fast: 1, 0.5, 10, 10x."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)x?", text)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f"not a speed: {text!r}; write 1, 0.5 or 10")
    return float(match[1])


def moment(text: str) -> float | timedelta:
    """A moment in seconds since 1970, by the local clock; or how long after midnight it is."""
    if re.fullmatch(r"[0-9]{5,11}(\.[0-9]+)?", text):
        return float(text)
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", text)
    if match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"not a time: {text!r}; write 2026-11-24T14:30 or 14:30") from None


def run(options: argparse.Namespace) -> int:
    """Print the ticks of recordings; return the exit code."""
    return asyncio.run(_show(options))


async def _show(options: argparse.Namespace) -> int:
    ticks = _Recorded(options)
    code = await output.show(ticks, options)
    return code or ticks.code


class _Recorded:
    """The ticks of recordings, one file after the other.

    Attributes:
        code: The exit code that the files deserve, so far.
    """

    recorded = True

    def __init__(self, options: argparse.Namespace):
        self._options = options
        self.code = 0

    async def names(self) -> Collection[str]:
        """The sources that the first tick of the first recording has."""
        try:
            async with replay(self._options.files[0], limit=self._options.limit) as recording:
                async for snapshot in recording:
                    return {*snapshot.values, *(name for name in snapshot.failures if "/" not in name)}
        except (NotARecording, Later) as error:
            raise shared.Refused(str(error)) from None
        return catalog.modules()  # a recording without a tick has no rows, whatever they are of

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """What changed from one tick to the next."""
        async with aclosing(self.snapshots()) as snapshots:
            async for delta in deltas(snapshots):
                yield delta

    async def snapshots(self) -> AsyncGenerator[Snapshot, None]:
        """Each as it was taken."""
        midnight: float | None = None
        hidden = None if self._options.raw_arguments else WithoutSecrets()
        empty = True
        for path in self._options.files:
            try:
                times = (self._options.start, self._options.end)
                if midnight is None and any(isinstance(time, timedelta) for time in times):
                    midnight = await _midnight(path)
                start, end = (_on(midnight, time) for time in times)
                options = self._options
                async with replay(path, options.speed, start=start, end=end, limit=options.limit) as recording:
                    async for snapshot in recording:
                        empty = False
                        yield snapshot if hidden is None else hidden(snapshot)
                    self._report(path, recording)
            except (NotARecording, Later) as error:
                raise shared.Refused(str(error)) from None
        if empty:
            await self._tell_of_nothing()

    async def _tell_of_nothing(self) -> None:
        """Say that nothing was shown, and when the recording began: a time of another day looks like an empty file."""
        path = self._options.files[0]
        first = await _first(path)
        if first is None:
            say(f"{path}: no tick")
        else:
            began = datetime.fromtimestamp(first).isoformat(timespec="seconds")
            say(f"{path}: no tick in that time; the first is of {began}")

    def _report(self, path: str, recording: Replay) -> None:
        if not recording.damaged:
            return
        self.code = 6
        left = "1 damaged place was" if recording.damaged == 1 else f"{recording.damaged} damaged places were"
        for damage in recording.damages[:10]:
            say(f"{path}: {damage}")
        say(f"{path}: {left} left out")


async def _midnight(path: str) -> float | None:
    """When the day of the first tick of a recording began, by the local clock."""
    first = await _first(path)
    if first is None:
        return None
    return datetime.fromtimestamp(first).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


async def _first(path: str) -> float | None:
    """When the first tick of a recording was, in seconds since 1970; None where it has none."""
    async with replay(path) as recording:
        async for snapshot in recording:
            return snapshot.time
    return None


def _on(midnight: float | None, time: float | timedelta | None) -> float | None:
    return (midnight or 0) + time.total_seconds() if isinstance(time, timedelta) else time
