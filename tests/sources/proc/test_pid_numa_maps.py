import pytest

from procpulse.sources.proc.pid_numa_maps import PID_NUMA_MAPS, PidNumaMaps
from tests.cases import parse, spoiled

PAGE = 4096
CASES = [
    pytest.param(
        "5600a0000000 default file=/usr/bin/vim mapped=30 mapmax=2 N0=20 N1=10 kernelpagesize_kB=4\n"
        "5600a1000000 default heap anon=7 dirty=6 swapcache=5 active=3 writeback=2 N1=7 kernelpagesize_kB=4\n"
        "7f0000000000 default\n"
        "7f0000100000 bind=static:0-1 anon=1 dirty=1 N0=1 kernelpagesize_kB=4\n",
        PidNumaMaps(
            {0: 21 * PAGE, 1: 17 * PAGE}, {"default": 3, "bind=static:0-1": 1}, mapped_bytes=30 * PAGE,
            anon_bytes=8 * PAGE, dirty_bytes=7 * PAGE, swap_cache_bytes=5 * PAGE, writeback_bytes=2 * PAGE, huge_bytes=0,
        ),
        id="two nodes and two policies",
    ),
    pytest.param(
        "7fe1a0000000 interleave:0-1 file=/anon_hugepage\\040(deleted) huge anon=3 dirty=3 N0=2 N1=1 kernelpagesize_kB=2048\n",
        PidNumaMaps({0: 4 << 20, 1: 2 << 20}, {"interleave:0-1": 1}, 0, 6 << 20, 6 << 20, 0, 0, 6 << 20),
        id="huge pages count as what they are",
    ),
    pytest.param(
        "7f0000000000 default file=/srv/N0\\0759\\040N0\\0759 mapped=1 N0=1 kernelpagesize_kB=64\n",
        PidNumaMaps({0: 65536}, {"default": 1}, 65536, 0, 0, 0, 0, 0),
        id="a hostile name, and large pages",
    ),
    pytest.param("7f0000000000 default\n", PidNumaMaps({}, {"default": 1}, 0, 0, 0, 0, 0, 0), id="nothing is resident"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_numa_maps(text: str, expected: PidNumaMaps) -> None:
    assert parse(PID_NUMA_MAPS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "7f0000000000\n",
        "7f0000000000 default N0=x kernelpagesize_kB=4\n",
        "7f0000000000 default N0=1 kernelpagesize_kB=\n",
        "7f0000000000 default anon=18446744073709551615 N0=1 kernelpagesize_kB=4\n",
        "7f0000000000 default N0=1 kernelpagesize_kB=4",
    ],
    ids=["no policy", "no number", "no page size", "over 64 bits", "cut short"],
)
def test_malformed(text: str) -> None:
    assert spoiled(PID_NUMA_MAPS, text)
