"""What is recorded comes back: equal, in order, from any moment, after crashes, by other programs."""

import asyncio
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procpulse import Failure, Reason, Sampler, Snapshot, Source, Unavailable, catalog, counter, deltas, label
from procpulse.recording import NotARecording, Recorder, Replay, replay
from procpulse.recording import recorder as recorder_module
from procpulse.recording.frames import HEADER, MARKER, Kind, Splitter
from procpulse.recording.messages import Base, Builder, dictionary, key
from procpulse.sources import LOADAVG, PROCESSES, processes
from tests.conftest import Clock
from tests.recording.streams import START, process, snapshot, stream


async def record(path: Path, snapshots: list[Snapshot], **options: Any) -> Recorder:
    async with Recorder(path, **options) as recorder:
        for snap in snapshots:
            await recorder.write(snap)
    return recorder


async def everything(path: Path, **options: Any) -> list[Snapshot]:
    return [snap async for snap in replay(path, **options)]


def kinds(path: Path) -> str:
    splitter = Splitter()
    splitter.feed(path.read_bytes())
    return "".join(chr(frame.kind) for frame, _ in splitter.frames(last=True))


async def test_what_is_recorded_comes_back(tmp_path: Path) -> None:
    snaps = stream(30)
    recorder = await record(tmp_path / "a.ppr", snaps)
    assert await everything(tmp_path / "a.ppr") == snaps
    assert recorder.ticks == 30
    assert recorder.size == (tmp_path / "a.ppr").stat().st_size
    assert kinds(tmp_path / "a.ppr") == "HKC" + "D" * 29


async def test_every_source_of_this_host(tmp_path: Path) -> None:
    sources = [source for source in catalog.sources().values() if source.name != "processes"]
    sampler = Sampler([*sources, processes("io", "cmdline", "fd_count")])
    snaps = [await sampler.sample() for _ in range(4)]
    sampler.close()
    await record(tmp_path / "a.ppr", snaps, limit=1 << 30)
    back = await everything(tmp_path / "a.ppr", limit=1 << 30)
    assert back == snaps
    assert [list(snap.values) for snap in back] == [list(snap.values) for snap in snaps]
    assert [list(snap[PROCESSES]) for snap in back] == [list(snap[PROCESSES]) for snap in snaps], (
        "rows keep their order"
    )


async def test_deltas_and_usage_of_a_recording_are_those_of_the_stream(tmp_path: Path) -> None:
    snaps = stream(12)
    await record(tmp_path / "a.ppr", snaps)

    async def live() -> Any:
        for snap in snaps:
            yield snap

    expected = [delta async for delta in deltas(live())]
    found = [delta async for delta in deltas(replay(tmp_path / "a.ppr"))]
    assert found == expected
    assert [delta.usage.rates() for delta in found] == [delta.usage.rates() for delta in expected]
    assert any(usage.cpu_ratio for usage in found[3].usage.processes.values())


async def test_what_did_not_change_is_the_same_object_again(tmp_path: Path) -> None:
    await record(tmp_path / "a.ppr", stream(3))
    first, second, third = await everything(tmp_path / "a.ppr")
    assert first.values["swaps"] is second.values["swaps"] is third.values["swaps"]
    assert first[PROCESSES][1] is third[PROCESSES][1], "an idle process"
    assert first[PROCESSES][7] is not third[PROCESSES][7], "a busy one"


class Mine(msgspec.Struct, frozen=True):
    """A record of a user."""

    name: Annotated[str, label("Name.")]
    ticks: Annotated[int, counter("Ticks.")]


MINE = Source("mine", "/proc/uptime", list[Mine], lambda file: [])


