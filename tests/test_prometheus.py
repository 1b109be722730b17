"""Metrics: names, values and labels from the field metadata; the official parser and promtool agree; never too many."""

import subprocess
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from procpulse import Failure, Host, Reason, Sampler, Snapshot
from procpulse.encode import prometheus
from procpulse.encode.process_groups import BURST, MOST_NAMES, OTHER
from procpulse.encode.prometheus import Collector, Groups, columns, families, tidy
from procpulse.encode.schema import every_source, records
from procpulse.fields import counter, gauge, info, label
from procpulse.sources import LOADAVG, MEMINFO, PROCESSES, STAT, processes
from procpulse.sources.proc.pid_io import PidIo
from procpulse.sources.proc.pid_stat import PID_STAT, PidStat
from procpulse.text import inert
from procpulse.web import publish
from tests.conftest import program, roots, trees
from tests.web import application, client

HOST = Host(ticks_per_second=250, page_size=16384)


class Inner(msgspec.Struct, frozen=True):
    name: Annotated[str, label("Name of the inner row.")]
    waited_us: Annotated[int, counter("Time waited.")]


class Row(msgspec.Struct, frozen=True):
    name: Annotated[str, label("Name of the row.")]
    model: Annotated[str | None, info("Model.")]
    cpu_ticks: Annotated[int, counter("CPU time.")]
    shared_pages: Annotated[int | None, gauge("Memory that is shared.")]
    temp_mc: Annotated[int, gauge("Temperature.")]
    events: Annotated[dict[str, int], counter("Events by kind.")]
    inner: Annotated[list[Inner], gauge("x")] = []


def snapshot(values: dict[str, Any], seq: int = 0, **more: Any) -> Snapshot:
    return Snapshot(seq=seq, time=5.0, monotonic_ns=seq * 10**9, host=HOST, values=values, **more)


def samples(found: dict[str, Metric]) -> dict[str, float]:
    """Values by name and labels, as they stand in the text."""
    shown = {}
    for family in found.values():
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            shown[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return shown


def of(found: dict[str, float], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}


def test_a_row() -> None:
    row = Row("a", "M1", 500, 2, 45500, {"x": 1, "y": 2})
    assert of(samples(families(snapshot({"things": [row]}))), "procpulse_things_") == {
        "cpu_seconds_total{name=a}": 2.0,
        "shared_bytes{name=a}": 32768.0,
        "temp_celsius{name=a}": 45.5,
        "events_total{key=x,name=a}": 1.0,
        "events_total{key=y,name=a}": 2.0,
        "info{model=M1,name=a}": 1.0,
    }


def test_what_is_none_is_absent() -> None:
    found = of(samples(families(snapshot({"things": [Row("a", None, 0, None, 0, {})]}))), "procpulse_things_")
    assert found == {"cpu_seconds_total{name=a}": 0.0, "temp_celsius{name=a}": 0.0}


def test_what_could_not_be_read() -> None:
    failures = {
        "swaps": Failure(Reason.MISSING, "/proc/swaps"),
        "things/temp": Failure(Reason.TIMEOUT, "/sys/x", "", 3),
    }
    found = of(samples(families(snapshot({"things": []}, failures=failures))), "procpulse_source_")
    assert found == {
        "up{source=things}": 1.0,
        "up{source=swaps}": 0.0,
        "failed_parts{reason=missing,source=swaps}": 1.0,
        "failed_parts{reason=timeout,source=things}": 3.0,
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("procpulse_meminfo_huge_pages_total", "procpulse_meminfo_huge_pages_all"),
        ("procpulse_net_tcp_summary_sockets", "procpulse_net_tcp_sums_sockets"),
        ("procpulse_meminfo_s_reclaimable_bytes", "procpulse_meminfo_sreclaimable_bytes"),
        ("procpulse_x_count", "procpulse_x_number"), ("procpulse_x_h", "procpulse_xh"), ("procpulse_stat_cpu", "procpulse_stat_cpu"),
    ],
)  # fmt: skip
def test_names_that_prometheus_keeps_for_itself(name: str, found: str) -> None:
    assert tidy(name) == found


def test_no_two_fields_share_a_name() -> None:
    for record in sorted(set(records(source.type for source in every_source())), key=lambda record: record.__name__):
        names = [tidy(f"x_{column.name}") for column in columns(record, 100, 4096)]
        assert len(names) == len(set(names)), record


def test_rows_that_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MOST_SAMPLES", 10)
    rows = [Row(str(number), None, 0, None, 0, {}) for number in range(100)]
    found = samples(families(snapshot({"things": rows})))
    assert len(of(found, "procpulse_things_cpu")) == 5
    assert found["procpulse_source_left_out_rows{source=things}"] == 95


