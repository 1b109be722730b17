from pathlib import Path

import pytest

from procpulse import Failure, Reason, Roots, Sampler
from procpulse.sources import SYSCTL, sysctl
from procpulse.sources.proc.sysctl import Sysctl
from tests.cases import failure, read, reading

CASES = [
    pytest.param(b"60\n", 60, id="a number"),
    pytest.param(b"-1\n", -1, id="a number below 0"),
    pytest.param(b"0\n", 0, id="nothing of it"),
    pytest.param(b"18446744073709551615\n", 18446744073709551615, id="a number of 64 bits"),
    pytest.param(b"18446744073709551616\n", "18446744073709551616", id="more than 64 bits"),
    pytest.param(b"32768\t60999\n", [32768, 60999], id="numbers with tabs between"),
    pytest.param(b"256  256 32 0 0\n", [256, 256, 32, 0, 0], id="numbers with blanks between"),
    pytest.param(b"fq_codel\n", "fq_codel", id="a word"),
    pytest.param(b"kill_process kill_thread trap\n", "kill_process kill_thread trap", id="words"),
    pytest.param(b"00ff\n", "00ff", id="a mask"),
    pytest.param(b"00000000\n", "00000000", id="a mask that looks like a number"),
    pytest.param(b"1 of 2\n", "1 of 2", id="words among which are numbers"),
    pytest.param(b"|/bin/\x1b[2J %p\n", "|/bin/\\x1b[2J %p", id="a hostile text"),
    pytest.param(b"caf\xe9\n", "caf\\xe9", id="no UTF-8"),
    pytest.param(b"\n", "", id="an empty line"),
    pytest.param(b"", "", id="empty"),
]


@pytest.mark.parametrize(("data", "expected"), CASES)
def test_sysctl(data: bytes, expected: int | list[int] | str) -> None:
    found = read(sysctl("a.b"), {"/proc/sys/a/b": data})
    assert found["a.b"] == expected
    assert found.get("a.b") == expected


def test_each_kind_has_its_place() -> None:
    found = read(
        sysctl("vm.swappiness", "net/ipv4/ip_local_port_range", "kernel.core_pattern"),
        {
            "/proc/sys/vm/swappiness": "60\n",
            "/proc/sys/net/ipv4/ip_local_port_range": "1024\t65535\n",
            "/proc/sys/kernel/core_pattern": "core\n",
        },
    )
    assert found == Sysctl(
        {"vm.swappiness": 60}, {"net/ipv4/ip_local_port_range": [1024, 65535]}, {"kernel.core_pattern": "core"}
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.core.somaxconn", "net/core/somaxconn"),
        ("net/core/somaxconn", "net/core/somaxconn"),
        ("kernel.threads-max", "kernel/threads-max"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.conf.*.rp_filter", "net/ipv4/conf/*/rp_filter"),
    ],
)
def test_names_are_those_of_sysctl(name: str, path: str) -> None:
    assert read(sysctl(name), {f"/proc/sys/{path}": "7\n"})[name] == 7


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "/etc/passwd", "/proc/sys/vm/swappiness", "..", "../self/environ", "kernel/../../self/environ",
        "net.ipv4.conf.//.rp_filter", "kernel..pid_max", "kernel/./pid_max", "kernel/", "kernel.", ".kernel",
        "vm.swappiness\0", "vm\n", "vm.\ud800",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a setting"):
        sysctl("vm.swappiness", name)


def test_no_name() -> None:
    with pytest.raises(ValueError, match="name a setting"):
        sysctl()


def test_what_cannot_be_read_is_absent_and_said() -> None:
    denied = Failure(Reason.DENIED, "/proc/sys/vm/compact_memory", "EACCES")
    source = sysctl("vm.swappiness", "vm.compact_memory", "no.such.setting")
    value, this = reading(
        source, {"/proc/sys/vm/swappiness": "60\n", "/proc/sys/vm/compact_memory": denied, "/proc/sys/other": "1\n"}
    )
    assert value == Sysctl({"vm.swappiness": 60}, {}, {})
    assert value.get("vm.compact_memory") is None
    with pytest.raises(KeyError, match=r"no\.such\.setting"):
        value["no.such.setting"]
    assert this.failures == {
        "vm.compact_memory": denied,
        "no.such.setting": Failure(Reason.MISSING, "/proc/sys/no/such/setting", "ENOENT"),
    }


def test_nothing_can_be_read() -> None:
    assert failure(sysctl("a.b", "c.d"), {}) == Failure(Reason.MISSING, "/proc/sys/a/b", "ENOENT")


def test_only_what_was_named_is_opened(tree: Path) -> None:
    for name in ("vm/swappiness", "vm/stat_refresh", "kernel/pid_max"):
        (tree / "proc/sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "proc/sys" / name).write_text("1\n")
    seen = []
    sampler = Sampler([sysctl("vm.swappiness")], roots=Roots(str(tree / "proc"), str(tree / "sys")))
    sampler._reader.files.observe = lambda request, answer: seen.append(request.path)
    sampler.sample_sync()
    sampler.close()
    assert [path for path in seen if path.startswith("/proc/sys/vm")] == ["/proc/sys/vm/swappiness"]


def test_what_did_not_change_is_the_same_object() -> None:
    source = sysctl("vm.swappiness")
    _, this = reading(source, {"/proc/sys/vm/swappiness": "60\n"})
    value = this.memory["value"]
    steps = source.steps(this)
    next(steps)
    with pytest.raises(StopIteration) as stop:
        steps.send([b"60\n"])
    assert stop.value.value is value


def test_the_limits_that_services_ask_for() -> None:
    snapshot = Sampler([SYSCTL]).sample_sync()
    assert snapshot[SYSCTL].numbers["kernel.pid_max"] == int(Path("/proc/sys/kernel/pid_max").read_text())
