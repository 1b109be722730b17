import pytest

from procpulse import Reason
from procpulse.sources import FS_EXT4
from procpulse.sources.sysfs.fs_ext4 import Ext4, Ext4Error
from tests.cases import failure, read, reading

E = "/sys/fs/ext4/sda1"
KERNEL_4_18 = {
    f"{E}/errors_count": "2\n",
    f"{E}/first_error_time": "1790112233\n",
    f"{E}/last_error_time": "1790445566\n",
    f"{E}/session_write_kbytes": "481516\n",
    f"{E}/lifetime_write_kbytes": "23421081\n",
    f"{E}/delayed_allocation_blocks": "13\n",
    f"{E}/reserved_clusters": "4096\n",
    f"{E}/trigger_fs_error": "never opened",
    "/sys/fs/ext4/features/lazy_itable_init": "supported\n",
}
LATER = {
    f"{E}/warning_count": "5\n",
    f"{E}/msg_count": "7\n",
    f"{E}/sra_exceeded_retry_limit": "1\n",
    f"{E}/journal_task": "412\n",
    f"{E}/first_error_func": "ext4_lookup\n",
    f"{E}/first_error_line": "1785\n",
    f"{E}/first_error_ino": "131074\n",
    f"{E}/first_error_block": "0\n",
    f"{E}/first_error_errcode": "117\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            KERNEL_4_18,
            Ext4(
                "sda1",
                2,
                first_error=Ext4Error(1790112233),
                last_error=Ext4Error(1790445566),
                session_written_bytes=481516 * 1024,
                lifetime_written_bytes=23421081 * 1024,
                delayed_allocation_blocks=13,
                reserved_clusters=4096,
            ),
            id="errors, kernel 4.18",
        ),
        pytest.param(
            KERNEL_4_18 | LATER,
            Ext4(
                "sda1",
                2,
                5,
                7,
                Ext4Error(1790112233, "ext4_lookup", 1785, 131074, None, 117),
                Ext4Error(1790445566),
                481516 * 1024,
                23421081 * 1024,
                13,
                4096,
                1,
                412,
            ),
            id="all of it, kernel 6.18",
        ),
        pytest.param(
            {f"{E}/errors_count": "0\n", f"{E}/first_error_time": "0\n", f"{E}/journal_task": "<none>\n"},
            Ext4("sda1", 0),
            id="no errors, no journal",
        ),
        pytest.param(
            {f"{E}/errors_count": "1\n", f"{E}/last_error_time": "9\n", f"{E}/last_error_func": b"\x1b[2J\n"},
            Ext4("sda1", 1, last_error=Ext4Error(9, "\\x1b[2J")),
            id="hostile",
        ),
    ],
)
def test_file_systems(files: dict[str, str | bytes], expected: Ext4) -> None:
    assert read(FS_EXT4, files) == [expected]


@pytest.mark.parametrize("name", ["errors_count", "lifetime_write_kbytes", "journal_task"])
def test_garbage_costs_its_own_field(name: str) -> None:
    [row], this = reading(FS_EXT4, KERNEL_4_18 | {f"{E}/{name}": "many\n"})
    assert row.reserved_clusters == 4096
    assert this.failures[name].reason is Reason.MALFORMED


def test_no_ext4() -> None:
    assert failure(FS_EXT4, {}).reason is Reason.MISSING
