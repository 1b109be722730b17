"""/sys/class/nvme/*: NVMe controllers, and the namespaces that each of them reaches.

    model: Samsung SSD 980 PRO 1TB, state: live, nvme0n1/size: 1953525168, nvme0n1/nuse: 1953525168

A namespace with several paths is here once a path, as nvme0c1n1. Its size is in sectors of 512 bytes; what is in use
is in its own blocks, and asking for that sends a command to the device.

https://github.com/torvalds/linux/blob/master/drivers/nvme/host/sysfs.c
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.text import amount, sized
from procpulse.tree import Folder, Tree

_SECTOR = 512  # bytes, whatever the namespace's own blocks are
_NAMESPACE = re.compile(r"nvme[0-9]+(?:c[0-9]+)?n([0-9]{1,9})")


class NvmeNamespace(msgspec.Struct, frozen=True, gc=False):
    """One namespace, or one path to it."""

    name: Annotated[str, label("Name of the namespace, such as nvme0n1, or of a path to it, such as nvme0c1n1.")]
    number: Annotated[int, info("Number at the end of its name, as the kernel counts them.")]
    nsid: Annotated[int | None, info("Number that the controller knows it by.")] = None
    size_bytes: Annotated[int | None, gauge("Its size.")] = None
    used_bytes: Annotated[
        int | None, gauge("How much of it is allocated; all of it where it is not thin (Linux 6.8).")
    ] = None
    logical_block_size_bytes: Annotated[int | None, gauge("Size of its blocks.")] = None
    ana_state: Annotated[
        str | None, info("How good this path is: optimized, non-optimized, inaccessible, persistent-loss or change.")
    ] = None


class NvmeController(msgspec.Struct, frozen=True):
    """One NVMe controller."""

    name: Annotated[str, label("Name of the controller, such as nvme0.")]
    model: Annotated[str | None, info("Model.")] = None
    serial: Annotated[str | None, info("Serial number.")] = None
    firmware_rev: Annotated[str | None, info("Version of its firmware.")] = None
    cntlid: Annotated[int | None, info("Number of the controller in its subsystem; None until it has one.")] = None
    state: Annotated[str | None, info("State, such as new, live, resetting, connecting, deleting or dead.")] = None
    transport: Annotated[str | None, info("How it is reached: pcie, tcp, rdma, fc or loop.")] = None
    address: Annotated[str | None, info("Where it is: address on the bus or in the network.")] = None
    subsysnqn: Annotated[str | None, info("Name of the subsystem that it belongs to.")] = None
    namespaces: Annotated[list[NvmeNamespace], group("Namespaces that it reaches.")] = []


def _sectors(data: bytes) -> int | None:
    return amount(data, _SECTOR)


def _id(data: bytes) -> int | None:
    """The number of a controller; 65,535 stands for any that the subsystem will choose."""
    number = amount(data)
    return None if number == 0xFFFF else number


def _namespace(folder: Folder, instance: int) -> NvmeNamespace:
    block = folder.number("queue/logical_block_size")
    used = folder.number("nuse")
    return NvmeNamespace(
        folder.name,
        instance,
        folder.number("nsid"),
        folder.parsed("size", _sectors),
        None if block is None or used is None else sized(used, block),
        block,
        folder.text("ana_state"),
    )


def parse(folder: Folder) -> NvmeController:
    found = [(below, _NAMESPACE.fullmatch(below.name)) for below in folder.folders("nvme[0-9]*n[0-9]*")]
    return NvmeController(
        folder.name,
        folder.text("model"),
        folder.text("serial"),
        folder.text("firmware_rev"),
        folder.parsed("cntlid", _id),
        folder.text("state"),
        folder.text("transport"),
        folder.text("address"),
        folder.text("subsysnqn"),
        [_namespace(below, int(match[1])) for below, match in found if match],
    )


FILES = (
    "model", "serial", "firmware_rev", "cntlid", "state", "transport", "address", "subsysnqn",
    "nvme[0-9]*n[0-9]*/nsid", "nvme[0-9]*n[0-9]*/size", "nvme[0-9]*n[0-9]*/nuse",
    "nvme[0-9]*n[0-9]*/queue/logical_block_size", "nvme[0-9]*n[0-9]*/ana_state",
)  # fmt: skip
_SLOW = ("nvme[0-9]*n[0-9]*/nuse",)
CLASS_NVME = Tree("class_nvme", "/sys/class/nvme/nvme[0-9]*", FILES, NvmeController, parse, slow=_SLOW)