# The judges.


def check(collector: Any) -> None:
    """Both official parsers take it, and promtool finds nothing."""
    text, open_text = generate_latest(collector), generate_openmetrics(collector)
    ours = {
        (s.name, tuple(sorted(s.labels.items()))): s.value for family in collector.collect() for s in family.samples
    }
    for found in (parse_text(text.decode()), parse_openmetrics(open_text.decode())):
        theirs = {(s.name, tuple(sorted(s.labels.items()))): s.value for family in found for s in family.samples}
        assert theirs.keys() == ours.keys()
    judged = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, timeout=60, check=False
    )
    assert (judged.returncode, judged.stdout + judged.stderr) == (0, b"")


class Still(Collector):
    """A collector of one snapshot."""

    def __init__(self, snapshot: Snapshot):
        super().__init__(newest=lambda: snapshot)


@pytest.mark.parametrize("tree", trees(), ids=lambda tree: tree.name)
def test_every_tree_of_fixtures(tree: Path) -> None:
    sources = [processes("io") if source.name == "processes" else source for source in every_source()]
    sampler = Sampler(sources, roots=roots(tree))
    found = sampler.sample_sync()
    sampler.close()
    # Rows without end are tested by themselves; here is for names.
    check(Still(found))


def test_this_host() -> None:
    sampler = Sampler(publish.default_sources(False))
    check(Still(sampler.sample_sync()))
    sampler.close()


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30))
def test_s11_any_name_is_a_label(one: bytes, two: bytes) -> None:
    row = Row(inert(one), inert(two), 1, 1, 1, {inert(one): 1})
    found = snapshot({"things": [row]})
    text = generate_latest(Still(found)).decode()
    [temperature] = [family for family in parse_text(text) if family.name == "procpulse_things_temp_celsius"]
    assert temperature.samples[0].labels == {"name": inert(one)}
    [_] = [f for f in parse_openmetrics(generate_openmetrics(Still(found)).decode()) if f.name == temperature.name]


# Processes.

BLANK: PidStat = PID_STAT.understand(b"1 (x) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 4096 1 0\n", HOST)  # type: ignore[assignment]


def process(pid: int, comm: str, ticks: int = 0, rss: int = 1, identity: int = 1, **more: Any) -> Any:
    stat = msgspec.structs.replace(BLANK, comm=comm, user_ticks=ticks, rss_bytes=rss, num_threads=2)
    kind = processes("io").row if more else PROCESSES.row
    return kind(pid, identity, stat, *more.values())


def taken(groups: Groups, *rows: Any, seq: int = 0) -> dict[str, float]:
    groups.update(snapshot({"processes": {row.pid: row for row in rows}}, seq))
    return of(samples(groups.families(HOST)), "procpulse_process_group_")


def test_processes_are_added_up_by_name() -> None:
    groups = Groups()
    found = taken(groups, process(1, "a", 250), process(2, "a", 500), process(3, "b"))
    assert found["cpu_seconds_total{name=a}"] == 0, "from now on"
    assert found["processes{name=a}"] == 2
    assert found["threads{name=a}"] == 4
    assert found["resident_bytes{name=b}"] == 1
    found = taken(groups, process(1, "a", 500), process(2, "a", 1000), process(4, "b", 125), seq=1)
    assert found["cpu_seconds_total{name=a}"] == 3
    assert found["cpu_seconds_total{name=b}"] == 0.5, "one that is new counts from its start"
    assert found["processes{name=b}"] == 1
    found = taken(groups, process(2, "a", 1000), seq=2)
    assert found["cpu_seconds_total{name=a}"] == 3, "it never falls"
    assert found["processes{name=b}"] == 0


def test_a_pid_that_was_reused_is_another_process() -> None:
    groups = Groups()
    taken(groups, process(1, "a", 1000))
    assert taken(groups, process(1, "a", 250, identity=2), seq=1)["cpu_seconds_total{name=a}"] == 1
    groups.restart()
    found = taken(groups, process(1, "a", 500, identity=3), seq=2)
    assert found["cpu_seconds_total{name=a}"] == 2, "of another sampler, and the same by its start"
    assert taken(groups, process(1, "a", 750, identity=3), seq=3)["cpu_seconds_total{name=a}"] == 3
    assert taken(groups, process(1, "a", 9999, identity=3), seq=3)["cpu_seconds_total{name=a}"] == 3, "the same again"


