"""/sys/devices/system/edac/mc/mc*: errors of the memory that the hardware corrected, or could not.

    mc_name: Skylake Socket#0 IMC#0, ce_count: 12, dimm3/dimm_ce_count: 12

https://docs.kernel.org/admin-guide/RAS/main.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import amount, number
from procpulse.tree import Folder, Tree


class EdacChannel(msgspec.Struct, frozen=True, gc=False):
    """A channel of a row of chips."""

    channel: Annotated[int, label("Number of the channel.")]
    dimm_label: Annotated[str | None, info("Name of the module, as set by hand or by the driver.")] = None
    correctable_errors: Annotated[int | None, counter("Errors that were corrected.", bits=32)] = None


class EdacCsrow(msgspec.Struct, frozen=True, gc=False):
    """A row of chips: the older way to say where memory is, gone from some kernels."""

    csrow: Annotated[int, label("Number of the row.")]
    size_bytes: Annotated[int | None, gauge("Memory in it.")] = None
    mem_type: Annotated[str | None, info("Kind of memory, such as Registered-DDR4.")] = None
    dev_type: Annotated[str | None, info("Width of the chips, such as x8.")] = None
    edac_mode: Annotated[str | None, info("How errors are found and corrected, such as SECDED.")] = None
    correctable_errors: Annotated[int | None, counter("Errors that were corrected.", bits=32)] = None
    uncorrectable_errors: Annotated[int | None, counter("Errors that could not be corrected.", bits=32)] = None
    channels: Annotated[list[EdacChannel], group("Its channels.")] = []


class EdacDimm(msgspec.Struct, frozen=True, gc=False):
    """A memory module, or a rank of one."""

    name: Annotated[str, label("Name, such as dimm3 or rank0.")]
    label: Annotated[str | None, info("Name of the module, as set by hand or by the driver.")] = None
    location: Annotated[str | None, info("Where it is, such as channel 1 slot 0.")] = None
    size_bytes: Annotated[int | None, gauge("Memory in it.")] = None
    mem_type: Annotated[str | None, info("Kind of memory, such as Registered-DDR4.")] = None
    dev_type: Annotated[str | None, info("Width of the chips, such as x8.")] = None
    edac_mode: Annotated[str | None, info("How errors are found and corrected, such as S4ECD4ED.")] = None
    correctable_errors: Annotated[int | None, counter("Errors that were corrected.", bits=32)] = None
    uncorrectable_errors: Annotated[int | None, counter("Errors that could not be corrected.", bits=32)] = None


class EdacController(msgspec.Struct, frozen=True, gc=False):
    """One memory controller."""

    controller: Annotated[int, label("Number of the controller.")]
    mc_name: Annotated[str | None, info("Kind of controller.")] = None
    size_bytes: Annotated[int | None, gauge("Memory that it manages.")] = None
    max_location: Annotated[str | None, info("The last place that a module can be in.")] = None
    correctable_errors: Annotated[int | None, counter("Errors that were corrected.", bits=32)] = None
    uncorrectable_errors: Annotated[int | None, counter("Errors that could not be corrected.", bits=32)] = None
    correctable_errors_noinfo: Annotated[
        int | None, counter("Corrected errors of which the place is not known.", bits=32)
    ] = None
    uncorrectable_errors_noinfo: Annotated[
        int | None, counter("Errors not corrected of which the place is not known.", bits=32)
    ] = None
    since_reset_seconds: Annotated[int | None, gauge("Time since the counters began at 0.")] = None
    scrub_rate_bytes_per_second: Annotated[
        int | None, gauge("Speed at which memory is searched for errors; None where it is not.")
    ] = None
    csrows: Annotated[list[EdacCsrow], group("Its memory by rows of chips.")] = []
    dimms: Annotated[list[EdacDimm], group("Its memory by modules.")] = []


def _mib(data: bytes) -> int | None:
    return amount(data, 1 << 20)


def _rate(data: bytes) -> int | None:
    rate = number(data)
    return rate if rate >= 0 else None


def _csrow(folder: Folder) -> EdacCsrow:
    channels = {int(name[2:].partition("_")[0]) for name in folder.found("ch[0-9]*_*")}
    return EdacCsrow(
        int(folder.name.removeprefix("csrow")),
        folder.parsed("size_mb", _mib),
        folder.text("mem_type"),
        folder.text("dev_type"),
        folder.text("edac_mode"),
        folder.number("ce_count"),
        folder.number("ue_count"),
        [
            EdacChannel(channel, folder.text(f"ch{channel}_dimm_label"), folder.number(f"ch{channel}_ce_count"))
            for channel in sorted(channels)
        ],
    )


def _dimm(folder: Folder) -> EdacDimm:
    return EdacDimm(
        folder.name,
        folder.text("dimm_label"),
        folder.text("dimm_location"),
        folder.parsed("size", _mib),
        folder.text("dimm_mem_type"),
        folder.text("dimm_dev_type"),
        folder.text("dimm_edac_mode"),
        folder.number("dimm_ce_count"),
        folder.number("dimm_ue_count"),
    )


def parse(folder: Folder) -> EdacController:
    number = folder.number
    return EdacController(
        int(folder.name.removeprefix("mc")), folder.text("mc_name"), folder.parsed("size_mb", _mib),
        folder.text("max_location"), number("ce_count"), number("ue_count"), number("ce_noinfo_count"),
        number("ue_noinfo_count"), number("seconds_since_reset"), folder.parsed("sdram_scrub_rate", _rate),
        [_csrow(csrow) for csrow in folder.folders("csrow*")],
        [_dimm(dimm) for kind in ("dimm*", "rank*") for dimm in folder.folders(kind)],
    )  # fmt: skip


_CSROW = (
    "size_mb", "mem_type", "dev_type", "edac_mode", "ce_count", "ue_count", "ch[0-9]*_ce_count",
    "ch[0-9]*_dimm_label",
)  # fmt: skip
_DIMM = (
    "size", "dimm_label", "dimm_location", "dimm_mem_type", "dimm_dev_type", "dimm_edac_mode", "dimm_ce_count",
    "dimm_ue_count",
)  # fmt: skip
FILES = (
    "mc_name", "size_mb", "max_location", "ce_count", "ue_count", "ce_noinfo_count", "ue_noinfo_count",
    "seconds_since_reset", "sdram_scrub_rate", *(f"csrow[0-9]*/{name}" for name in _CSROW),
    *(f"{kind}[0-9]*/{name}" for kind in ("dimm", "rank") for name in _DIMM),
)  # fmt: skip
EDAC = Tree(
    "edac",
    "/sys/devices/system/edac/mc/mc[0-9]*",
    FILES,
    EdacController,
    parse,
    slow=("sdram_scrub_rate",),
    seldom=("sdram_scrub_rate",),
)
