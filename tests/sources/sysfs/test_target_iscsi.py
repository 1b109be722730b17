import pytest

from procpulse import Reason
from procpulse.source import Failure
from procpulse.sources import TARGET_ISCSI
from procpulse.sources.sysfs.target_iscsi import IscsiLun, IscsiPortalGroup, IscsiTarget
from tests.cases import Files, failure, read, reading

NAME = "iqn.2003-01.org.example:files"
C = "/sys/kernel/config/target"
G = f"{C}/iscsi/{NAME}/tpgt_1"
LUN = f"{G}/lun/lun_0"
PORT = f"{LUN}/statistics/scsi_tgt_port"
FILES: dict[str, str] = {
    f"{G}/enable": "1\n",
    f"{G}/np/192.0.2.10:3260/iser": "0\n",
    f"{G}/np/[2001:db8::1]:3260/iser": "0\n",
    f"{LUN}/7f4a4eb56d@": "../../../../../../target/core/fileio_2/archive",
    f"{LUN}/alua_tg_pt_gp": "never opened",
    f"{PORT}/in_cmds": "301951\n",
    f"{PORT}/read_mbytes": "12\n",
    f"{PORT}/write_mbytes": "40\n",
    f"{C}/core/fileio_2/archive/udev_path": "/srv/archive.img\n",
    f"{C}/iscsi/discovery_auth/enforce_discovery_auth": "0\n",
    f"{C}/iscsi/lio_version": "never opened",
}
PORTALS = ["192.0.2.10:3260", "[2001:db8::1]:3260"]


def target(**lun: object) -> list[IscsiTarget]:
    values = {
        "backstore": "fileio", "backstore_number": 2, "object_name": "archive", "udev_path": "/srv/archive.img",
        "commands": 301951, "read_bytes": 12 << 20, "written_bytes": 40 << 20,
    }  # fmt: skip
    return [IscsiTarget(NAME, [IscsiPortalGroup("tpgt_1", True, PORTALS, [IscsiLun("lun_0", **(values | lun))])])]  # type: ignore[arg-type]


def linked(store: str, path: str | None) -> dict[str, str]:
    files = {f"{LUN}/7f4a4eb56d@": f"../../../../../../target/core/{store}"}
    return files if path is None else files | {f"{C}/core/{store}/udev_path": path}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, target(), id="a file"),
        pytest.param(
            linked("iblock_0/fast", "/dev/mapper/vg0-fast\n"),
            target(backstore="iblock", backstore_number=0, object_name="fast", udev_path="/dev/mapper/vg0-fast"),
            id="a block device",
        ),
        pytest.param(
            linked("rbd_1/vms-web-1", "/dev/rbd/vms/web-1\n"),
            target(
                backstore="rbd",
                backstore_number=1,
                object_name="vms-web-1",
                udev_path="/dev/rbd/vms/web-1",
                rbd_pool="vms",
                rbd_image="web-1",
            ),
            id="an image in Ceph",
        ),
        pytest.param(
            linked("rd_mcp_119/scratch", "\n"),
            target(backstore="rd_mcp", backstore_number=119, object_name="scratch", udev_path=None),
            id="memory",
        ),
        pytest.param(
            linked("pscsi/tape", None),
            target(backstore="pscsi", backstore_number=None, object_name="tape", udev_path=None),
            id="a store without a number, and gone",
        ),
        pytest.param(
            {f"{LUN}/7f4a4eb56d@": "nowhere"},
            target(backstore=None, backstore_number=None, object_name=None, udev_path=None),
            id="a link that is none",
        ),
    ],
)
def test_disks(files: dict[str, str], expected: list[IscsiTarget]) -> None:
    assert read(TARGET_ISCSI, FILES | files) == expected


def test_a_target_without_disks() -> None:
    files = {f"{C}/iscsi/eui.02004567A425678D/tpgt_3/enable": "0\n"}
    assert read(TARGET_ISCSI, files) == [IscsiTarget("eui.02004567A425678D", [IscsiPortalGroup("tpgt_3", False)])]


@pytest.mark.parametrize("name", ["in_cmds", "read_mbytes"])
def test_garbage_costs_its_own_field(name: str) -> None:
    [row], this = reading(TARGET_ISCSI, FILES | {f"{PORT}/{name}": "many\n"})
    assert row.portal_groups[0].luns[0].written_bytes == 40 << 20
    assert [f.reason for f in this.failures.values()] == [Reason.MALFORMED]


def test_a_store_that_may_not_be_read() -> None:
    denied = Failure(Reason.DENIED, f"{C}/core/fileio_2/archive/udev_path", "EACCES")
    value, this = reading(TARGET_ISCSI, FILES | {denied.path: denied})  # type: ignore[dict-item]
    assert value == target(udev_path=None)
    assert this.failures["udev_path"].reason is Reason.DENIED


def test_none() -> None:
    assert failure(TARGET_ISCSI, {}).reason is Reason.MISSING


@pytest.mark.parametrize("name", ["archive", "alua_of_mine", "statistic", "0", "Zürich disk", "7f4a4eb56d"])
def test_the_link_to_the_store_may_have_any_name(name: str) -> None:
    """People make it by hand, too; the kernel's own files stand beside it."""
    files: Files = {
        f"{LUN}/{name}@": "../../../../../../target/core/iblock_3/vol",
        f"{LUN}/alua_tg_pt_gp": "TG Port Alias: default_tg_pt_gp\nTG Port Group ID: 0\n",
        f"{LUN}/alua_tg_pt_gp@": Failure(Reason.UNSUPPORTED, f"{LUN}/alua_tg_pt_gp", "EINVAL"),
        f"{LUN}/statistics@": Failure(Reason.UNSUPPORTED, f"{LUN}/statistics", "EINVAL"),
    }
    [target], this = reading(TARGET_ISCSI, files)
    [lun] = target.portal_groups[0].luns
    assert (lun.backstore, lun.backstore_number, lun.object_name) == ("iblock", 3, "vol")
    assert this.failures == {}
