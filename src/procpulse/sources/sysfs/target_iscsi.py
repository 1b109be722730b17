"""/sys/kernel/config/target/iscsi/*: disks that this host offers over iSCSI, where they are stored, and their traffic.

    iqn.2003-01.org.example:disks/tpgt_1/enable: 1
    .../tpgt_1/lun/lun_0/statistics/scsi_tgt_port/read_mbytes: 10325
    .../tpgt_1/lun/lun_0/7f4a4eb56d -> ../../../../../../target/core/fileio_1/archive

The kernel counts bytes and prints whole MiB: traffic grows in steps of that.

https://docs.kernel.org/target/tcmu-design.html, https://docs.kernel.org/admin-guide/abi-testing.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, group, info, label
from procpulse.source import Failure, Read, Reading, Steps
from procpulse.text import amount, inert, number
from procpulse.tree import Folder, Tree

_CORE = "/sys/kernel/config/target/core"


class IscsiLun(msgspec.Struct, frozen=True, gc=False):
    """One disk that is offered."""

    lun: Annotated[str, label("Name of the disk, such as lun_0.")]
    backstore: Annotated[
        str | None, info("How it is stored: fileio, iblock, rbd, rd_mcp for memory, pscsi or user.")
    ] = None
    backstore_number: Annotated[int | None, info("Number of the store among those of its kind.")] = None
    object_name: Annotated[str | None, info("Name that it was given in the store.")] = None
    udev_path: Annotated[str | None, info("File or device that it is stored on; None for memory.")] = None
    rbd_pool: Annotated[str | None, info("Pool of the image, of one that is stored in Ceph.")] = None
    rbd_image: Annotated[str | None, info("Name of the image, of one that is stored in Ceph.")] = None
    commands: Annotated[int | None, counter("Commands received.", bits="long")] = None
    read_bytes: Annotated[int | None, counter("Bytes read from it, in whole MiB.", bits=32, scale=1 << 20)] = None
    written_bytes: Annotated[int | None, counter("Bytes written to it, in whole MiB.", bits=32, scale=1 << 20)] = None


class IscsiPortalGroup(msgspec.Struct, frozen=True, gc=False):
    """Disks that are offered together at some addresses."""

    tpgt: Annotated[str, label("Name of the group, such as tpgt_1.")]
    enabled: Annotated[bool | None, info("Whether it is offered now.")] = None
    portals: Annotated[list[str] | None, info("Addresses that it is offered at.")] = None
    luns: Annotated[list[IscsiLun], group("Its disks.")] = []


class IscsiTarget(msgspec.Struct, frozen=True, gc=False):
    """One target: what an initiator connects to."""

    name: Annotated[str, label("Name of the target, such as iqn.2003-01.org.example:disks.")]
    portal_groups: Annotated[list[IscsiPortalGroup], group("Its portal groups.")] = []


def _mib(data: bytes) -> int | None:
    return amount(data, 1 << 20)


def _stored(folder: Folder) -> tuple[str, int | None, str] | tuple[None, None, None]:
    """Kind, number and object of the store that the link of a disk points to. The link has any name."""
    for name in folder.found("*@"):
        pieces = (folder.link(name) or "").rstrip("/").split("/")
        if pieces[-4:-2] != ["target", "core"]:
            continue  # in a tree that lost its links, any file may look like one
        store, object_name = pieces[-2:]
        kind, _, count = store.rpartition("_")
        if kind and count.isascii() and count.isdigit():
            return kind, number(count.encode()), object_name
        return store, None, object_name
    return None, None, None


def _lun(folder: Folder) -> IscsiLun:
    kind, count, object_name = _stored(folder)
    port = "statistics/scsi_tgt_port"
    return IscsiLun(
        folder.name,
        kind,
        count,
        object_name,
        commands=folder.number(f"{port}/in_cmds"),
        read_bytes=folder.parsed(f"{port}/read_mbytes", _mib),
        written_bytes=folder.parsed(f"{port}/write_mbytes", _mib),
    )


def _group(folder: Folder) -> IscsiPortalGroup:
    luns = [_lun(lun) for lun in folder.folders("lun/lun_[0-9]+")]
    return IscsiPortalGroup(folder.name, folder.flag("enable"), folder.names("np/"), luns)


def parse(folder: Folder) -> IscsiTarget:
    return IscsiTarget(folder.name, [_group(portals) for portals in folder.folders("tpgt_[0-9]+")])


def _with_path(lun: IscsiLun, data: object) -> IscsiLun:
    path = inert(data.strip(b" \n\0")) if isinstance(data, bytes) else ""
    pieces = path.split("/")
    pool, image = pieces[-2:] if lun.backstore == "rbd" and path.startswith("/dev/rbd/") else (None, None)
    return msgspec.structs.replace(lun, udev_path=path or None, rbd_pool=pool, rbd_image=image)


class _TargetIscsi(Tree[IscsiTarget]):
    """The targets, and of each disk where it is stored."""

    def steps(self, reading: Reading) -> Steps[list[IscsiTarget]]:
        """Read the targets, then the stores of their disks."""
        targets = yield from super().steps(reading)
        luns = [lun for target in targets for portals in target.portal_groups for lun in portals.luns]
        stores = {self._path(lun): None for lun in luns if lun.object_name is not None}
        answers = yield [Read(path, 4096, False, True) for path in stores]
        found = dict(zip(stores, answers, strict=True))
        for answer in answers:
            if isinstance(answer, Failure):
                reading.note("udev_path", answer)
        return [
            msgspec.structs.replace(
                target,
                portal_groups=[
                    msgspec.structs.replace(
                        portals, luns=[_with_path(lun, found.get(self._path(lun))) for lun in portals.luns]
                    )
                    for portals in target.portal_groups
                ],
            )
            for target in targets
        ]

    @staticmethod
    def _path(lun: IscsiLun) -> str:
        store = lun.backstore if lun.backstore_number is None else f"{lun.backstore}_{lun.backstore_number}"
        return f"{_CORE}/{store}/{lun.object_name}/udev_path"


FILES = (
    "tpgt_[0-9]+/enable", "tpgt_[0-9]+/np/", "tpgt_[0-9]+/lun/lun_[0-9]+/*@",
    *(f"tpgt_[0-9]+/lun/lun_[0-9]+/statistics/scsi_tgt_port/{n}" for n in ("in_cmds", "read_mbytes", "write_mbytes")),
)  # fmt: skip
TARGET_ISCSI = _TargetIscsi("target_iscsi", "/sys/kernel/config/target/iscsi/*.*", FILES, IscsiTarget, parse)
