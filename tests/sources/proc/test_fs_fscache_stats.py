import pytest

from procpulse.sources import FS_FSCACHE_STATS
from procpulse.sources.proc.fs_fscache_stats import FscacheStats
from tests.cases import parse, spoiled

CASES = [
    pytest.param(
        """\
FS-Cache statistics
Cookies: idx=11 dat=2904 spc=0
Acquire: n=2915 nul=0 ok=2911
Allocs : n=20 ok=19
Allocs : ops=15 owt=14
CacheOp: alo=1 luo=2
CacheOp: inv=5
CacheEv: nsp=18 cul=21
""",
        FscacheStats(
            {"CacheOp.alo": 1, "CacheOp.luo": 2, "CacheOp.inv": 5},
            {
                "Cookies.idx": 11, "Cookies.dat": 2904, "Cookies.spc": 0, "Acquire.n": 2915, "Acquire.nul": 0,
                "Acquire.ok": 2911, "Allocs.n": 20, "Allocs.ok": 19, "Allocs.ops": 15, "Allocs.owt": 14,
                "CacheEv.nsp": 18, "CacheEv.cul": 21,
            },
        ),
        id="kernel 4.18",
    ),
    pytest.param(
        """\
FS-Cache statistics
Cookies: n=3 v=1 vcol=2 voom=0
LRU    : n=4 exp=5 rmv=6 drp=7 at=-250
IO     : rd=8 wr=9
RdHelp : RA=10 RP=11 WB=12 WBZ=13 rr=14 sr=15
RdHelp : ZR=16 sh=17 sk=18
""",
        FscacheStats(
            {"Cookies.n": 3, "Cookies.v": 1, "LRU.n": 4, "LRU.at": -250, "RdHelp.rr": 14, "RdHelp.sr": 15},
            {
                "Cookies.vcol": 2, "Cookies.voom": 0, "LRU.exp": 5, "LRU.rmv": 6, "LRU.drp": 7, "IO.rd": 8, "IO.wr": 9,
                "RdHelp.RA": 10, "RdHelp.RP": 11, "RdHelp.WB": 12, "RdHelp.WBZ": 13, "RdHelp.ZR": 16, "RdHelp.sh": 17,
                "RdHelp.sk": 18,
            },
        ),
        id="kernel 5.17",
    ),
    pytest.param(
        """\
Reads  : DR=1 RA=2 RF=3 RS=4 WB=5 WBZ=6
Writes : BW=7 WT=8 DW=9 WP=10 2C=11
Retries: rq=12 rs=13 wq=14 ws=15
Objs   : rr=16 sr=17 foq=18 wsc=19
FS-Cache statistics
Cookies: n=20 v=21 vcol=22 voom=23
Acquire: n=24 ok=25 oom=26
""",
        FscacheStats(
            {"Objs.rr": 16, "Objs.sr": 17, "Objs.foq": 18, "Cookies.n": 20, "Cookies.v": 21},
            {
                "Reads.DR": 1, "Reads.RA": 2, "Reads.RF": 3, "Reads.RS": 4, "Reads.WB": 5, "Reads.WBZ": 6,
                "Writes.BW": 7, "Writes.WT": 8, "Writes.DW": 9, "Writes.WP": 10, "Writes.2C": 11, "Retries.rq": 12,
                "Retries.rs": 13, "Retries.wq": 14, "Retries.ws": 15, "Objs.wsc": 19, "Cookies.vcol": 22,
                "Cookies.voom": 23, "Acquire.n": 24, "Acquire.ok": 25, "Acquire.oom": 26,
            },
        ),
        id="netfs first, kernel 6.18",
    ),
    pytest.param(
        b"New\x1b: a\xff=18446744073709551615\n",
        FscacheStats({}, {"New\\x1b.a\\xff": 18446744073709551615}),
        id="a row to come, with hostile names and a huge number",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_fscache(text: str | bytes, expected: FscacheStats) -> None:
    assert parse(FS_FSCACHE_STATS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "FS-Cache statistics\n",
        "Acquire: n=1 ok\n",
        "Acquire: n=1 ok=\n",
        "Acquire: n=x\n",
        "IO: rd=18446744073709551616\n",
    ],
    ids=["no rows", "no equals sign", "an empty number", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    assert spoiled(FS_FSCACHE_STATS, text)
