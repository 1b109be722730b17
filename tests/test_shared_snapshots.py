"""What several consumers share, none of them can change; sources go through pickle; names that are wrong get a hint."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import msgspec
import pytest

from procpulse import Sampler, Snapshot, Source, catalog, difference, read_sync
from procpulse.encode import json, msgpack
from procpulse.redact import Arguments
from procpulse.source import File
from procpulse.sources import LOADAVG, MEMINFO, NET_DEV, STAT, cgroup, processes, sysctl
from procpulse.sources.proc.processes import showing

CHANGES: list[Callable[[dict[Any, Any]], Any]] = [
    lambda found: found.clear(),
    lambda found: found.pop(next(iter(found), "x")),
    lambda found: found.popitem(),
    lambda found: found.update(x=1),
    lambda found: found.setdefault("x", 1),
    lambda found: found.__setitem__("x", 1),
    lambda found: found.__delitem__(next(iter(found), "x")),
    lambda found: found.__ior__({"x": 1}),
]


@pytest.fixture
async def pair() -> tuple[Snapshot, Snapshot]:
    """Two ticks of a stream."""
    async with Sampler([STAT, MEMINFO, LOADAVG, processes("io")]) as sampler:
        stream = sampler.stream(0.05)
        return await stream.__anext__(), await stream.__anext__()


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_changes_what_all_have(change: Callable[[dict[Any, Any]], Any], pair: tuple[Snapshot, Snapshot]) -> None:
    delta = difference(*pair)
    for found in (pair[1].values, pair[1].read_ns, pair[1].failures, pair[1].rows_ns, delta.values, delta.elapsed_ns):
        before = dict(found)
        with pytest.raises(TypeError, match="shared by all"):
            change(found)
        assert found == before


def test_it_is_a_dict_in_every_other_way(pair: tuple[Snapshot, Snapshot]) -> None:
    snapshot = pair[1]
    assert isinstance(snapshot.values, dict)
    assert type(snapshot.values | {"x": 1}) is dict
    assert dict(snapshot.values) == snapshot.values
    for again in (
        pickle.loads(pickle.dumps(snapshot)),
        copy.deepcopy(snapshot),
        msgspec.structs.replace(snapshot, seq=9),
    ):
        assert again.values == snapshot.values
        with pytest.raises(TypeError):
            again.values.clear()
    assert json.decode(json.encode(snapshot)).values == snapshot.values
    assert msgpack.decode(msgpack.encode(snapshot)).values == snapshot.values
    delta = difference(*pair)
    assert json.decode_delta(json.encode(delta)).values == delta.values


def test_a_single_sample_is_ones_own() -> None:
    sampler = Sampler([LOADAVG, MEMINFO])
    first, second = sampler.sample_sync(), sampler.sample_sync()
    sampler.close()
    delta = difference(first, second)
    first.values.clear()
    delta.values.clear()
    assert MEMINFO in second


async def test_two_consumers_of_one_stream() -> None:
    async with Sampler([LOADAVG]) as sampler:
        one, two = sampler.stream(0.05), sampler.stream(0.05)
        first = await one.__anext__()
        with pytest.raises(TypeError):
            first.values.clear()
        assert LOADAVG in await two.__anext__()


# Pickle.


@pytest.mark.parametrize("name", catalog.modules())
def test_every_source_is_found_again(name: str) -> None:
    source = catalog.source(name)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(source, protocol)) is source
    assert copy.deepcopy(source) is source


@pytest.mark.parametrize(
    "source",
    [
        processes("io"), processes("io", "status", threads=True), processes(threads=["stat"]), processes("maps", rss_limit_bytes=9),
        processes("cmdline", arguments="redacted"), showing(processes("environ", threads=True), Arguments.NAMES),
    ],
)  # fmt: skip
def test_processes_are_made_again(source: Source[Any]) -> None:
    assert pickle.loads(pickle.dumps(source)) is source


def test_other_sources_to_order_are_made_again() -> None:
    groups = pickle.loads(pickle.dumps(cgroup("/a.slice", depth=2, most=7, cadence=3.0)))
    assert (groups.below, groups.depth, groups.most, groups.cadence) == (("/a.slice",), 2, 7, 3.0)
    settings = pickle.loads(pickle.dumps(sysctl("vm.swappiness", "kernel.pid_max")))
    assert settings.paths == {"vm.swappiness": "vm/swappiness", "kernel.pid_max": "kernel/pid_max"}


def first_word(file: File) -> str:
    return file.data.split()[0].decode()


def test_one_of_ones_own_is_too() -> None:
    mine = pickle.loads(pickle.dumps(Source("mine", "/proc/version", str, first_word)))
    assert (mine.name, read_sync(mine)) == ("mine", "Linux")
    named_alike = pickle.loads(pickle.dumps(Source("version", "/proc/version", str, first_word)))
    assert read_sync(named_alike) == "Linux", "not the one of the catalogue"


def test_in_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        rows = pool.submit(read_sync, processes("io")).result(timeout=60)
    assert rows[1].stat is not None
    assert rows[1].pid == 1


# Hints.


def test_a_misspelt_import_gets_a_hint() -> None:
    with pytest.raises(ImportError, match="did you mean MEMINFO"):
        exec("from procpulse.sources import MEMINF")
    with pytest.raises(ImportError, match="did you mean NET_DEV"):
        exec("from procpulse.sources import LOADAVG, NET_DE as x")
    import procpulse.sources

    with pytest.raises(AttributeError, match="did you mean MEMINFO"):
        procpulse.sources.MEMINF  # noqa: B018
    assert not hasattr(procpulse.sources, "MEMINF")
    assert getattr(procpulse.sources, "MEMINF", None) is None
    with pytest.raises(ImportError, match="cannot import name '__nothing__'"):
        exec("from procpulse.sources import __nothing__")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("meminfo", "pass MEMINFO, from procpulse.sources"), ("MEMINF", "did you mean MEMINFO"), ("net_de", "NET_DEV"),
        ("qqqqq", "pass one, such as MEMINFO"), (7, "is not a source"),
    ],
)  # fmt: skip
def test_a_name_instead_of_a_source_gets_a_hint(key: Any, hint: str, pair: tuple[Snapshot, Snapshot]) -> None:
    for found in (pair[1], difference(*pair)):
        for ask in (found.__getitem__, found.get, found.__contains__):
            with pytest.raises(TypeError, match=hint):
                ask(key)
    with pytest.raises(TypeError, match=hint):
        difference(*pair).seconds(key)
    assert NET_DEV not in pair[1]
