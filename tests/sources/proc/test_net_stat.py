import pytest

from procpulse import Failure, Reason
from procpulse.source import Host, Names, Read, Reading
from procpulse.sources import NET_STAT, NET_STAT_NF_CONNTRACK
from procpulse.sources.proc.net_stat import Cache, CacheUse
from tests.cases import failure, read, reading

ARP = {
    "/proc/net/stat/arp_cache": (
        "entries  allocs   destroys lookups\n00000002 00000003 00000001 00000f04\n00000002 00000000 00000000 123456789\n"
    )
}
EXPECTED = Cache(
    "arp_cache",
    2,
    [
        CacheUse(0, {"allocs": 3, "destroys": 1, "lookups": 3844}),
        CacheUse(1, {"allocs": 0, "destroys": 0, "lookups": 0x1_2345_6789}),
    ],
)


def test_tables() -> None:
    files = ARP | {"/proc/net/stat/synproxy": "entries\t\tsyn_received\tcookie_invalid\n00000000\t0000000a\tffffffff\n"}
    assert read(NET_STAT, files) == [
        EXPECTED,
        Cache("synproxy", 0, [CacheUse(0, {"syn_received": 10, "cookie_invalid": 0xFFFF_FFFF})]),
    ]


def test_rows_shorter_and_longer_than_the_heading() -> None:
    files = {
        "/proc/net/stat/rt_cache": "entries in_hit gc_total\n00000001 00000002\n00000001 00000002 00000003 00000004\n"
    }
    assert read(NET_STAT, files) == [
        Cache("rt_cache", 1, [CacheUse(0, {"in_hit": 2}), CacheUse(1, {"in_hit": 2, "gc_total": 3})])
    ]


def test_a_table_of_no_entries_and_one_of_no_rows() -> None:
    files = {"/proc/net/stat/a": "lookups\n00000001\n", "/proc/net/stat/b": "entries lookups\n"}
    assert read(NET_STAT, files) == [Cache("a", None, [CacheUse(0, {"lookups": 1})]), Cache("b", None, [])]


def test_hostile_names() -> None:
    assert read(NET_STAT, {"/proc/net/stat/\udcffx": b"entries \x1bhits\n00000001 00000002\n"}) == [
        Cache("\\xffx", 1, [CacheUse(0, {"\\x1bhits": 2})])
    ]


def test_a_malformed_table_costs_itself() -> None:
    caches, this = reading(NET_STAT, ARP | {"/proc/net/stat/rt_cache": "entries in_hit\n0000000x 00000001\n"})
    assert caches == [EXPECTED, Cache("rt_cache", None, [])]
    assert this.failures["rt_cache"].reason is Reason.MALFORMED


def test_an_empty_file_is_no_table() -> None:
    assert read(NET_STAT, ARP | {"/proc/net/stat/rt_cache": ""}) == [EXPECTED]


def test_a_table_that_may_not_be_read_costs_itself() -> None:
    path = "/proc/net/stat/nf_conntrack"
    caches, this = reading(NET_STAT, ARP | {path: Failure(Reason.DENIED, path, "EACCES")})
    assert caches == [EXPECTED]
    assert this.failures["nf_conntrack"].reason is Reason.DENIED


def test_no_tables() -> None:
    assert failure(NET_STAT, {}).reason is Reason.MISSING


def test_tables_of_many_cpus_are_read_to_their_end() -> None:
    """The kernel hands them out a page at a time."""
    steps = NET_STAT.steps(Reading(Host()))
    assert next(steps) == (Read("/sys/devices/system/cpu/possible", 4096, False, True),)
    assert steps.send([Failure(Reason.MISSING, "", "ENOENT")]) == [Names("/proc/net/stat", bare=True)]
    [request] = steps.send([[("arp_cache", 1)]])
    assert isinstance(request, Read)
    assert not request.whole
    assert request.cap >= 8192 * 128


@pytest.mark.parametrize(
    ("listed", "cpus"), [("0,4\n", [0, 4]), ("0-1\n", [0, 1]), ("0-7\n", [0, 1]), ("", [0, 1]), ("x", [0, 1])]
)
def test_rows_are_of_the_cpus_that_the_host_may_have(listed: str, cpus: list[int]) -> None:
    files = {**ARP, "/sys/devices/system/cpu/possible": listed}
    [cache] = read(NET_STAT, files)
    assert [row.cpu for row in cache.cpus] == cpus
    rows = read(NET_STAT_NF_CONNTRACK, {**files, "/proc/net/stat/nf_conntrack": CONNTRACK})
    assert [(row.cpu, row.found) for row in rows] == list(zip(cpus, (2, 3), strict=True))


CONNTRACK = (
    "entries found new invalid ignore delete insert insert_failed drop early_drop icmp_error expect_new expect_create "
    "expect_delete search_restart\n00000001 00000002"
    + " 00000000" * 13
    + "\n00000001 00000003"
    + " 00000000" * 13
    + "\n"
)
