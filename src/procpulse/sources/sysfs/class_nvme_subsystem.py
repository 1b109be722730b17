"""/sys/class/nvme-subsystem/*: what NVMe controllers lead to together: one subsystem, its paths and its namespaces.

    subsysnqn: nqn.2014-08.org.example:storage, iopolicy: numa, nvme0/state: live, nvme0/transport: tcp

https://docs.kernel.org/admin-guide/nvme-multipath.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import group, info, label
from procpulse.tree import Folder, Tree

_CONTROLLER = re.compile(r"nvme[0-9]+")
_NAMESPACE = re.compile(r"nvme[0-9]+n[0-9]+")


class NvmePath(msgspec.Struct, frozen=True, gc=False):
    """A controller: one path to the subsystem."""

    name: Annotated[str, label("Name of the controller, such as nvme0.")]
    state: Annotated[str | None, info("State, such as live, connecting or dead.")] = None
    transport: Annotated[str | None, info("How it is reached: pcie, tcp, rdma, fc or loop.")] = None
    address: Annotated[str | None, info("Where it is: address on the bus or in the network.")] = None


class NvmeSubsystem(msgspec.Struct, frozen=True):
    """One NVMe subsystem."""

    name: Annotated[str, label("Name of the subsystem, such as nvme-subsys0.")]
    subsysnqn: Annotated[str | None, info("Its NVMe qualified name.")] = None
    model: Annotated[str | None, info("Model.")] = None
    serial: Annotated[str | None, info("Serial number.")] = None
    firmware_rev: Annotated[str | None, info("Version of its firmware.")] = None
    iopolicy: Annotated[str | None, info("How a path is chosen: numa, round-robin or queue-depth (Linux 5.1).")] = None
    controllers: Annotated[list[NvmePath], group("Paths to it.")] = []
    namespaces: Annotated[list[str], info("Namespaces that it offers through any of its paths.")] = []


def parse(folder: Folder) -> NvmeSubsystem:
    return NvmeSubsystem(
        folder.name,
        folder.text("subsysnqn"),
        folder.text("model"),
        folder.text("serial"),
        folder.text("firmware_rev"),
        folder.text("iopolicy"),
        [
            NvmePath(path.name, path.text("state"), path.text("transport"), path.text("address"))
            for path in folder.folders("nvme[0-9]*")
            if _CONTROLLER.fullmatch(path.name)
        ],
        [name.rstrip("/") for name in folder.found("nvme[0-9]*n[0-9]*/") if _NAMESPACE.fullmatch(name.rstrip("/"))],
    )


FILES = (
    "subsysnqn", "model", "serial", "firmware_rev", "iopolicy", "nvme[0-9]*/state", "nvme[0-9]*/transport",
    "nvme[0-9]*/address", "nvme[0-9]*n[0-9]*/",
)  # fmt: skip
CLASS_NVME_SUBSYSTEM = Tree(
    "class_nvme_subsystem", "/sys/class/nvme-subsystem/nvme-subsys[0-9]*", FILES, NvmeSubsystem, parse
)
