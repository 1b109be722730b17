import pytest

from procpulse import Failure, Reason
from procpulse.sources import BLOCK
from procpulse.sources.sysfs.block import BlockDevice, BlockPartition, BlockQueue, BlockStat, DeviceMapper, DevicePath
from tests.cases import failure, read, reading

BLOCKS = "/sys/block"

QUEUE = {
    "add_random": "1", "dax": "0", "discard_granularity": "101", "discard_max_hw_bytes": "102",
    "discard_max_bytes": "103", "hw_sector_size": "104", "io_poll": "1", "io_poll_delay": "-1", "io_timeout": "106",
    "iostats": "1", "logical_block_size": "108", "max_discard_segments": "109", "max_hw_sectors_kb": "110",
    "max_integrity_segments": "111", "max_sectors_kb": "112", "max_segments": "113", "max_segment_size": "114",
    "minimum_io_size": "115", "nomerges": "2", "nr_requests": "117", "nr_zones": "118", "optimal_io_size": "119",
    "physical_block_size": "120", "read_ahead_kb": "121", "rotational": "0", "rq_affinity": "2",
    "scheduler": "none [mq-deadline] kyber bfq", "wbt_lat_usec": "123", "write_cache": "write back",
    "write_same_max_bytes": "125", "write_zeroes_max_bytes": "126", "zoned": "host-managed",
    "chunk_sectors": "127", "dma_alignment": "128", "fua": "1", "max_active_zones": "129", "max_open_zones": "130",
    "stable_writes": "0", "throttle_sample_time": "131", "zone_append_max_bytes": "132",
}  # fmt: skip
EXPECTED_QUEUE = BlockQueue(
    add_random=True, dax=False, discard_granularity_bytes=101, discard_max_hw_bytes=102, discard_max_bytes=103,
    hw_sector_size_bytes=104, io_poll=True, io_poll_delay=-1, io_timeout_ms=106, iostats=True,
    logical_block_size_bytes=108, max_discard_segments=109, max_hw_sectors_bytes=110 * 1024,
    max_integrity_segments=111, max_sectors_bytes=112 * 1024, max_segments=113, max_segment_size_bytes=114,
    minimum_io_size_bytes=115, nomerges=2, nr_requests=117, nr_zones=118, optimal_io_size_bytes=119,
    physical_block_size_bytes=120, read_ahead_bytes=121 * 1024, rotational=False, rq_affinity=2,
    scheduler="mq-deadline", schedulers=["none", "mq-deadline", "kyber", "bfq"], wbt_lat_us=123,
    write_cache="write back", write_same_max_bytes=125, write_zeroes_max_bytes=126, zoned="host-managed",
    chunk_sectors_bytes=127 * 512, dma_alignment_bytes=128, fua=True, max_active_zones=129, max_open_zones=130,
    stable_writes=False, throttle_sample_time_ms=131, zone_append_max_bytes=132,
)  # fmt: skip
STAT_11 = BlockStat(
    11, reads=1, reads_merged=2, read_bytes=3 * 512, read_ms=4, writes=5, writes_merged=6, written_bytes=7 * 512,
    write_ms=8, in_flight=9, io_ms=10, weighted_io_ms=11,
)  # fmt: skip


def at(name: str, files: dict[str, str]) -> dict[str, str]:
    """A folder of /sys/block; every attribute ends in a newline, links end in @."""
    return {f"{BLOCKS}/{name}/{file}": text + "\n" * (file[-1] != "@") for file, text in files.items()}


def test_a_scsi_disk() -> None:
    files = {
        "dev": "8:0", "size": "3907029168", "ro": "0", "removable": "0", "stat": "   1 2 3 4 5 6 7 8 9 10 11",
        "device/state": "running", "device/iorequest_cnt": "0x126f41", "device/iodone_cnt": "0x126f40",
        "device/ioerr_cnt": "0x3", "device/iotmo_cnt": "0x1", "holders/dm-0@": "../../dm-0",
        "holders/md127@": "../../md127",
    }  # fmt: skip
    assert read(BLOCK, at("sda", files | {f"queue/{name}": text for name, text in QUEUE.items()})) == [
        BlockDevice(
            "sda", device="8:0", size_bytes=3907029168 * 512, read_only=False, removable=False, state="running",
            stat=STAT_11, queue=EXPECTED_QUEUE, scsi_requests=0x126F41, scsi_completed=0x126F40, scsi_errors=3,
            scsi_timeouts=1, holders=["dm-0", "md127"],
        )
    ]  # fmt: skip


def test_partitions() -> None:
    files = {
        "dev": "259:0", "nvme0n1p10/partition": "10", "nvme0n1p10/dev": "259:3", "nvme0n1p2/partition": "2",
        "nvme0n1p2/dev": "259:2", "nvme0n1p2/start": "2048", "nvme0n1p2/size": "4096", "nvme0n1p2/ro": "1",
        "nvme0n1p2/stat": "1 2 3 4 5 6 7 8 9 10 11", "nvme0n1p2/holders/dm-0@": "../../../dm-0", "nvme0n1p2/uevent": "x",
        "power0/control": "auto",
    }  # fmt: skip
    assert read(BLOCK, at("nvme0n1", files)) == [
        BlockDevice(
            "nvme0n1",
            device="259:0",
            partitions=[
                BlockPartition(
                    "nvme0n1p2", partition=2, device="259:2", start_bytes=2048 * 512, size_bytes=4096 * 512,
                    read_only=True, stat=STAT_11, holders=["dm-0"],
                ),
                BlockPartition("nvme0n1p10", 10, "259:3"),
            ],
        )
    ]  # fmt: skip


