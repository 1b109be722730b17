from procpulse import Reason
from procpulse.sources import BLOCK_LINKS
from procpulse.sources.sysfs.block_links import BlockLinks
from tests.cases import failure, read

B = "/sys/block"


def test_what_devices_are_built_on() -> None:
    files = {
        f"{B}/sda/size": "100\n",
        f"{B}/dm-10/slaves/dm-2": "",
        f"{B}/dm-2/slaves/nvme0n1p3": "",
        f"{B}/dm-2/slaves/sda": "",
        f"{B}/cciss!c0d0/slaves/x": "",
    }
    assert read(BLOCK_LINKS, files) == [
        BlockLinks("cciss!c0d0", ["x"]),
        BlockLinks("dm-2", ["nvme0n1p3", "sda"]),
        BlockLinks("dm-10", ["dm-2"]),
    ]


def test_a_hostile_name() -> None:
    assert read(BLOCK_LINKS, {f"{B}/dm-0/slaves/a\x1b[2J": ""}) == [BlockLinks("dm-0", ["a\\x1b[2J"])]


def test_none() -> None:
    assert failure(BLOCK_LINKS, {}).reason is Reason.MISSING
