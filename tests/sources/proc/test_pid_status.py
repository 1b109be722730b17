import msgspec
import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_status import PID_STATUS, PidStatus
from tests.cases import parse, partly

HEAD = "Name:\tvim\nState:\tR (running)\nTgid:\t26231\nPid:\t26231\nPPid:\t5392\nTracerPid:\t0\n"
IDS = "Uid:\t1000\t1001\t1002\t1003\nGid:\t100\t101\t102\t103\n"
LEAST = PidStatus("vim", "R (running)", 26231, 26231, 5392, 0, 1000, 1001, 1002, 1003, 100, 101, 102, 103, [])

# What kernels from 4.18 on show of a program, each row with a number of its own.
OLD = """\
Name:	vim
Umask:	0022
State:	R (running)
Tgid:	26231
Ngid:	1
Pid:	26231
PPid:	5392
TracerPid:	0
Uid:	1000	1001	1002	1003
Gid:	100	101	102	103
FDSize:	64
Groups:	4 24 1000 
NStgid:	26231	7
NSpid:	26231	7
NSpgid:	7446	8
NSsid:	5392	9
VmPeak:	      11 kB
VmSize:	      12 kB
VmLck:	      13 kB
VmPin:	      14 kB
VmHWM:	      15 kB
VmRSS:	      16 kB
RssAnon:	      17 kB
RssFile:	      18 kB
RssShmem:	      19 kB
VmData:	      20 kB
VmStk:	      21 kB
VmExe:	      22 kB
VmLib:	      23 kB
VmPTE:	      24 kB
VmSwap:	      25 kB
HugetlbPages:	      26 kB
CoreDumping:	0
Threads:	3
SigQ:	2/63456
SigPnd:	0000000000000001
ShdPnd:	0000000000000002
SigBlk:	0000000000010000
SigIgn:	0000000001001000
SigCgt:	0000000180014eff
CapInh:	0000000000000000
CapPrm:	0000003fffffffff
CapEff:	0000003fffffffff
CapBnd:	000001ffffffffff
CapAmb:	0000000000000400
NoNewPrivs:	1
Seccomp:	2
Speculation_Store_Bypass:	thread vulnerable
Cpus_allowed:	8f
Cpus_allowed_list:	0-3,7
Mems_allowed:	00000000,00000001
Mems_allowed_list:	0
voluntary_ctxt_switches:	4742839
nonvoluntary_ctxt_switches:	1727500
"""  # noqa: W291
OLD_EXPECTED = PidStatus(
    name="vim", state="R (running)", tgid=26231, pid=26231, ppid=5392, tracer_pid=0, uid=1000, euid=1001, suid=1002,
    fsuid=1003, gid=100, egid=101, sgid=102, fsgid=103, groups=[4, 24, 1000], umask=0o022, ngid=1, fd_size=64,
    ns_tgids=[26231, 7], ns_pids=[26231, 7], ns_pgids=[7446, 8], ns_sids=[5392, 9], vm_peak_bytes=11264,
    vm_size_bytes=12288, vm_lck_bytes=13312, vm_pin_bytes=14336, vm_hwm_bytes=15360, vm_rss_bytes=16384,
    rss_anon_bytes=17408, rss_file_bytes=18432, rss_shmem_bytes=19456, vm_data_bytes=20480, vm_stk_bytes=21504,
    vm_exe_bytes=22528, vm_lib_bytes=23552, vm_pte_bytes=24576, vm_swap_bytes=25600, hugetlb_pages_bytes=26624,
    core_dumping=0, threads=3, sig_queued=2, sig_queue_limit=63456, sig_pending=1, shd_pending=2,
    sig_blocked=0x10000, sig_ignored=0x1001000, sig_caught=0x180014EFF, cap_inh=0, cap_prm=0x3FFFFFFFFF,
    cap_eff=0x3FFFFFFFFF, cap_bnd=0x1FFFFFFFFFF, cap_amb=0x400, no_new_privs=1, seccomp=2,
    speculation_store_bypass="thread vulnerable", cpus_allowed_list=[0, 1, 2, 3, 7],
    mems_allowed_list=[0],
    voluntary_ctxt_switches=4742839, nonvoluntary_ctxt_switches=1727500,
)  # fmt: skip
NEW = (
    OLD
    + "Kthread:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\nSeccomp_filters:\t3\n"
    + "SpeculationIndirectBranch:\tconditional enabled\nx86_Thread_features:\t\n"
)
NEW_EXPECTED = msgspec.structs.replace(
    OLD_EXPECTED,
    kthread=0,
    thp_enabled=1,
    seccomp_filters=3,
    speculation_indirect_branch="conditional enabled",
)

