import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_mountstats import (
    PID_MOUNTSTATS,
    MountStatistics,
    NfsBytes,
    NfsEvents,
    NfsFscache,
    NfsOperation,
    NfsRdma,
    NfsStatistics,
    NfsTransport,
    PidMountstats,
)
from tests.cases import parse, partly

NFS = "device nas:/x mounted on /x with fstype nfs statvers=1.1\n"

PLAIN = """\
device rootfs mounted on / with fstype rootfs
device /dev/sda1 mounted on / with fstype ext4
no device mounted on /run/lock with fstype tmpfs
device //srv/a\\040b mounted on /mnt/USB\\040disk\\011one with fstype fuse.sshfs
device  mounted on /empty with fstype tmpfs
device a\\134b mounted on /e\\012f with fstype xfs
"""

V3_UDP = """\
device filer:/vol mounted on /vol with fstype nfs statvers=1.0
	opts:	ro,vers=3,rsize=32768,hard,proto=udp,mountaddr=198.51.100.9
	age:	770118
	caps:	caps=0x3fcf,wtmult=4096,namlen=255
	sec:	flavor=1,pseudoflavor=1
	events:	1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 
	bytes:	11 12 13 14 15 16 17 18 
	fsc:	1 2 3 4 5 
	RPC iostats version: 1.0  p/v: 100003/3 (nfs)
	xprt:	udp 829 1 100 90 2 120 7
	per-op statistics
	        NULL: 0 0 0 0 0 0 0 0
	        READ: 367 368 3 60278 1209269 12 2207 2220

"""  # noqa: E101, W291

V4_TCP = """\
device nas:/p mounted on /p with fstype nfs4 statvers=1.1
	opts:	rw,vers=4.2,proto=tcp,nconnect=2
	age:	60
	impl_id:	name='Linux 6.6',domain='kernel.org',date='0,0'
	caps:	caps=0x3ffbffff,wtmult=512
	nfsv4:	bm0=0xfdffbfff,acl=0x3,sessions,pnfs=not configured,lease_time=90
	sec:	flavor=6,pseudoflavor=390003
	events:	1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 
	bytes:	11 12 13 14 15 16 17 18 
	RPC iostats version: 1.1  p/v: 100003/4 (nfs)
	xprt:	tcp 911 1 2 3 4 5 6 7 8 9 10 11 12
	xprt:	tcp 763 1 2 3 4 5 6 7 8 9 10 11 18446744073709551615
	per-op statistics
	        READ: 1 2 3 4 5 6 7 8 9
	         512: 1 2 3 4 5 6 7 8 9

device /dev/sda1 mounted on /home with fstype xfs
"""  # noqa: E101, W291

