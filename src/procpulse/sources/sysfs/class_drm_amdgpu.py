"""/sys/class/drm/card*/device: what the driver of AMD's graphics cards offers: load, memory, clocks.

    gpu_busy_percent: 7, mem_info_vram_used: 1490378752, pp_dpm_sclk: 1: 1138Mhz *

All of it is asked from the card, which may take a while. A card that sleeps is not asked, since that would wake it.
`pcie_bw` is left out: it measures for a second.

https://docs.kernel.org/gpu/amdgpu/driver-misc.html, https://docs.kernel.org/gpu/amdgpu/thermal.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.text import amount, lines, number, scaled, shorten
from procpulse.tree import Folder, Tree


class AmdGpu(msgspec.Struct, frozen=True, gc=False):
    """A graphics card of AMD."""

    card: Annotated[str, label("Name of the card, such as card0.")]
    device: Annotated[str | None, info("Device that it is, such as 0000:03:00.0 on the PCI bus.")] = None
    runtime_status: Annotated[
        str | None, info("Whether the card sleeps: active or suspended; asleep it is not asked.")
    ] = None
    gpu_busy_percent: Annotated[int | None, gauge("How busy its engines are (Linux 4.19).")] = None
    mem_busy_percent: Annotated[int | None, gauge("How busy its memory is (Linux 5.3).")] = None
    mem_info_vram_total_bytes: Annotated[int | None, gauge("Memory of the card.")] = None
    mem_info_vram_used_bytes: Annotated[int | None, gauge("Memory of the card that is in use.")] = None
    mem_info_vis_vram_total_bytes: Annotated[int | None, gauge("Memory of the card that the CPU can reach.")] = None
    mem_info_vis_vram_used_bytes: Annotated[
        int | None, gauge("Memory of the card that the CPU can reach and that is in use.")
    ] = None
    mem_info_gtt_total_bytes: Annotated[int | None, gauge("Memory of the host that the card may use.")] = None
    mem_info_gtt_used_bytes: Annotated[int | None, gauge("Memory of the host that the card uses.")] = None
    mem_info_vram_vendor: Annotated[str | None, info("Maker of its memory chips (Linux 5.5).")] = None
    pp_dpm_sclk_hz: Annotated[int | None, gauge("Clock of its compute units now.")] = None
    pp_dpm_mclk_hz: Annotated[int | None, gauge("Clock of its memory now.")] = None
    power_dpm_state: Annotated[str | None, info("Power state of old cards: battery, balanced or performance.")] = None
    power_dpm_force_performance_level: Annotated[
        str | None, info("Who chooses the clocks: auto, low, high, manual or a profile.")
    ] = None
    pcie_replays: Annotated[int | None, counter("Packets sent again to or from the card (Linux 5.3).")] = None
    unique_id: Annotated[str | None, info("Id of the card, on some models (Linux 5.3).")] = None
    product_name: Annotated[str | None, info("Product, on cards for servers (Linux 5.8).")] = None
    product_number: Annotated[str | None, info("Number of the product, on cards for servers (Linux 5.8).")] = None
    vbios_version: Annotated[str | None, info("Version of its BIOS.")] = None


def _clock(data: bytes) -> int | None:
    """The marked one of a list of clocks, such as `1: 1138Mhz *`; None where none is."""
    for line in lines(data):
        if line.rstrip().endswith(b"*"):
            words = line.partition(b":")[2].split()
            if not words or not words[0].lower().endswith(b"mhz"):
                raise ValueError(f"no clock: {shorten(line)}")
            return scaled(number(words[0][:-3]), 1_000_000)
    return None


def _percent(data: bytes) -> int | None:
    """A share; None for 65,535, which the firmware says where it does not measure it, and anything else above 100."""
    share = amount(data)
    return share if share is not None and share <= 100 else None


_SIZES = ("vram_total", "vram_used", "vis_vram_total", "vis_vram_used", "gtt_total", "gtt_used")


def parse(folder: Folder) -> AmdGpu | None:
    if folder.target("device/driver@") != "amdgpu":
        return None
    number, text = folder.number, folder.text
    vendor = text("device/mem_info_vram_vendor")
    sizes: dict[str, Any] = {f"mem_info_{size}_bytes": number(f"device/mem_info_{size}") for size in _SIZES}
    return AmdGpu(
        folder.name,
        folder.target("device@"),
        text("device/power/runtime_status"),
        folder.parsed("device/gpu_busy_percent", _percent),
        folder.parsed("device/mem_busy_percent", _percent),
        mem_info_vram_vendor=None if vendor == "unknown" else vendor,
        pp_dpm_sclk_hz=folder.parsed("device/pp_dpm_sclk", _clock),
        pp_dpm_mclk_hz=folder.parsed("device/pp_dpm_mclk", _clock),
        power_dpm_state=text("device/power_dpm_state"),
        power_dpm_force_performance_level=text("device/power_dpm_force_performance_level"),
        pcie_replays=number("device/pcie_replay_count"),
        unique_id=text("device/unique_id"),
        product_name=text("device/product_name"),
        product_number=text("device/product_number"),
        vbios_version=text("device/vbios_version"),
        **sizes,
    )


_ASKED = (
    "device/gpu_busy_percent", "device/mem_busy_percent", *(f"device/mem_info_{size}" for size in _SIZES),
    "device/mem_info_vram_vendor", "device/pp_dpm_sclk", "device/pp_dpm_mclk", "device/power_dpm_state",
    "device/power_dpm_force_performance_level", "device/pcie_replay_count", "device/unique_id", "device/product_name",
    "device/product_number", "device/vbios_version",
)  # fmt: skip
FILES = ("device@", "device/driver@", "device/power/runtime_status", *_ASKED)
CLASS_DRM_AMDGPU = Tree(
    "class_drm_amdgpu",
    "/sys/class/drm/card[0-9]+",
    FILES,
    AmdGpu,
    parse,
    slow=_ASKED,
    wakes=_ASKED,
    power="device/power/runtime_status",
)