CASES = [
    pytest.param(OLD, OLD_EXPECTED, id="a program, kernel 4.18"),
    pytest.param(NEW, NEW_EXPECTED, id="a program, kernel 6.18"),
    pytest.param(HEAD + IDS, LEAST, id="the rows that are always there"),
    pytest.param("\n" + HEAD + IDS, LEAST, id="a blank line before them"),
    pytest.param((HEAD + IDS).replace("\t", "    "), LEAST, id="blanks in place of tabs"),
    pytest.param(
        HEAD + IDS + "Groups:\t \nSigQ:\t0/9\nVmPMD:\t       8 kB\nThreads:\t1\nNewRow:\t5\n",
        msgspec.structs.replace(LEAST, sig_queued=0, sig_queue_limit=9, vm_pmd_bytes=8192, threads=1),
        id="a zombie without memory, rows gone by and to come",
    ),
    pytest.param(
        HEAD + IDS + "SigCgt:\tffffffffffffffff\nVmPeak:\t36028797018963967 kB\n",
        msgspec.structs.replace(LEAST, sig_caught=(1 << 64) - 1, vm_peak_bytes=36893488147419102208 % (1 << 64)),
        id="64 bits, exactly",
    ),
    pytest.param(
        HEAD + "Uid:\t4294967295\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
        msgspec.structs.replace(
            LEAST, uid=4294967295, euid=0, suid=0, fsuid=0, gid=0, egid=0, sgid=0, fsgid=0
        ),
        id="a user of no name space",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_pid_status(text: str, expected: PidStatus) -> None:
    assert parse(PID_STATUS, text) == expected


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        (b"vim", "vim"),
        (b" vim ", " vim "),
        (b"", ""),
        (b"a:\tb", "a:\\x09b"),
        (b"a\\nb", "a\\x0ab"),
        (b"a\\\\nb", "a\\nb"),
        (b"a\\\\\\nb", "a\\\\x0ab"),
        (b"a\\\\x1bb", "a\\x5cx1bb"),
        (b"\xff\x1b[2J\xe2\x80\xae", "\\xff\\x1b[2J\\u202e"),
    ],
    ids=[
        "plain", "blanks around", "none", "a colon and a tab", "a line end", "a backslash and an n", "both",
        "looks escaped", "hostile",
    ],
)  # fmt: skip
def test_names(shown: bytes, name: str) -> None:
    found = parse(PID_STATUS, (HEAD + IDS).encode().replace(b"vim", shown, 1))
    assert found == msgspec.structs.replace(LEAST, name=name)


NO_IDS = dict.fromkeys(("uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid"))


@pytest.mark.parametrize(
    ("text", "without"),
    [
        pytest.param(HEAD, NO_IDS, id="no ids, as in gVisor once"),
        pytest.param(IDS + HEAD, {}, id="in another order"),
        *(
            pytest.param("".join(row for row in (HEAD + IDS).splitlines(True) if not row.startswith(key)), lost, id=key)
            for key, lost in {
                "Name:": {"name": None}, "State:": {"state": None}, "Tgid:": {"tgid": None}, "Pid:": {"pid": None},
                "PPid:": {"ppid": None}, "TracerPid:": {"tracer_pid": None},
                "Uid:": dict(list(NO_IDS.items())[:4]), "Gid:": dict(list(NO_IDS.items())[4:]),
            }.items()
        ),
    ],
)  # fmt: skip
def test_one_missing_row_costs_itself_only(text: str, without: dict[str, None]) -> None:
    assert partly(PID_STATUS, text) == (msgspec.structs.replace(LEAST, **without), {})


def test_sets_of_signals_of_128_bits() -> None:
    """MIPS has 128 signals: 32 digits, whatever is set in them."""
    masks = "SigPnd:\t" + "0" * 29 + "80a\nSigCgt:\t8" + "0" * 31 + "\nSigIgn:\t" + "0" * 32 + "\nThreads:\t2\n"
    expected = msgspec.structs.replace(LEAST, sig_pending=0x80A, sig_caught=None, sig_ignored=0, threads=2)
    assert partly(PID_STATUS, HEAD + IDS + masks) == (expected, {})


@pytest.mark.parametrize(
    ("row", "wrong", "field"),
    [
        pytest.param("Uid:\t1000\t1001\t1002\t1003", "Uid:\t1000\t1001", "uid", id="two ids"),
        pytest.param("Uid:\t1000\t1001\t1002\t1003", "Uid:\t1000\t1001\t1002\tx", "uid", id="no number"),
        pytest.param("VmRSS:\t      16 kB", "VmRSS:\tmuch", "vm_rss_bytes", id="no size"),
        pytest.param("Threads:\t3", "Threads:\t1180591620717411303424", "threads", id="over 64 bits"),
        pytest.param("SigQ:\t2/63456", "SigQ:\tx/63456", "sig_queued", id="no count"),
        pytest.param(
            "Cpus_allowed_list:\t0-3,7", "Cpus_allowed_list:\t0-4294967295", "cpus_allowed_list", id="too many CPUs"
        ),
    ],
)
def test_a_row_that_makes_no_sense_costs_itself_only(row: str, wrong: str, field: str) -> None:
    assert row in OLD
    value, lost = partly(PID_STATUS, OLD.replace(row, wrong))
    fields = ("uid", "euid", "suid", "fsuid") if field == "uid" else (field,)
    assert value == msgspec.structs.replace(OLD_EXPECTED, **dict.fromkeys(fields))
    assert list(lost) == [field]


@pytest.mark.parametrize("text", ["", "\n", "something\nelse\n", "a:\tb\n"], ids=["empty", "a line", "words", "no row"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_STATUS, text)
