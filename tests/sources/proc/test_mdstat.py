import pytest

from procpulse.sources import MDSTAT
from procpulse.sources.proc.mdstat import MdArray, MdBitmap, MdDevice, Mdstat, MdSync
from tests.cases import parse, spoiled

KIB = 1024


def one(text: str) -> str:
    """A whole file with one array."""
    return f"Personalities : [raid1] \n{text}\nunused devices: <none>\n"


CASES = [
    pytest.param(
        "md127 : active raid1 sdi2[0] sdj2[1]\n      312319552 blocks [2/2] [UU]\n      \n\n",
        MdArray(
            "md127", "active", [MdDevice("sdi2", 0), MdDevice("sdj2", 1)], 0, 0, "raid1", disks=2, disks_active=2,
            disks_down=0, slots="UU", size_bytes=312319552 * KIB,
        ),
        id="whole, metadata 0.90",
    ),
    pytest.param(
        """\
md0 : active raid1 sdf1[2] sde1[0] sdg1[3](S) sdh1[1](F)
      976630464 blocks super 1.2 [2/1] [U_]
      [==>..................]  recovery = 12.6% (123456512/976630464) finish=75.9min speed=187264K/sec
      bitmap: 3/8 pages [12KB], 65536KB chunk

""",
        MdArray(
            "md0", "active",
            [MdDevice("sdf1", 2), MdDevice("sde1", 0), MdDevice("sdg1", 3, spare=True), MdDevice("sdh1", 1, faulty=True)],
            1, 1, "raid1", disks=2, disks_active=1, disks_down=1, slots="U_", size_bytes=976630464 * KIB, metadata="1.2",
            sync=MdSync("recovering", "running", 12.6, 123456512 * KIB, 976630464 * KIB, 75.9, 187264 * KIB),
            bitmap=MdBitmap(3, 8, 12 * KIB, 65536 * KIB),
        ),
        id="recovering onto a spare",
    ),
    pytest.param(
        """\
md1 : active raid6 nvme4n1p1[4](J) sdi1[0] sdj1[1] sdk1[2] sdl1[3]
      11720780288 blocks super 1.2 level 6, 512k chunk, algorithm 2 [4/4] [UUUU]
      [===========>.........]  check = 57.3% (3358003456/5860390144) finish=241.4min speed=172762K/sec
      bitmap: 0/44 pages [0KB], 512B chunk, file: /var/lib/md1\\040bit\\033map

""",
        MdArray(
            "md1", "active",
            [
                MdDevice("nvme4n1p1", 4, journal=True), MdDevice("sdi1", 0), MdDevice("sdj1", 1), MdDevice("sdk1", 2),
                MdDevice("sdl1", 3),
            ],
            0, 0, "raid6", disks=4, disks_active=4, disks_down=0, slots="UUUU", size_bytes=11720780288 * KIB,
            metadata="1.2", level=6, chunk_bytes=512 * KIB, algorithm=2,
            sync=MdSync("checking", "running", 57.3, 3358003456 * KIB, 5860390144 * KIB, 241.4, 172762 * KIB),
            bitmap=MdBitmap(0, 44, 0, 512, "/var/lib/md1 bit\\x1bmap"),
        ),
        id="checking, with a journal and a bitmap in a file",
    ),
    pytest.param(
        """\
md42 : active raid5 sda1[3](S) sdd1[0] sde1[1]
      1953381440 blocks super 1.2 level 5, 64k chunk, algorithm 2 [3/2] [UU_]
      [>....................]  reshape =  0.1% (1/1953381440) finish=18681.1min speed=0K/sec

""",
        MdArray(
            "md42", "active", [MdDevice("sda1", 3, spare=True), MdDevice("sdd1", 0), MdDevice("sde1", 1)], 0, 1, "raid5",
            disks=3, disks_active=2, disks_down=1, slots="UU_", size_bytes=1953381440 * KIB, metadata="1.2", level=5,
            chunk_bytes=64 * KIB, algorithm=2,
            sync=MdSync("reshaping", "running", 0.1, KIB, 1953381440 * KIB, 18681.1, 0),
        ),
        id="reshaping",
    ),
    pytest.param(
        """\
md8 : active raid1 sdb1[1] sda1[0]
      195310144 blocks [2/2] [UU]
      [====================>]  resync = 99.9% (195310143/195310144) finish=0.0min speed=259783K/sec

""",
        MdArray(
            "md8", "active", [MdDevice("sdb1", 1), MdDevice("sda1", 0)], 0, 0, "raid1", disks=2, disks_active=2,
            disks_down=0, slots="UU", size_bytes=195310144 * KIB,
            sync=MdSync("resyncing", "running", 99.9, 195310143 * KIB, 195310144 * KIB, 0.0, 259783 * KIB),
        ),
        id="resyncing",
    ),
    pytest.param(
        """\
md2 : active raid10 sdm2[0] sdn2[1] sdo2[2](W) sdp2[3] sdq2[4](W)(R)
      1953259520 blocks super 1.2 512K chunks 2 near-copies [4/4] [UUUU]
      \tresync=DELAYED

""",
        MdArray(
            "md2", "active",
            [
                MdDevice("sdm2", 0), MdDevice("sdn2", 1), MdDevice("sdo2", 2, write_mostly=True), MdDevice("sdp2", 3),
                MdDevice("sdq2", 4, write_mostly=True, replacement=True),
            ],
            0, 0, "raid10", disks=4, disks_active=4, disks_down=0, slots="UUUU", size_bytes=1953259520 * KIB,
            metadata="1.2", chunk_bytes=512 * KIB, layout="2 near-copies", sync=MdSync("resyncing", "delayed"),
        ),
        id="delayed, raid10",
    ),
    pytest.param(
        """\
md4 : active (auto-read-only) raid1 sdr1[0] sds1[1]
      1953258496 blocks super 1.2 [2/2] [UU]
      \tresync=PENDING

""",
        MdArray(
            "md4", "active", [MdDevice("sdr1", 0), MdDevice("sds1", 1)], 0, 0, "raid1", "auto-read-only", disks=2,
            disks_active=2, disks_down=0, slots="UU", size_bytes=1953258496 * KIB, metadata="1.2",
            sync=MdSync("resyncing", "pending"),
        ),
        id="pending until the first write",
    ),
    pytest.param(
        "md5 : active raid1 sda[0] sdb[1]\n      8 blocks super 1.2 [2/1] [U_]\n      \trecover=REMOTE\n",
        MdArray(
            "md5", "active", [MdDevice("sda", 0), MdDevice("sdb", 1)], 0, 0, "raid1", disks=2, disks_active=1,
            disks_down=1, slots="U_", size_bytes=8 * KIB, metadata="1.2", sync=MdSync("recovering", "remote"),
        ),
        id="another host of the cluster recovers",
    ),
    pytest.param(
        "md3 : active (read-only) raid0 nvme2n1[0] nvme3n1[1]\n      7501212672 blocks super 1.2 512k chunks\n",
        MdArray(
            "md3", "active", [MdDevice("nvme2n1", 0), MdDevice("nvme3n1", 1)], 0, 0, "raid0", "read-only", disks=2,
            disks_active=2, disks_down=0, size_bytes=7501212672 * KIB, metadata="1.2", chunk_bytes=512 * KIB,
        ),
        id="raid0 has no places that could be empty",
    ),
    pytest.param(
        "md120 : active linear sda1[1] sdb1[0]\n      2095104 blocks super 1.2 0k rounding\n",
        MdArray(
            "md120", "active", [MdDevice("sda1", 1), MdDevice("sdb1", 0)], 0, 0, "linear", disks=2, disks_active=2,
            disks_down=0, size_bytes=2095104 * KIB, metadata="1.2", layout="0k rounding",
        ),
        id="linear",
    ),
    pytest.param(
        "md126 : active raid5 sdb[1] sdc[0]\n"
        "      1855870976 blocks super external:/md127/0 level 5, 128k chunk, algorithm 0 [2/2] [UU]\n",
        MdArray(
            "md126", "active", [MdDevice("sdb", 1), MdDevice("sdc", 0)], 0, 0, "raid5", disks=2, disks_active=2,
            disks_down=0, slots="UU", size_bytes=1855870976 * KIB, metadata="external:/md127/0", level=5,
            chunk_bytes=128 * KIB, algorithm=0,
        ),
        id="metadata of the firmware",
    ),
    pytest.param(
        "md219 : inactive sdb[2](S) sdc[1](S)\n      7932 blocks super external:imsm\n       \n",
        MdArray(
            "md219", "inactive", [MdDevice("sdb", 2, spare=True), MdDevice("sdc", 1, spare=True)], 0, 2,
            size_bytes=7932 * KIB, metadata="external:imsm",
        ),
        id="inactive",
    ),
    pytest.param(
        "md7 : broken raid0 sdb[1] sda[0](F)\n      1024 blocks super non-persistent 64k chunks\n",
        MdArray(
            "md7", "broken", [MdDevice("sdb", 1), MdDevice("sda", 0, faulty=True)], 1, 0, "raid0", disks=1,
            disks_active=1, disks_down=0, size_bytes=1024 * KIB, metadata="non-persistent", chunk_bytes=64 * KIB,
        ),
        id="broken",
    ),
    pytest.param("md9 : inactive\n", MdArray("md9", "inactive", [], 0, 0), id="an array without disks"),
    pytest.param(
        "md_\x1bhome : active raid1 a[b][0](Q) c[-1]\n      1 blocks [1/1] [U]\n      something new\n",
        MdArray(
            "md_\\x1bhome", "active", [MdDevice("a[b]", 0), MdDevice("c", -1)], 0, 0, "raid1", disks=1, disks_active=1,
            disks_down=0, slots="U", size_bytes=KIB,
        ),
        id="hostile names, a mark and a line that are not known",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_array(text: str, expected: MdArray) -> None:
    assert parse(MDSTAT, one(text)) == Mdstat(["raid1"], [expected], [])


def test_several_arrays() -> None:
    text = """\
Personalities : [linear] [raid6] [raid5] [raid4]
md1 : active linear sda[0]
      1 blocks

md0 : active linear sdb[0]
      2 blocks

unused devices: sdc1 sdd\x1b
"""
    value = parse(MDSTAT, text)
    assert value.personalities == ["linear", "raid6", "raid5", "raid4"]
    assert [(array.name, array.size_bytes) for array in value.arrays] == [("md1", 1024), ("md0", 2048)]
    assert value.unused == ["sdc1", "sdd\\x1b"]


def test_no_arrays() -> None:
    assert parse(MDSTAT, "Personalities : \nunused devices: <none>\n") == Mdstat([], [], [])


HEADER = "md0 : active raid1 sda[0] sdb[1]\n"


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "      1 blocks\n",
        "md0 active\n",
        "md0 : \n",
        HEADER + "      18446744073709551616 blocks [2/2] [UU]\n",
        HEADER + "      many blocks=1\n",
        HEADER + "      [=>...]  recovery = 8.5.1% (1/2) finish=17.0min speed=1K/sec\n",
        HEADER + "      [=>...]  recovery = 8.5% (1) finish=17.0min speed=1K/sec\n",
        HEADER + "      [=>...]  dancing = 8.5% (1/2) finish=17.0min speed=1K/sec\n",
        HEADER + "      \tdancing=PENDING\n",
        HEADER + "      bitmap: 0/30 pages [0KB]\n",
    ],
    ids=[
        "blank", "a line of no array", "no colon", "no state", "over 64 bits", "no size", "a share that is no number",
        "no size to do", "an activity that is not known", "a plan that is not known", "a bitmap without a chunk",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    assert spoiled(MDSTAT, text)