def test_multipath() -> None:
    mapper = {
        "dm/name": "mpatha", "dm/uuid": "mpath-3600a0b80000f4c21", "dm/suspended": "0", "dm/use_blk_mq": "1",
        "dm/rq_based_seq_io_merge_deadline": "5", "slaves/sdd@": "../../sdd", "slaves/sdc@": "../../sdc",
        "slaves/nvme0n1p3@": "../../nvme0n1/nvme0n1p3",
    }  # fmt: skip
    files = at("dm-2", mapper) | at("sdc", {"device/state": "running"}) | at("sdd", {"device/state": "offline"})
    assert read(BLOCK, files) == [
        BlockDevice(
            "dm-2",
            mapper=DeviceMapper("mpatha", "mpath-3600a0b80000f4c21", False, True, 5),
            paths=[DevicePath("nvme0n1p3"), DevicePath("sdc", "running"), DevicePath("sdd", "offline")],
        ),
        BlockDevice("sdc", state="running"),
        BlockDevice("sdd", state="offline"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1 2 3 4 5 6 7 8 9 10 11", STAT_11, id="11 counters, before discards, kernel 4.17"),
        pytest.param(
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
            BlockStat(
                15, 1, 2, 1536, 4, 5, 6, 3584, 8, 9, 10, 11, discards=12, discards_merged=13, discarded_bytes=14 * 512,
                discard_ms=15,
            ),
            id="15 counters, before flushes, kernel 5.4",
        ),
        pytest.param(
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
            BlockStat(17, 1, 2, 1536, 4, 5, 6, 3584, 8, 9, 10, 11, 12, 13, 7168, 15, flushes=16, flush_ms=17),
            id="17 counters, kernel 6.18",
        ),
        pytest.param(
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19",
            BlockStat(19, 1, 2, 1536, 4, 5, 6, 3584, 8, 9, 10, 11, 12, 13, 7168, 15, 16, 17),
            id="counters of a kernel to come",
        ),
        pytest.param(
            "18446744073709551615 9007199254740993 0 0 0 0 0 0 0 0 0",
            BlockStat(11, 18446744073709551615, 9007199254740993, *[0] * 9),
            id="64 bits, exactly",
        ),
    ],
)  # fmt: skip
def test_stat(text: str, expected: BlockStat) -> None:
    assert read(BLOCK, at("vda", {"stat": text})) == [BlockDevice("vda", stat=expected)]


@pytest.mark.parametrize(
    ("text", "chosen", "all_of_them"),
    [
        ("none", "none", ["none"]),
        ("[none] mq-deadline", "none", ["none", "mq-deadline"]),
        ("noop deadline [cfq]", "cfq", ["noop", "deadline", "cfq"]),
        ("", None, None),
    ],
    ids=["no choice", "none chosen", "kernel 4.18", "empty"],
)
def test_schedulers(text: str, chosen: str | None, all_of_them: list[str] | None) -> None:
    [row] = read(BLOCK, at("vda", {"queue/scheduler": text}))
    assert row.queue == BlockQueue(scheduler=chosen, schedulers=all_of_them)


def test_a_hostile_name() -> None:
    [row] = read(BLOCK, at("dm-0", {"dm/name": "a\x1b[2J\u202eb", "dm/uuid": "LVM-\x9b"}))
    assert row.mapper == DeviceMapper("a\\x1b[2J\\u202eb", "LVM-\\u009b")


def test_rows_are_in_the_order_of_numbers() -> None:
    names = ["loop10", "loop9", "nvme0n1", "sda"]
    rows = read(BLOCK, {path: text for name in names for path, text in at(name, {"ro": "1"}).items()})
    assert [row.name for row in rows] == ["loop9", "loop10", "nvme0n1", "sda"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("size", "big"),
        ("stat", "1 2 3 4 5 6 7 8 9 10"),
        ("stat", "1 2 3 4 5 6 7 8 9 10 18446744073709551616"),
        ("ro", "2"),
        ("device/ioerr_cnt", "0xzz"),
        ("dm/suspended", "maybe"),
    ],
    ids=["a word", "a counter short", "over 64 bits", "no flag", "no hexadecimal", "no truth"],
)
def test_garbage_costs_its_own_field(name: str, text: str) -> None:
    [row], this = reading(BLOCK, at("sda", {"dev": "8:0", name: text}))
    assert (row.device, row.size_bytes, row.stat, row.read_only, row.scsi_errors) == ("8:0", None, None, None, None)
    assert this.failures[name].reason is Reason.MALFORMED


def test_what_the_queue_does_not_answer() -> None:
    path = f"{BLOCKS}/sda/queue/wbt_lat_usec"
    [row], this = reading(BLOCK, at("sda", {"queue/dax": "1"}) | {path: Failure(Reason.UNSUPPORTED, path, "EINVAL")})
    assert row.queue == BlockQueue(dax=True)
    assert this.failures == {"queue/wbt_lat_usec": Failure(Reason.UNSUPPORTED, path, "EINVAL")}


def test_no_devices() -> None:
    assert failure(BLOCK, {}) == Failure(Reason.MISSING, BLOCKS, "ENOENT")