async def test_sources_of_a_user(tmp_path: Path) -> None:
    snaps = [
        msgspec.structs.replace(snap, values={"mine": [Mine(str(i), seq * (i % 2)) for i in range(30)]}, rows_ns={})
        for seq, snap in enumerate(stream(3))
    ]
    await record(tmp_path / "a.ppr", snaps)
    assert await everything(tmp_path / "a.ppr", sources=[MINE]) == snaps
    plain = await everything(tmp_path / "a.ppr")
    assert plain[2].values["mine"][1] == {"name": "1", "ticks": 2}
    assert len([delta async for delta in deltas(replay(tmp_path / "a.ppr"))]) == 2, "no reason to fall over"


async def test_rows_of_an_unknown_source_with_times_of_their_own(tmp_path: Path) -> None:
    snaps = [
        msgspec.structs.replace(snap, values={"jobs": {1: {"n": seq}}}, rows_ns={"jobs": [(snap.monotonic_ns, 1)]})
        for seq, snap in enumerate(stream(3))
    ]
    await record(tmp_path / "a.ppr", snaps)
    assert len([delta async for delta in deltas(replay(tmp_path / "a.ppr"))]) == 2


# Moments.


async def test_from_and_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "GROUP", 5)
    snaps = stream(50)
    await record(tmp_path / "a.ppr", snaps)
    assert kinds(tmp_path / "a.ppr").count("K") == 9
    for start, end in ((0, 50), (10, 20), (11.5, 11.6), (6, 6), (-5, 3), (48, 99), (60, 70), (20, 10)):
        expected = [snap for snap in snaps if START + start <= snap.time <= START + end]
        assert await everything(tmp_path / "a.ppr", start=START + start, end=START + end) == expected
    moment = datetime.fromtimestamp(START + 40, UTC)
    assert (await everything(tmp_path / "a.ppr", start=moment))[0].seq == 40


