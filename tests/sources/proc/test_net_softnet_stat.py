from pathlib import Path

import pytest

from procpulse import Roots, Sampler, Snapshot, difference
from procpulse.source import Malformed
from procpulse.sources import NET_SOFTNET_STAT
from procpulse.sources.proc.net_softnet_stat import Softnet
from tests.cases import Files, parse, partly, read

ZEROS = " 00000000 00000000 00000000 00000000 00000000"
CASES = [
    pytest.param(
        f"0000001a 00000002 00000003{ZEROS} 00000004 00000005 00000006\n"
        f"ffffffff 00000000 00000000{ZEROS} 00000000 00000000 00000000\n",
        [
            Softnet(None, 11, 26, 2, 3, 4, 5, 6, row=0, rows=2),
            Softnet(None, 11, 0xFFFF_FFFF, 0, 0, 0, 0, 0, row=1, rows=2),
        ],
        id="11 columns, before the number of the CPU, kernel 4.18",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000000 00000005 00000006 00000007 00000000\n"
        f"0000000b 0000000c 0000000d{ZEROS} 00000000 0000000f 00000010 00000011 00000003\n",
        [
            Softnet(0, 13, 1, 2, 3, 0, 5, 6, 7),
            Softnet(3, 13, 11, 12, 13, 0, 15, 16, 17),
        ],
        id="13 columns, CPUs 1 and 2 offline, kernel 5.10",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000000 00000005 00000006 00000007 00000001 00000004 00000003\n",
        [Softnet(1, 15, 1, 2, 3, 0, 5, 6, backlog=7, input_queue=4, process_queue=3)],
        id="15 columns, CPU 0 offline, kernel 6.18",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000004 00000005 00000006 00000007 00000008 00000009 0000000a 0000000b\n",
        [Softnet(8, 16, 1, 2, 3, 4, 5, 6, 7, 9, 10)],
        id="columns of a kernel to come are ignored",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000004 00000005\n",
        [Softnet(None, 10, 1, 2, 3, 4, 5, row=0, rows=1)],
        id="10 columns, before the flow limit, kernel 3.10",
    ),
    pytest.param("", [], id="no CPUs"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_softnet_stat(text: str, expected: list[Softnet]) -> None:
    assert parse(NET_SOFTNET_STAT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"00000001 00000002 00000003{ZEROS}\n",
        f"00000001 00000002 0000000g{ZEROS} 00000004\n",
        f"00000001 00000002 0000_003{ZEROS} 00000004\n",
        f"10000000000000000 00000002 00000003{ZEROS} 00000004\n",
        "-1 2 3 4 5 6 7 8 9\n",
    ],
    ids=["a column short", "no digit", "an underscore", "over 64 bits", "below 0"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_SOFTNET_STAT, text)


def test_a_row_that_makes_no_sense_costs_itself_only() -> None:
    good = f"00000001 00000002 00000003{ZEROS} 00000004 00000005 00000006\n"
    value, lost = partly(NET_SOFTNET_STAT, good + "x\n" + good)
    assert ([row.row for row in value], list(lost)) == ([0, 2], ["rows"])


def rows(*processed: int) -> str:
    return "".join(f"{count:08x} 00000000 00000000{ZEROS} 00000000 00000000 00000000\n" for count in processed)


ONLINE = "/sys/devices/system/cpu/online"
STAT = "cpu  9 9 9 9\n{}intr 5 1\nctxt 1\n"


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        pytest.param({ONLINE: "0,2,5\n"}, [0, 2, 5], id="the list of those that are online"),
        pytest.param({"/proc/stat": STAT.format("cpu1 1 1 1 1\ncpu3 1\ncpu4 1\n")}, [1, 3, 4], id="rows of stat"),
        pytest.param(
            {ONLINE: "0-7\n", "/proc/stat": STAT.format("cpu1 1\ncpu3 1\ncpu4 1\n")}, [1, 3, 4], id="one that fits"
        ),
        pytest.param({ONLINE: "0-1\n", "/proc/stat": STAT.format("cpu0 1\n")}, [None] * 3, id="none that fits"),
        pytest.param({ONLINE: "many\n"}, [None] * 3, id="garbage"),
        pytest.param({}, [None] * 3, id="neither is there"),
    ],
)
def test_rows_without_a_number_are_of_the_cpus_that_are_online(files: Files, cpus: list[int | None]) -> None:
    found = read(NET_SOFTNET_STAT, {"/proc/net/softnet_stat": rows(10, 20, 30), **files})
    assert [(row.cpu, row.processed) for row in found] == list(zip(cpus, (10, 20, 30), strict=True))
    unknown = cpus == [None] * 3
    assert [(row.row, row.rows) for row in found] == ([(0, 3), (1, 3), (2, 3)] if unknown else [(None, None)] * 3)


@pytest.mark.parametrize("told", [True, False], ids=["known", "unknown"])
def test_no_cpu_gets_the_growth_of_another(tree: Path, told: bool) -> None:
    """CPU 1 goes offline, and the second row is that of CPU 2."""
    (tree / "proc/net").mkdir()
    (tree / ONLINE[1:]).parent.mkdir(parents=True)

    def tick(online: str, *processed: int) -> Snapshot:
        (tree / "proc/net/softnet_stat").write_text(rows(*processed))
        if told:
            (tree / ONLINE[1:]).write_text(online)
        return sampler.sample_sync()

    sampler = Sampler([NET_SOFTNET_STAT], roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))
    before, after, back = tick("0-2\n", 10, 1000, 5000), tick("0,2\n", 17, 5004), tick("0-2\n", 18, 1000, 5009)
    sampler.close()
    grown = difference(before, after)[NET_SOFTNET_STAT]
    again = difference(after, back)[NET_SOFTNET_STAT]
    if told:
        assert [(row.cpu, row.processed) for row in grown] == [(0, 7), (2, 4)]
        assert [(row.cpu, row.processed) for row in again if row.cpu != 1] == [(0, 1), (2, 5)]
    else:
        assert not [row for row in (*grown, *again) if row.processed]
