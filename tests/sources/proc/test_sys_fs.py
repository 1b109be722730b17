import msgspec
import pytest

from procpulse import Failure, Host, Reason
from procpulse.sources import SYS_FS
from procpulse.sources.proc.sys_fs import SysFs
from tests.cases import HOST, failure, read, reading

FILES = {
    "file-nr": "18912\t0\t9223372036854775807\n",
    "nr_open": "1048576\n",
    "inode-state": "901447\t61220\t0\t0\t0\t0\t0\n",
    "dentry-state": "1204338\t1101220\t45\t0\t330118\t0\n",
    "aio-nr": "1280\n",
    "aio-max-nr": "65536\n",
    "inotify/max_queued_events": "16384\n",
    "inotify/max_user_instances": "128\n",
    "inotify/max_user_watches": "504833\n",
    "epoll/max_user_watches": "14598144\n",
    "pipe-max-size": "1048576\n",
    "pipe-user-pages-hard": "0\n",
    "pipe-user-pages-soft": "16384\n",
}
EXPECTED = SysFs(
    files_allocated=18912, files_unused=0, files_max=9223372036854775807, nr_open=1048576, inodes=901447,
    inodes_free=61220, dentries=1204338, dentries_unused=1101220, dentries_negative=330118, aio_nr=1280,
    aio_max_nr=65536, inotify_max_queued_events=16384, inotify_max_user_instances=128, inotify_max_user_watches=504833,
    epoll_max_user_watches=14598144, pipe_max_size_bytes=1048576, pipe_user_pages_hard_pages=0,
    pipe_user_pages_soft_pages=16384,
)  # fmt: skip
OLD = Host(kernel="4.18.0-553.el8")


def at(files: dict[str, str]) -> dict[str, str]:
    return {f"/proc/sys/fs/{name}": text for name, text in files.items()}


@pytest.mark.parametrize(
    ("files", "host", "expected"),
    [
        pytest.param(FILES, HOST, EXPECTED, id="everything, kernel 6.18"),
        pytest.param(
            FILES | {"dentry-state": "1204338\t1101220\t45\t0\t0\t0\n"},
            OLD,
            msgspec.structs.replace(EXPECTED, dentries_negative=None),
            id="negative entries not counted yet, kernel 4.18",
        ),
        pytest.param({"file-nr": "592 0 2466177"}, HOST, SysFs(592, 0, 2466177), id="one file, the rest is absent"),
    ],
)
def test_sys_fs(files: dict[str, str], host: Host, expected: SysFs) -> None:
    assert read(SYS_FS, at(files), host) == expected


def test_garbage_costs_its_own_field() -> None:
    value, this = reading(SYS_FS, at(FILES | {"aio-nr": "many\n", "dentry-state": "1 x\n"}))
    nothing = {"aio_nr": None, "dentries": None, "dentries_unused": None, "dentries_negative": None}
    assert value == msgspec.structs.replace(EXPECTED, **nothing)
    assert {name: failure.reason for name, failure in this.failures.items()} == {
        "aio-nr": Reason.MALFORMED,
        "dentry-state": Reason.MALFORMED,
    }


@pytest.mark.parametrize("text", ["592 0\n", "592 0 x\n"], ids=["a column short", "no number"])
def test_malformed(text: str) -> None:
    value, this = reading(SYS_FS, at({"file-nr": text, "nr_open": "1"}))
    assert (value.files_allocated, value.nr_open) == (None, 1)
    assert this.failures["file-nr"].reason is Reason.MALFORMED


def test_a_short_row_costs_its_own_fields() -> None:
    value, this = reading(SYS_FS, at(FILES | {"inode-state": "901447\n", "dentry-state": "1 2 3 4\n"}))
    nothing = dict.fromkeys(("inodes", "inodes_free", "dentries", "dentries_unused", "dentries_negative"))
    assert value == msgspec.structs.replace(EXPECTED, **nothing)
    assert set(this.failures) == {"inode-state", "dentry-state"}


def test_masked() -> None:
    assert failure(SYS_FS, {}) == Failure(Reason.MISSING, "/proc/sys/fs", "ENOENT")