EVENTS = tuple(range(1, 26))
BYTES = NfsBytes(11, 12, 13, 14, 15, 16, 17, 18)
CASES = [
    pytest.param(
        PLAIN,
        [
            MountStatistics("/", 0, "rootfs", "rootfs"),
            MountStatistics("/", 1, "/dev/sda1", "ext4"),
            MountStatistics("/run/lock", 0, None, "tmpfs"),
            MountStatistics("/mnt/USB disk\\x09one", 0, "//srv/a b", "fuse.sshfs"),
            MountStatistics("/empty", 0, "", "tmpfs"),
            MountStatistics("/e\\x0af", 0, "a\\b", "xfs"),
        ],
        id="no NFS: one place mounted twice, no device, escapes, an empty name",
    ),
    pytest.param(
        V3_UDP,
        [
            MountStatistics(
                "/vol", 0, "filer:/vol", "nfs",
                NfsStatistics(
                    "1.0",
                    {"ro": "", "vers": "3", "rsize": "32768", "hard": "", "proto": "udp", "mountaddr": "198.51.100.9"},
                    770118,
                    capabilities={"caps": "0x3fcf", "wtmult": "4096", "namlen": "255"},
                    security={"flavor": "1", "pseudoflavor": "1"},
                    rpc_version="1.0",
                    program="100003/3",
                    bytes=BYTES,
                    events=NfsEvents(*EVENTS),
                    fscache=NfsFscache(1, 2, 3, 4, 5),
                    transports=[
                        NfsTransport(
                            0, "udp", 829, 1, sends=100, receives=90, bad_xids=2, in_flight_sum=120, backlog_sum=7,
                        )
                    ],
                    operations=[
                        NfsOperation("NULL", 0, 0, 0, 0, 0, 0, 0, 0),
                        NfsOperation("READ", 367, 368, 3, 60278, 1209269, 12, 2207, 2220),
                    ],
                ),
            )
        ],
        id="NFSv3 over udp, statistics 1.0, a cache on disk, kernel 4.18",
    ),
    pytest.param(
        V4_TCP,
        [
            MountStatistics(
                "/p", 0, "nas:/p", "nfs4",
                NfsStatistics(
                    "1.1",
                    {"rw": "", "vers": "4.2", "proto": "tcp", "nconnect": "2"},
                    60,
                    "name='Linux 6.6',domain='kernel.org',date='0,0'",
                    {"caps": "0x3ffbffff", "wtmult": "512"},
                    {"bm0": "0xfdffbfff", "acl": "0x3", "sessions": "", "pnfs": "not configured", "lease_time": "90"},
                    {"flavor": "6", "pseudoflavor": "390003"},
                    "1.1",
                    "100003/4",
                    BYTES,
                    NfsEvents(*EVENTS, pnfs_reads=26, pnfs_writes=27),
                    transports=[
                        NfsTransport(0, "tcp", 911, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
                        NfsTransport(1, "tcp", 763, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 18446744073709551615),
                    ],
                    operations=[
                        NfsOperation("READ", 1, 2, 3, 4, 5, 6, 7, 8, 9),
                        NfsOperation("512", 1, 2, 3, 4, 5, 6, 7, 8, 9),
                    ],
                ),
            ),
            MountStatistics("/home", 0, "/dev/sda1", "xfs"),
        ],
        id="NFSv4.2 over two tcp connections, statistics 1.1, kernel 6.18",
    ),
    pytest.param("", [], id="no mounts"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_mountstats(text: str, expected: list[MountStatistics]) -> None:
    assert parse(PID_MOUNTSTATS, text) == PidMountstats(expected)


TRANSPORTS = [
    pytest.param(
        "tcp 832 1 2 3 4 5 6 7 8 9",
        NfsTransport(0, "tcp", 832, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        id="tcp, statistics 1.0",
    ),
    pytest.param(
        "udp 829 1 100 90 2 120 7 16 204 331",
        NfsTransport(
            0, "udp", 829, 1, sends=100, receives=90, bad_xids=2, in_flight_sum=120, backlog_sum=7, max_slots=16,
            sending_sum=204, pending_sum=331,
        ),
        id="udp, statistics 1.1",
    ),
    pytest.param(
        "local 1 2 3 4 5 6 7 8 9 10 11 12",
        NfsTransport(0, "local", None, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        id="a socket of this host",
    ),
    pytest.param(
        "rdma 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19",
        NfsTransport(
            0, "rdma", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, rdma=NfsRdma(10, 11, 12, 13, 14, 15, 16, 17, 18, 19),
        ),
        id="rdma, 20 columns",
    ),
    pytest.param(
        "rdma 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26",
        NfsTransport(
            0, "rdma", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
            rdma=NfsRdma(10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26),
        ),
        id="rdma, 27 columns, kernel 4.18 and later",
    ),
    pytest.param("tcp 832 1 2 3 -1 5 6 7 8 9 10 11 12 13 14",
                 NfsTransport(0, "tcp", 832, 1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 12),
                 id="columns of a kernel to come are ignored"),
    pytest.param("quic 1 2 x", NfsTransport(0, "quic"), id="a protocol of a kernel to come"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "expected"), TRANSPORTS)
def test_transports(row: str, expected: NfsTransport) -> None:
    [mount] = parse(PID_MOUNTSTATS, f"{NFS}\txprt:\t{row}\n").mounts
    assert mount.nfs == NfsStatistics("1.1", transports=[expected])


def test_hostile_names_stay_in_their_columns() -> None:
    text = b"device nas:/\xff\x1b[m\\040mounted\\040on\\040/ mounted on /a\\040with\\040fstype\\040x with fstype nfs4\n"
    assert parse(PID_MOUNTSTATS, text).mounts == [
        MountStatistics("/a with fstype x", 0, "nas:/\\xff\\x1b[m mounted on /", "nfs4")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "something else\n",
        "device a mounted on /b\n",
        "device a on /b with fstype c\n",
        "device a mounted on /b with fstype \n",
    ],
    ids=["no mount", "no type", "no place", "an empty type"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_MOUNTSTATS, text)


OTHER = "device tmpfs mounted on /tmp with fstype tmpfs\n"


@pytest.mark.parametrize("line", ["something else\n", "device a on /b with fstype c\n", "no device mounted\n"])
def test_a_line_that_makes_no_sense_costs_itself_only(line: str) -> None:
    value, lost = partly(PID_MOUNTSTATS, OTHER + line + NFS + "\tage:\t7\n" + line + OTHER)
    assert [(mount.mount_point, mount.layer) for mount in value.mounts] == [("/tmp", 0), ("/x", 0), ("/tmp", 1)]
    assert value.mounts[1].nfs == NfsStatistics("1.1", age_seconds=7)
    assert list(lost) == ["mounts"]


SERVER = "name='Disks 9.1\nbuild 7\n\nof May',domain='example.org',date='1700000000,0'"


def test_what_a_server_says_of_itself_may_have_several_lines() -> None:
    text = OTHER + NFS + f"\tage:\t7\n\timpl_id:\t{SERVER}\n\tbytes:\t1 2 3 4 5 6 7 8\n" + OTHER
    value, lost = partly(PID_MOUNTSTATS, text)
    assert [mount.mount_point for mount in value.mounts] == ["/tmp", "/x", "/tmp"]
    nfs = value.mounts[1].nfs
    assert nfs is not None
    assert nfs.implementation == SERVER.replace("\n", "\\x0a")
    assert (nfs.age_seconds, nfs.bytes is not None and nfs.bytes.normal_read_bytes, lost) == (7, 1, {})


def test_what_a_server_says_of_itself_hides_no_mount_after_it() -> None:
    lines = "\timpl_id:\tname='no end\n" + OTHER + "\tbytes:\t1 2 3 4 5 6 7 8\n"
    value, _ = partly(PID_MOUNTSTATS, NFS + lines)
    assert [mount.mount_point for mount in value.mounts] == ["/x", "/tmp"]


def test_a_comma_in_quotes_ends_no_option() -> None:
    options = 'rw,vers=4.2,context="a_u:b_r:c_t:s0:c7,c9",proto=tcp'
    value, _ = partly(PID_MOUNTSTATS, NFS + f"\topts:\t{options}\n")
    nfs = value.mounts[0].nfs
    assert nfs is not None
    assert nfs.options == {"rw": "", "vers": "4.2", "context": '"a_u:b_r:c_t:s0:c7,c9"', "proto": "tcp"}


@pytest.mark.parametrize(
    "text",
    [
        NFS + "\tage:\tlong\n",
        NFS + "\tevents:\t1 2 3\n",
        NFS + "\tbytes:\t1 2 3\n",
        NFS + "\tbytes:\t1 2 3 4 5 6 7 18446744073709551616\n",
        NFS + "\txprt:\ttcp 1 2 3\n",
        NFS + "\txprt:\trdma 0 1 2 3 4 5 6 7 8 9 10\n",
        NFS + "\tRPC iostats version: 1.1\n",
        NFS + "\tper-op statistics\n\tREAD: 1 2 3\n",
        NFS + "\tper-op statistics\n\tREAD: a b c d e f g h\n",
    ],
    ids=[
        "no age", "events short", "bytes short", "over 64 bits",
        "tcp short", "rdma short", "no program", "an operation short", "no numbers",
    ],
)  # fmt: skip
def test_a_row_that_makes_no_sense_costs_itself_only(text: str) -> None:
    value, lost = partly(
        PID_MOUNTSTATS, text + ("\tWRITE: 1 2 3 4 5 6 7 8\n" if "per-op" in text else "\tsec:\tflavor=1\n")
    )
    nfs = value.mounts[0].nfs
    assert nfs is not None
    assert len(lost) == 1
    if "per-op" in text:
        assert [operation.operation for operation in nfs.operations] == ["WRITE"]
    else:
        assert nfs.security == {"flavor": "1"}
        assert (nfs.age_seconds, nfs.events, nfs.bytes, nfs.program) == (None, None, None, None)