def test_input_and_output() -> None:
    def io(read: int) -> PidIo:
        return PidIo(0, 0, 0, 0, read, 0, 0)

    groups = Groups()
    taken(groups, process(1, "a", io=io(100)), process(2, "b", io=None))
    found = taken(groups, process(1, "a", io=io(4196)), process(2, "b", io=None), seq=1)
    assert found["read_bytes_total{name=a}"] == 4096
    assert found["read_bytes_total{name=b}"] == 0


def test_s12_names_without_end_are_other() -> None:
    now = [0.0]
    groups = Groups(clock=lambda: now[0])
    names: set[str] = set()
    for seq in range(30):
        rows = [process(pid, f"bomb{seq}-{pid}", 250 * (pid == 7), identity=seq * 1000 + pid) for pid in range(100)]
        found = taken(groups, *rows, process(5000, "init", seq * 250), seq=seq)
        shown = {name.partition("name=")[2].rstrip("}") for name in found if name.startswith("cpu_seconds")}
        names |= shown
        assert len(shown) <= MOST_NAMES + 1
        assert sum(value for name, value in found.items() if name.startswith("processes")) == 101
    assert len(names) <= MOST_NAMES + 1 + BURST, "however often they rename themselves"
    assert {"init", OTHER} <= names
    now[0] = 4000
    others = found["cpu_seconds_total{name=other}"]
    found = taken(groups, process(1, "fresh"), process(5000, "init", 7500), seq=100)
    assert found["cpu_seconds_total{name=other}"] == others, "what was scraped of the others is not counted again"
    assert "cpu_seconds_total{name=fresh}" in found
    assert len([name for name in found if name.startswith("cpu_seconds")]) == 3, "an hour later there is room again"


def test_the_greatest_first() -> None:
    groups = Groups(most=2)
    rows = [process(pid, f"p{pid}", rss=pid) for pid in range(50)]
    found = taken(groups, *rows)
    assert {name for name in found if name.startswith("processes")} == {
        "processes{name=p0}", "processes{name=p49}", "processes{name=other}",
    }  # fmt: skip


def test_a_process_called_other_is_among_the_others() -> None:
    groups = Groups()
    found = taken(groups, process(1, OTHER))
    assert found["processes{name=other}"] == 1


def test_by_control_group() -> None:
    groups = Groups(by="cgroup")
    table = processes("cgroup")
    sampler = Sampler([table])
    groups.update(sampler.sample_sync())
    sampler.close()
    found = samples(groups.families(HOST))
    assert any("cgroup=" in name for name in found)
    with pytest.raises(ValueError, match="by name or cgroup"):
        Groups(by="user")


# In a service's own registry, and in ours.


def test_a_registry_of_a_service() -> None:
    with pytest.raises(TypeError, match="either"):
        Collector()
    sampler = Sampler([STAT, LOADAVG, PROCESSES])
    registry = CollectorRegistry()
    registry.register(Collector(sampler))
    assert registry.get_sample_value("procpulse_loadavg_load1") is not None
    text = generate_latest(registry).decode()
    assert "procpulse_stat_cpu_user_seconds_total" in text
    assert 'procpulse_process_group_processes{name="' in text
    sampler.close()
    assert not list(Collector(newest=lambda: None).collect())


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "text/plain; version=0.0.4"), ("*/*", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "application/openmetrics-text; version=1.0.0"),
    ],
)  # fmt: skip
async def test_metrics_of_a_server(accept: str, media: str) -> None:
    app = application(sources=[MEMINFO, LOADAVG])
    async with client(app) as web:
        answer = await web.get("/metrics", headers={"accept": accept})
        assert answer.headers["content-type"].startswith(media)
        parse = parse_openmetrics if media.startswith("application") else parse_text
        found = {family.name: family for family in parse(answer.text)}
        assert found["procpulse_meminfo_mem_total_bytes"].samples[0].value > 0
        assert "procpulse_web_clients" in found
        assert found["procpulse_process_group_processes"].samples
        assert (await web.get("/metrics?x=1")).status_code == 400
    await app.hub.stop()


async def test_a_tick_is_turned_into_metrics_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = application(sources=[LOADAVG], interval=60.0)
    calls = []
    real = prometheus.families
    monkeypatch.setattr(prometheus, "families", lambda found: calls.append(1) or real(found))
    async with client(app) as web:
        answers = [await web.get("/metrics") for _ in range(5)]
    assert len({answer.content for answer in answers}) == 1
    assert len(calls) == 1
    await app.hub.stop()


def test_labels_are_bounded() -> None:
    row = Row("n" * 1000, None, 1, 1, 1, {})
    [family] = [f for f in families(snapshot({"things": [row]})).values() if f.name == "procpulse_things_temp_celsius"]
    assert len(family.samples[0].labels["name"]) == 200
