"""A process is the same one for whoever reads it: for two samplers, a recording, the client of a server."""

from pathlib import Path
from typing import Any

import pytest

from procpulse import Roots, Sampler, Snapshot, difference
from procpulse.encode import json, msgpack
from procpulse.recording import Recorder, replay
from procpulse.sources import PROCESSES, processes
from procpulse.web.client import stream
from tests.faults.making import child
from tests.web import application, served


def sampled(*parts: str, threads: bool = False, roots: Roots | None = None) -> Snapshot:
    """What a sampler of its own sees."""
    sampler = Sampler([processes(*parts, threads=threads)], roots=roots)
    try:
        return sampler.sample_sync()
    finally:
        sampler.close()


def identities(snap: Snapshot) -> dict[int, int]:
    return {pid: row.identity for pid, row in snap[PROCESSES].items()}


def test_two_samplers_of_this_host() -> None:
    first, second = sampled("stat", threads=True), sampled("stat", threads=True)
    both = first[PROCESSES].keys() & second[PROCESSES].keys()
    delta = difference(first, second)
    assert set(delta[PROCESSES]) == both, "also those that another sampler met in another order"
    assert set(delta.usage.processes) == both
    for pid in both:
        assert first[PROCESSES][pid].stat.start_ticks == second[PROCESSES][pid].stat.start_ticks
        before, after = first[PROCESSES][pid].threads, second[PROCESSES][pid].threads
        if before and after:
            assert delta[PROCESSES][pid].threads.keys() == before.keys() & after.keys()


def test_a_sampler_in_another_process() -> None:
    there = child(
        """
        from procpulse import Sampler
        from procpulse.sources import PROCESSES
        import json
        print(json.dumps({pid: row.identity for pid, row in Sampler([PROCESSES]).sample_sync()[PROCESSES].items()}))
        """
    )
    here = identities(sampled("stat"))
    assert len(there.keys() & {str(pid) for pid in here}) > 1
    assert all(there[str(pid)] == identity for pid, identity in here.items() if str(pid) in there)


async def test_a_recording_and_the_client_of_a_server(tmp_path: Path) -> None:
    live = sampled("io")
    async with Recorder(tmp_path / "host.ppr") as recorder:
        await recorder.write(live)
    [recorded] = [snap async for snap in replay(tmp_path / "host.ppr")]
    app = application(sources=[PROCESSES])
    async with served(app) as place:
        snapshots = stream(f"http://{place}/")
        remote = await anext(snapshots)
        await snapshots.aclose()
    later = sampled("stat")
    for snap in (recorded, remote, json.decode(json.encode(live)), msgpack.decode(msgpack.encode(live))):
        mine, theirs = identities(later), identities(snap)
        both = mine.keys() & theirs.keys()
        assert len(both) > 1
        assert all(mine[pid] == theirs[pid] for pid in both)
    assert set(difference(remote, later)[PROCESSES]) == identities(remote).keys() & identities(later).keys()


def process(root: Path, pid: int, start: int, user: int) -> None:
    folder = root / f"proc/{pid}"
    folder.mkdir(parents=True, exist_ok=True)
    numbers: list[Any] = [1, 1, 1, 0, -1, 0, 0, 0, 0, 0, user, 0, 0, 0, 20, 0, 1, 0, start, 4096, 2, 99, *[0] * 27]
    (folder / "stat").write_text(f"{pid} (worker) S {' '.join(map(str, numbers))}\n")


def test_another_process_of_the_same_pid_is_another_one_for_another_sampler(tmp_path: Path) -> None:
    roots = []
    for name in ("before", "after"):
        (tmp_path / name / "sys").mkdir(parents=True)
        roots.append(Roots(str(tmp_path / name / "proc"), str(tmp_path / name / "sys")))
    # Each sampler meets them in another order, and as many.
    for pid, start, user in ((10, 500, 5), (20, 700, 90), (30, 900, 4)):
        process(tmp_path / "before", pid, start, user)
    for pid, start, user in ((20, 700, 95), (30, 1000, 800), (10, 500, 7), (5, 100, 1)):
        process(tmp_path / "after", pid, start, user)
    before, after = (sampled("stat", roots=root) for root in roots)
    delta = difference(before, after)
    assert {pid: row.stat.user_ticks for pid, row in delta[PROCESSES].items()} == {10: 2, 20: 5}
    assert delta.resets == [], "the other pid is another process: nothing fell"


def test_the_wrong_order_is_an_error() -> None:
    before, after = sampled("stat"), sampled("stat")
    assert difference(before, after)[PROCESSES]
    with pytest.raises(ValueError, match="the first snapshot is later than the second"):
        difference(after, before)
    assert difference(before, before).values == {}
