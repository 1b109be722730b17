import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_maps import PID_MAPS, Mapping, PidMaps, st_dev
from tests.cases import parse

CASES = [
    pytest.param(
        "5600a0000000-5600a0008000 r-xp 00002000 fe:01 393449                     /usr/bin/vim\n"
        "5600a1000000-5600a1021000 rw-p 00000000 00:00 0                          [heap]\n"
        "7f0000000000-7f0000004000 ---p 00000000 00:00 0 \n"
        "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
        [
            Mapping(0, 0x8000, "r-xp", 0x2000, 0xFE01, 393449, "/usr/bin/vim"),
            Mapping(1, 0x21000, "rw-p", 0, 0, 0, "[heap]"),
            Mapping(2, 0x4000, "---p", 0, 0, 0),
            Mapping(3, 0x1000, "--xp", 0, 0, 0, "[vsyscall]"),
        ],
        id="64 bits",
    ),
    pytest.param(
        "08048000-08089000 r-xp 00000000 03:01 104 /bin/tcsh\n0808c000-08146000 rwxs 00000000 00:00 0\n",
        [
            Mapping(0, 0x41000, "r-xp", 0, 0x301, 104, "/bin/tcsh"),
            Mapping(1, 0xBA000, "rwxs", 0, 0, 0),
        ],
        id="32 bits, not padded",
    ),
    pytest.param(
        b"1000-2000 rw-s 00000000 00:1a 7   /dev/shm/a b  (deleted)\n"
        b"2000-3000 r--s 10c340000 103:02 18446744073709551615   /srv/new\\012line\\040\n"
        b"3000-4000 r--p 00000000 00:10 5   /\xff\x1b[m\n"
        b"4000-5000 rw-p 00000000 00:00 0   [anon:a : b]\n",
        [
            Mapping(0, 0x1000, "rw-s", 0, 0x1A, 7, "/dev/shm/a b ", True),
            Mapping(1, 0x1000, "r--s", 0x10C340000, 0x10302, 18446744073709551615, "/srv/new\\x0aline\\040"),
            Mapping(2, 0x1000, "r--p", 0, 0x10, 5, "/\\xff\\x1b[m"),
            Mapping(3, 0x1000, "rw-p", 0, 0, 0, "[anon:a : b]"),
        ],
        id="hostile names: the kernel escapes newlines and nothing else",
    ),
    pytest.param("", [], id="nothing is mapped"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_maps(text: str | bytes, expected: list[Mapping]) -> None:
    assert parse(PID_MAPS, text) == PidMaps(expected)


def test_no_address_is_kept() -> None:
    text = "5600a0000000-5600a0008000 r-xp 00002000 fe:01 393449   /usr/bin/vim\n"
    assert "5600a" not in repr(parse(PID_MAPS, text))
    assert str(0x5600A0000000) not in repr(parse(PID_MAPS, text))


@pytest.mark.parametrize(
    ("device", "number"),
    [(b"00:00", 0), (b"08:01", 0x801), (b"103:02", 0x10302), (b"fd:12345", 0x1230FD45), (b"fff:fffff", 0xFFFFFFFF)],
)
def test_device_numbers(device: bytes, number: int) -> None:
    assert st_dev(device) == number


@pytest.mark.parametrize(
    "text",
    [
        "1000-2000 rw-p 00000000 00:00\n",
        "1000 rw-p 00000000 00:00 0\n",
        "2000-1000 rw-p 00000000 00:00 0\n",
        "1000-2000 rwx 00000000 00:00 0\n",
        "1000-2000 rw-p 0000000g 00:00 0\n",
        "1000-2000 rw-p 00000000 0000 0\n",
        "1000-2000 rw-p 00000000 1000:00 0\n",
        "1000-2000 rw-p 00000000 00:00 x\n",
        "1000-20000000000000000 rw-p 00000000 00:00 0\n",
    ],
    ids=[
        "a column short", "no span", "ends before it begins", "three permissions", "no number", "no device", "no such device",
        "no inode", "over 64 bits",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_MAPS, text)