async def test_a_moment_near_the_end_does_not_read_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "GROUP", 5)
    await record(tmp_path / "a.ppr", stream(200))
    fed = []
    feed = Splitter.feed
    monkeypatch.setattr(Splitter, "feed", lambda self, data: (fed.append(len(data)), feed(self, data))[1])
    assert [snap.seq for snap in await everything(tmp_path / "a.ppr", start=START + 195)] == [195, 196, 197, 198, 199]
    assert sum(fed) < (tmp_path / "a.ppr").stat().st_size / 10


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(st.floats(-30, 30), min_size=1, max_size=40),
    bounds=st.tuples(st.floats(-50, 300), st.floats(0, 200)),
)
def test_from_and_to_whatever_the_wall_clock_did(
    tmp_path_factory: pytest.TempPathFactory, steps: list[float], bounds: tuple[float, float]
) -> None:
    path = tmp_path_factory.mktemp("recording") / "a.ppr"
    now, snaps = START, []
    for seq, step in enumerate(steps):
        now += step
        snaps.append(snapshot(seq, 3, time=now))
    group, recorder_module.GROUP = recorder_module.GROUP, 4
    try:
        asyncio.run(record(path, snaps[: len(snaps) // 2]))
        asyncio.run(record(path, snaps[len(snaps) // 2 :]))
    finally:
        recorder_module.GROUP = group
    start, end = START + bounds[0], START + bounds[0] + bounds[1]
    expected = [snap for snap in snaps if start <= snap.time <= end]
    found = asyncio.run(everything(path, start=start, end=end))
    assert [(s.seq, s.time) for s in found] == [(s.seq, s.time) for s in expected], (steps, bounds)
    assert asyncio.run(everything(path)) == snaps


async def test_speed(tmp_path: Path, clock: Clock) -> None:
    snaps = [snapshot(seq) for seq in (0, 1, 2, 5)] + [snapshot(900)]
    await record(tmp_path / "a.ppr", snaps)
    came: list[tuple[int, float]] = []
    began = clock.now_ns

    async def consume() -> None:
        async for snap in replay(tmp_path / "a.ppr", speed=2, clock=clock):
            came.append((snap.seq, (clock.now_ns - began) / 1e9))

    task = asyncio.ensure_future(consume())
    while len(came) < 1:
        await asyncio.sleep(0)
    while not task.done():
        await clock.advance(0.25)
    assert came == [(0, 0), (1, 0.5), (2, 1.0), (5, 2.5), (900, 2.5)], "a long pause is not waited for"
    with pytest.raises(ValueError, match="above 0"):
        replay(tmp_path / "a.ppr", speed=0)


# Files.


async def test_a_new_file_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        await record(tmp_path / "a.ppr", stream(1))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.ppr").stat().st_mode) == 0o600


async def test_a_file_is_continued(tmp_path: Path) -> None:
    snaps = stream(12)
    for i in range(0, 12, 4):
        await record(tmp_path / "a.ppr", snaps[i : i + 4])
    assert await everything(tmp_path / "a.ppr") == snaps
    assert kinds(tmp_path / "a.ppr") == "HKCDDD" * 3
    assert await everything(tmp_path / "a.ppr", start=START + 9) == snaps[9:], "keys of all sessions hang together"


async def test_another_boot_begins_with_a_key_and_has_no_delta_with_the_one_before(tmp_path: Path) -> None:
    snaps = [
        snapshot(0),
        snapshot(1),
        snapshot(0, time=START + 60, boot="next"),
        snapshot(1, time=START + 61, boot="next"),
    ]
    await record(tmp_path / "a.ppr", snaps)
    assert kinds(tmp_path / "a.ppr") == "HKCDKCD"
    assert await everything(tmp_path / "a.ppr") == snaps
    assert [delta.host.boot_id async for delta in deltas(replay(tmp_path / "a.ppr"))] == ["boot", "next"]


@pytest.mark.parametrize("left", [1, 7, 8, HEADER - 1, HEADER, 200, -1])
async def test_what_a_crash_tore_is_cut_off(tmp_path: Path, left: int) -> None:
    """F39: the file is good again, and no tick but the torn one is lost."""
    path = tmp_path / "a.ppr"
    snaps = stream(8)
    await record(path, snaps[:4])
    whole = path.stat().st_size
    await record(path, snaps[4:5])
    os.truncate(path, whole + left if left > 0 else path.stat().st_size + left)
    recorder = await record(path, snaps[5:])
    assert recorder.cut > 0
    recording = replay(path)
    back = [snap async for snap in recording]
    assert [snap for snap in back if snap.seq != 4] == [snap for snap in snaps if snap.seq != 4]
    assert recording.damaged == 0


async def test_a_first_frame_that_was_torn(tmp_path: Path) -> None:
    for size in (0, 3, 8, HEADER - 1, HEADER + 5):
        path = tmp_path / f"{size}.ppr"
        await record(path, stream(1))
        os.truncate(path, size)
        assert await everything(path) == []
        recorder = await record(path, stream(3))
        assert recorder.cut == size
        assert await everything(path) == stream(3)


@pytest.mark.parametrize("content", [b"precious", b"\x89PPX", MARKER[:4] + b"x" * 100, b"\n" + MARKER], ids=repr)
async def test_nothing_else_is_ever_written_to(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ppr"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(NotARecording, match="left as it is"):
        await record(path, stream(1))
    assert path.read_bytes() == content


async def test_what_is_not_sound_but_was_a_recording_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.ppr"
    path.write_bytes(MARKER + b"K" + b"damaged" * 1000)
    path.chmod(0o600)
    await record(path, stream(2))
    assert path.read_bytes().startswith(MARKER + b"Kdamaged")
    recording = replay(path)
    assert [snap async for snap in recording] == stream(2)
    assert recording.damaged == 1


async def test_links_and_others_files_are_refused(tmp_path: Path) -> None:
    """S16."""
    target = tmp_path / "target"
    await record(target, stream(1))
    (tmp_path / "soft").symlink_to(target)
    (tmp_path / "hanging").symlink_to(tmp_path / "new")
    with pytest.raises(OSError, match="symbolic links"):
        await record(tmp_path / "soft", stream(1))
    with pytest.raises(OSError, match="symbolic links"):
        await record(tmp_path / "hanging", stream(1))
    assert not (tmp_path / "new").exists()
    os.link(target, tmp_path / "hard")
    with pytest.raises(PermissionError, match="another name"):
        await record(tmp_path / "hard", stream(1))
    (tmp_path / "hard").unlink()
    target.chmod(0o622)
    with pytest.raises(PermissionError, match="everybody may write"):
        await record(target, stream(1))
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(PermissionError, match="no regular file"):
        await record(tmp_path / "fifo", stream(1))
    with pytest.raises(OSError, match="no regular file"):
        await everything(tmp_path / "fifo")
    with pytest.raises(IsADirectoryError):
        await record(tmp_path, stream(1))


@pytest.mark.parametrize(("mode", "why"), [(0o777, "everybody may write"), (0o775, "its group may write")])
async def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int, why: str) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    os.chown(folder, -1, 65534 if os.geteuid() == 0 else -1)
    folder.chmod(mode)
    if mode == 0o777 or os.geteuid() == 0:
        with pytest.raises(PermissionError, match=why):
            await record(folder / "a.ppr", stream(1))
        assert not list(folder.iterdir())
    folder.chmod(0o1777)
    await record(folder / "a.ppr", stream(1))


@pytest.mark.root
async def test_a_folder_or_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    for mode in (0o755, 0o1777):  # sticky or not: its owner can do what he likes in it
        folder.chmod(mode)
        with pytest.raises(PermissionError, match="belongs to somebody else"):
            await record(folder / "a.ppr", stream(1))
    assert not list(folder.iterdir())
    await record(tmp_path / "a.ppr", stream(1))
    os.chown(tmp_path / "a.ppr", 65534, 65534)
    with pytest.raises(PermissionError, match="belongs to somebody else"):
        await record(tmp_path / "a.ppr", stream(1))


async def test_a_recording_that_others_could_read_is_for_its_owner_alone_once_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.ppr"
    await record(path, stream(1))
    for mode in (0o644, 0o640):
        path.chmod(mode)
        await record(path, stream(1))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_only_recordings_are_deleted_whatever_other_files_are_called(tmp_path: Path) -> None:
    old = [f"host-2001010{day}T000000Z.ppr" for day in range(1, 7)]
    (tmp_path / old[0]).write_bytes(b"notes of mine")
    (tmp_path / old[1]).mkdir()
    await record(tmp_path / "precious", stream(1))
    (tmp_path / old[2]).symlink_to("precious")
    os.mkfifo(tmp_path / old[3])
    (tmp_path / old[4]).write_bytes((tmp_path / "precious").read_bytes())
    (tmp_path / old[5]).write_bytes(MARKER + b"K and nothing that is sound")
    await record(tmp_path / "host.ppr", stream(30), most_bytes=1, keep=1)
    left = set(os.listdir(tmp_path))
    assert set(old) - left == {old[4]}
    assert len([name for name in left if name.startswith("host-2") and name not in old]) == 1
    assert (tmp_path / "precious").exists()


@pytest.mark.root
async def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    await record(tmp_path / "a.ppr", stream(1))
    os.chown(tmp_path / "a.ppr", 65534, 65534)
    with pytest.raises(PermissionError, match="somebody else"):
        await record(tmp_path / "a.ppr", stream(1))


async def test_two_recorders_of_one_file(tmp_path: Path) -> None:
    async with Recorder(tmp_path / "a.ppr") as first:
        await first.write(snapshot(0))
        with pytest.raises(BlockingIOError, match="another recorder"):
            await record(tmp_path / "a.ppr", stream(1))
        await first.write(snapshot(1))
    assert await everything(tmp_path / "a.ppr") == stream(2)


async def test_rotation(tmp_path: Path) -> None:
    snaps = stream(40)
    recorder = await record(tmp_path / "host.ppr", snaps, most_seconds=10, keep=2)
    assert recorder.ticks == 40
    files = sorted(os.listdir(tmp_path))
    assert files == ["host-20251009T085330Z.ppr", "host-20251009T085340Z.ppr", "host.ppr"]
    found = [snap for name in files for snap in await everything(tmp_path / name)]
    assert found == snaps[10:]
    (tmp_path / "host-notes.ppr").write_text("mine")
    await record(tmp_path / "host.ppr", stream(30), most_bytes=1, keep=1)
    names = set(os.listdir(tmp_path))
    assert "host-notes.ppr" in names, "nothing is deleted but what rotation made"
    assert len(names) == 3


async def test_a_full_disk_costs_one_tick(tmp_path: Path) -> None:
    """A write that fails half way leaves nothing behind, and the next one succeeds."""
    snaps = stream(6)
    async with Recorder(tmp_path / "a.ppr") as recorder:
        for snap in snaps[:2]:
            await recorder.write(snap)
        file, recorder._file = recorder._file, _Full(recorder._file)
        for snap in snaps[2:4]:
            with pytest.raises(OSError, match="No space left"):
                await recorder.write(snap)
        recorder._file = file
        for snap in snaps[4:]:
            await recorder.write(snap)
    recording = replay(tmp_path / "a.ppr")
    assert [snap async for snap in recording] == snaps[:2] + snaps[4:]
    assert recording.damaged == 0
    assert await everything(tmp_path / "a.ppr", start=START + 1) == [snaps[1], *snaps[4:]]


class _Full:
    """A file on a disk that has room for ten bytes more."""

    def __init__(self, file: Any):
        self._file = file
        self._room = 10

    async def write(self, data: Any) -> int:
        if not self._room:
            raise OSError(28, "No space left on device")
        room, self._room = self._room, 0
        return int(await self._file.write(data[:room]))

    async def truncate(self, size: int) -> None:
        self._room = 10
        await self._file.truncate(size)


@pytest.mark.parametrize("turns", range(8))
async def test_a_write_that_is_cancelled_is_whole_or_not_there(tmp_path: Path, turns: int) -> None:
    async with Recorder(tmp_path / "a.ppr") as recorder:
        await recorder.write(snapshot(0))
        task = asyncio.ensure_future(recorder.write(snapshot(1)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await recorder.write(snapshot(2))
    recording = replay(tmp_path / "a.ppr")
    assert [snap.seq async for snap in recording] in ([0, 2], [0, 1, 2])
    assert recording.damaged == 0


async def test_use_outside_of_its_block(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.ppr")
    with pytest.raises(RuntimeError, match="not open"):
        await recorder.write(snapshot(0))
    async with recorder:
        await recorder.write(snapshot(0))
        with pytest.raises(RuntimeError, match="open already"):
            await recorder.__aenter__()
    await recorder.close()
    with pytest.raises(RuntimeError, match="not open"):
        await recorder.write(snapshot(0))
    for bad in ({"most_bytes": 0}, {"most_seconds": -1}, {"keep": 0}):
        with pytest.raises(ValueError, match="above 0"):
            Recorder(tmp_path / "a.ppr", **bad)  # type: ignore[arg-type]


async def test_a_snapshot_that_replay_would_refuse_is_refused(tmp_path: Path) -> None:
    async with Recorder(tmp_path / "a.ppr", limit=1 << 20) as recorder:
        await recorder.write(snapshot(0))
        with pytest.raises(ValueError, match="too large"):
            await recorder.write(snapshot(1, pids=2000))
        await recorder.write(snapshot(2))
    assert [snap.seq for snap in await everything(tmp_path / "a.ppr", limit=1 << 20)] == [0, 2]


async def test_a_reader_that_leaves_early_leaves_nothing_open(tmp_path: Path) -> None:
    await record(tmp_path / "a.ppr", stream(5))
    before = len(os.listdir("/proc/self/fd"))
    async with replay(tmp_path / "a.ppr") as recording:
        async for _ in recording:
            break
        assert isinstance(recording, Replay)
        assert recording.session is not None
        assert recording.session.sources == ["loadavg", "swaps", "processes"]
    assert len(os.listdir("/proc/self/fd")) == before


async def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await everything(tmp_path / "a.ppr")
    with pytest.raises(FileNotFoundError):
        await record(tmp_path / "no" / "a.ppr", stream(1))
    (tmp_path / "b.ppr").write_bytes(b"x" * 5000)
    with pytest.raises(NotARecording):
        await everything(tmp_path / "b.ppr")


# Messages.


def there_and_back(base: Snapshot, after: Snapshot) -> Snapshot:
    builder = Builder()
    message = key(base)
    assert builder.key(message.data) == base
    assert builder.dictionary == dictionary(message.pieces)
    return builder.difference(Base(base).difference(after).data)


def test_a_difference_holds_what_changed_and_nothing_else() -> None:
    small = len(Base(snapshot(0, 200)).difference(snapshot(1, 200)).data)
    assert small < len(key(snapshot(1, 200)).data) / 4


def test_values_come_and_go() -> None:
    base, after = snapshot(0), snapshot(3)
    fewer = msgspec.structs.replace(after, values={"loadavg": after[LOADAVG]}, rows_ns={}, failures={})
    assert there_and_back(base, fewer) == fewer
    assert there_and_back(fewer, msgspec.structs.replace(after, seq=9, monotonic_ns=1 << 50)) is not None
    more = msgspec.structs.replace(after, failures={"swaps": Failure(Reason.DENIED, "/proc/swaps", "EACCES", 2)})
    assert there_and_back(base, more) == more


rows = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), unique_by=lambda row: row[0], max_size=50)


@settings(max_examples=200, deadline=None)
@given(before=rows, after=rows, sorted_=st.booleans(), listed=st.booleans())
def test_any_table_comes_back(
    before: list[tuple[int, int]], after: list[tuple[int, int]], sorted_: bool, listed: bool
) -> None:
    def made(seq: int, chosen: list[tuple[int, int]]) -> Snapshot:
        chosen = sorted(chosen) if sorted_ else chosen
        table: Any = {pid: process(pid, ticks) for pid, ticks in chosen}
        if listed:
            from procpulse.sources.proc.swaps import Swap

            table = [Swap(f"/dev/sd{pid}", "partition", 1 << 30, ticks, -2) for pid, ticks in chosen]
        return msgspec.structs.replace(snapshot(seq), values={"swaps" if listed else "processes": table}, rows_ns={})

    base, later = made(0, before), made(1, after)
    back = there_and_back(base, later)
    assert back == later
    if not listed:
        assert list(back[PROCESSES]) == list(later[PROCESSES])


async def test_a_value_that_does_not_fit_this_version_costs_its_own_source(tmp_path: Path) -> None:
    odd = msgspec.structs.replace(snapshot(0), values={**snapshot(0).values, "loadavg": {"load1": "high"}})
    await record(tmp_path / "a.ppr", [odd, snapshot(1)])
    first, second = await everything(tmp_path / "a.ppr")
    assert second == snapshot(1)
    assert first[PROCESSES] == odd[PROCESSES]
    with pytest.raises(Unavailable, match="does not fit this version"):
        first[LOADAVG]


async def test_all_frames_of_a_session_say_what_they_are(tmp_path: Path) -> None:
    await record(tmp_path / "a.ppr", stream(3))
    splitter = Splitter()
    splitter.feed((tmp_path / "a.ppr").read_bytes())
    found = [frame for frame, _ in splitter.frames(last=True)]
    key_at = found[1].offset
    assert [frame.kind for frame in found] == [Kind.HEAD, Kind.KEY, Kind.COPY, Kind.DIFFERENCE, Kind.DIFFERENCE]
    assert [frame.offset - frame.back for frame in found[2:]] == [key_at] * 3
    assert [frame.time_us for frame in found[1:]] == [round((START + t) * 1e6) for t in (0, 0, 1, 2)]
