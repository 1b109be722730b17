"""/sys/class/drm/card*: what the drivers of Intel's graphics cards offer: clocks, idle time, why they are throttled.

    i915: gt/gt0/rps_act_freq_mhz: 350, gt/gt0/rc6_residency_ms: 8841239
    xe: device/tile0/gt0/freq0/act_freq: 1150, device/tile0/gt0/gtidle/idle_residency_ms: 553170

The card answers from its registers. A card that sleeps is not asked, since that would wake it. nouveau offers sensors
only; they are in class_hwmon.

https://docs.kernel.org/gpu/xe/xe_gt_freq.html, https://docs.kernel.org/gpu/i915.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import amount, inert
from procpulse.tree import Folder, Tree


class IntelGt(msgspec.Struct, frozen=True, gc=False):
    """A graphics or media unit of a card."""

    gt: Annotated[str, label("Name of the unit, such as gt0, or tile0/gt0 on xe.")]
    act_freq_hz: Annotated[int | None, gauge("Clock that the hardware runs at; 0 while the unit is idle.")] = None
    cur_freq_hz: Annotated[int | None, gauge("Clock that was asked for.")] = None
    min_freq_hz: Annotated[int | None, gauge("Lowest clock that is allowed.")] = None
    max_freq_hz: Annotated[int | None, gauge("Highest clock that is allowed.")] = None
    boost_freq_hz: Annotated[int | None, gauge("Clock while somebody waits for the result, on i915.")] = None
    rp0_freq_hz: Annotated[int | None, gauge("Highest clock of the hardware.")] = None
    rp1_freq_hz: Annotated[int | None, gauge("Clock that the hardware guarantees, on i915.")] = None
    rpe_freq_hz: Annotated[int | None, gauge("Most efficient clock, on xe (Linux 6.8).")] = None
    rpn_freq_hz: Annotated[int | None, gauge("Lowest clock of the hardware.")] = None
    rc6_residency_ms: Annotated[int | None, counter("Time spent powered down, on i915.", bits=32)] = None
    idle_residency_ms: Annotated[int | None, counter("Time spent powered down, on xe (Linux 6.8).")] = None
    idle_status: Annotated[str | None, info("State now, on xe: gt-c0 for running, gt-c6 for idle (Linux 6.8).")] = None
    throttled: Annotated[bool | None, info("Whether the clock is held down (Linux 5.19).")] = None
    throttle_reasons: Annotated[
        list[str] | None, info("What holds the clock down, such as pl1, thermal or prochot (Linux 5.19).")
    ] = None


class IntelGpu(msgspec.Struct, frozen=True, gc=False):
    """A graphics card of Intel."""

    card: Annotated[str, label("Name of the card, such as card0.")]
    driver: Annotated[str, info("Driver: i915 or xe.")]
    device: Annotated[str | None, info("Device that it is, such as 0000:03:00.0 on the PCI bus.")] = None
    runtime_status: Annotated[
        str | None, info("Whether the card sleeps: active or suspended; asleep it is not asked.")
    ] = None
    gts: Annotated[list[IntelGt], group("Its units.")] = []


_I915 = ("act", "cur", "min", "max", "boost", "RP0", "RP1", "RPn")
_XE = ("act", "cur", "min", "max", "rp0", "rpe", "rpn")


def _mhz(data: bytes) -> int | None:
    return amount(data, 1_000_000)


def _reasons(folder: Folder, prefix: str) -> list[str] | None:
    """The names of the reasons that hold now; None where the kernel tells none."""
    reasons = [name for name in folder.found(f"{prefix}*") if name != f"{prefix}status"]
    if not reasons:
        return None
    return [
        inert(name.removeprefix(prefix).encode("utf-8", "surrogateescape")) for name in reasons if folder.flag(name)
    ]


def _i915(folder: Folder, name: str, prefix: str, residency: str) -> IntelGt:
    clocks: dict[str, Any] = {
        f"{clock.lower()}_freq_hz": folder.parsed(f"{prefix}{clock}_freq_mhz", _mhz) for clock in _I915
    }
    return IntelGt(
        name,
        rc6_residency_ms=folder.number(residency),
        throttled=folder.flag("throttle_reason_status"),
        throttle_reasons=_reasons(folder, "throttle_reason_"),
        **clocks,
    )


def _xe(folder: Folder, name: str) -> IntelGt:
    clocks: dict[str, Any] = {f"{clock}_freq_hz": folder.parsed(f"freq0/{clock}_freq", _mhz) for clock in _XE}
    return IntelGt(
        name,
        idle_residency_ms=folder.number("gtidle/idle_residency_ms"),
        idle_status=folder.text("gtidle/idle_status"),
        throttled=folder.flag("freq0/throttle/status"),
        throttle_reasons=_reasons(folder, "freq0/throttle/reason_"),
        **clocks,
    )


def parse(folder: Folder) -> IntelGpu | None:
    driver = folder.target("device/driver@")
    if driver not in ("i915", "xe"):
        return None
    gts = [_i915(gt, gt.name, "rps_", "rc6_residency_ms") for gt in folder.folders("gt/gt*")]
    for gt in folder.folders("device/tile*/gt*"):
        tile = gt.path.split("/")[-2]
        gts.append(_xe(gt, f"{inert(tile.encode('utf-8', 'surrogateescape'))}/{gt.name}"))
    if not gts and any(name.startswith("gt_") for name in folder.entries):  # before Linux 5.19
        gts.append(_i915(folder, "gt0", "gt_", "power/rc6_residency_ms"))
    return IntelGpu(folder.name, driver, folder.target("device@"), folder.text("device/power/runtime_status"), gts)


_ASKED = (
    *(f"gt_{clock}_freq_mhz" for clock in _I915), "power/rc6_residency_ms",
    *(f"gt/gt[0-9]*/rps_{clock}_freq_mhz" for clock in _I915), "gt/gt[0-9]*/rc6_residency_ms",
    "gt/gt[0-9]*/throttle_reason_*",
    *(f"device/tile[0-9]*/gt[0-9]*/freq0/{clock}_freq" for clock in _XE),
    "device/tile[0-9]*/gt[0-9]*/freq0/throttle/status", "device/tile[0-9]*/gt[0-9]*/freq0/throttle/reason_*",
    "device/tile[0-9]*/gt[0-9]*/gtidle/idle_residency_ms", "device/tile[0-9]*/gt[0-9]*/gtidle/idle_status",
)  # fmt: skip
FILES = ("device@", "device/driver@", "device/power/runtime_status", *_ASKED)
CLASS_DRM_INTEL = Tree(
    "class_drm_intel",
    "/sys/class/drm/card[0-9]+",
    FILES,
    IntelGpu,
    parse,
    slow=_ASKED,
    wakes=_ASKED,
    power="device/power/runtime_status",
)
