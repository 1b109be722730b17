from procpulse import Failure, Reason
from procpulse.sources import CLASS_NVME
from procpulse.sources.sysfs.class_nvme import NvmeController, NvmeNamespace
from tests.cases import failure, read, reading

C = "/sys/class/nvme/nvme0"
DISK = {
    f"{C}/model": "Example Drive 980 2TB                   \n",
    f"{C}/serial": "EX5PNS0W301447F     \n",
    f"{C}/firmware_rev": "5B2QGXA7\n",
    f"{C}/cntlid": "6\n",
    f"{C}/state": "live\n",
    f"{C}/transport": "pcie\n",
    f"{C}/address": "0000:41:00.0\n",
    f"{C}/subsysnqn": "nqn.1994-11.com.example:nvme:EX5PNS0W301447F\n",
    f"{C}/reset_controller": "",
    f"{C}/ng0n1/dev": "241:0\n",
    f"{C}/nvme0n1/nsid": "1\n",
    f"{C}/nvme0n1/size": "3907029168\n",
    f"{C}/nvme0n1/queue/logical_block_size": "512\n",
}
DISK_ROW = NvmeController(
    "nvme0",
    "Example Drive 980 2TB",
    "EX5PNS0W301447F",
    "5B2QGXA7",
    6,
    "live",
    "pcie",
    "0000:41:00.0",
    "nqn.1994-11.com.example:nvme:EX5PNS0W301447F",
    [NvmeNamespace("nvme0n1", 1, 1, 2_000_398_934_016, None, 512)],
)


def test_a_disk_kernel_4_18() -> None:
    assert read(CLASS_NVME, DISK) == [DISK_ROW]


def test_what_is_in_use_kernel_6_8() -> None:
    [controller] = read(CLASS_NVME, DISK | {f"{C}/nvme0n1/nuse": "1220447904\n"})
    assert controller.namespaces == [NvmeNamespace("nvme0n1", 1, 1, 2_000_398_934_016, 624_869_326_848, 512)]


def test_a_path_with_blocks_of_4096_bytes() -> None:
    """Its size is in sectors of 512 bytes nevertheless; only what is in use is in blocks."""
    n = "/sys/class/nvme/nvme12/nvme3c12n10"
    files = {
        f"{n}/nsid": "7\n",
        f"{n}/size": "1562500000\n",
        f"{n}/nuse": "101562500\n",
        f"{n}/queue/logical_block_size": "4096\n",
        f"{n}/ana_state": "non-optimized\n",
    }
    path = NvmeNamespace("nvme3c12n10", 10, 7, 800_000_000_000, 416_000_000_000, 4096, "non-optimized")
    assert read(CLASS_NVME, files) == [NvmeController("nvme12", namespaces=[path])]


def test_many_namespaces_and_controllers_in_their_order() -> None:
    files = {f"/sys/class/nvme/nvme{c}/nvme{c}n{n}/nsid": str(n) for c in (10, 2) for n in (11, 2)}
    assert [(c.name, [n.name for n in c.namespaces]) for c in read(CLASS_NVME, files)] == [
        ("nvme2", ["nvme2n2", "nvme2n11"]),
        ("nvme10", ["nvme10n2", "nvme10n11"]),
    ]


def test_a_device_that_does_not_answer_costs_one_field() -> None:
    nuse = f"{C}/nvme0n1/nuse"
    found, this = reading(CLASS_NVME, DISK | {nuse: Failure(Reason.TIMEOUT, nuse)})
    assert found == [DISK_ROW]
    assert this.failures == {"nvme*n*/nuse": Failure(Reason.TIMEOUT, nuse)}


def test_garbage_costs_its_own_field() -> None:
    [controller], this = reading(CLASS_NVME, DISK | {f"{C}/nvme0n1/size": "big", f"{C}/cntlid": "99999999999999999999"})
    assert controller.cntlid is None
    assert controller.namespaces == [NvmeNamespace("nvme0n1", 1, 1, None, None, 512)]
    assert set(this.failures) == {"nvme*n*/size", "cntlid"}


def test_what_looks_like_a_namespace_and_is_none() -> None:
    assert read(CLASS_NVME, DISK | {f"{C}/nvme0n1x/size": "8", f"{C}/nvme0-n1/size": "8"}) == [DISK_ROW]


def test_hostile_names() -> None:
    [controller] = read(CLASS_NVME, {f"{C}/model": "\x1b[2J\u200e disk\n", f"{C}/serial": b"\xff\xfe"})
    assert controller == NvmeController("nvme0", "\\x1b[2J\\u200e disk", "\\xff\\xfe")


def test_no_nvme() -> None:
    assert failure(CLASS_NVME, {}).reason is Reason.MISSING
