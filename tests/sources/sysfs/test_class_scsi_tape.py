from procpulse import Reason
from procpulse.sources import CLASS_SCSI_TAPE
from procpulse.sources.sysfs.class_scsi_tape import ScsiTape
from tests.cases import failure, read, reading

T = "/sys/class/scsi_tape"
ST0 = {
    f"{T}/st0/device@": "../../../6:0:4:0",
    f"{T}/st0/stats/in_flight": "1\n",
    f"{T}/st0/stats/io_ns": "7104338904220\n",
    f"{T}/st0/stats/other_cnt": "904\n",
    f"{T}/st0/stats/read_byte_cnt": "338904064\n",
    f"{T}/st0/stats/read_cnt": "1294\n",
    f"{T}/st0/stats/read_ns": "20118904447\n",
    f"{T}/st0/stats/resid_cnt": "3\n",
    f"{T}/st0/stats/write_byte_cnt": "771204186112\n",
    f"{T}/st0/stats/write_cnt": "2941912\n",
    f"{T}/st0/stats/write_ns": "6020447118338\n",
}
ROW0 = ScsiTape(
    "st0",
    device="6:0:4:0",
    in_flight=1,
    reads=1294,
    read_bytes=338904064,
    read_ns=20118904447,
    writes=2941912,
    written_bytes=771204186112,
    write_ns=6020447118338,
    others=904,
    io_ns=7104338904220,
    residuals=3,
)


def test_each_drive_once_whatever_its_further_names() -> None:
    others = {f"{T}/{name}/stats/read_cnt": "1294\n" for name in ("nst0", "st0a", "st0l", "st0m", "nst0a")}
    assert read(CLASS_SCSI_TAPE, ST0 | others | {f"{T}/st12/stats/read_cnt": "5\n"}) == [
        ROW0,
        ScsiTape("st12", reads=5),
    ]


def test_garbage_costs_its_own_field() -> None:
    [tape], this = reading(
        CLASS_SCSI_TAPE, {f"{T}/st0/stats/read_cnt": "x", f"{T}/st0/stats/write_cnt": "18446744073709551615"}
    )
    assert tape == ScsiTape("st0", writes=18446744073709551615)
    assert this.failures["stats/read_cnt"].reason is Reason.MALFORMED


def test_hostile_names() -> None:
    assert read(CLASS_SCSI_TAPE, {f"{T}/st0/device@": b"../\x1b[2J\xff"}) == [ScsiTape("st0", "\\x1b[2J\\xff")]


def test_no_tapes() -> None:
    assert failure(CLASS_SCSI_TAPE, {}).reason is Reason.MISSING
