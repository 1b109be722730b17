from typing import Any

import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_DRM_AMDGPU
from procpulse.sources.sysfs.class_drm_amdgpu import AmdGpu
from tests.cases import failure, read, reading

D = "/sys/class/drm/card1/device"
DRIVER = {f"{D}@": "../../../0000:0b:00.0", f"{D}/driver@": "../../../../bus/pci/drivers/amdgpu"}
OLD = DRIVER | {
    f"{D}/power/runtime_status": "active\n",
    f"{D}/mem_info_vram_total": "8573157376\n",
    f"{D}/mem_info_vram_used": "1490378752\n",
    f"{D}/mem_info_vis_vram_total": "268435456\n",
    f"{D}/mem_info_vis_vram_used": "17858560\n",
    f"{D}/mem_info_gtt_total": "8589934592\n",
    f"{D}/mem_info_gtt_used": "144560128\n",
    f"{D}/pp_dpm_sclk": "0: 300Mhz \n1: 608Mhz *\n2: 910Mhz \n",
    f"{D}/pp_dpm_mclk": "0: 300Mhz *\n1: 1750Mhz \n",
    f"{D}/power_dpm_state": "performance\n",
    f"{D}/power_dpm_force_performance_level": "auto\n",
    f"{D}/vbios_version": "113-2E3480U-O45\n",
    f"{D}/pcie_bw": "6641 815 256\n",
}
NEW = OLD | {
    f"{D}/gpu_busy_percent": "97\n",
    f"{D}/mem_busy_percent": "31\n",
    f"{D}/mem_info_vram_vendor": "samsung\n",
    f"{D}/pcie_replay_count": "18446744073709551615\n",
    f"{D}/unique_id": "5a1c00d4e3b29f77\n",
    f"{D}/product_name": "\n",
    f"{D}/product_number": "102-D41211-00\n",
}
BEGINNING: dict[str, Any] = {"card": "card1", "device": "0000:0b:00.0"}
OLD_VALUES: dict[str, Any] = BEGINNING | {
    "runtime_status": "active",
    "mem_info_vram_total_bytes": 8573157376,
    "mem_info_vram_used_bytes": 1490378752,
    "mem_info_vis_vram_total_bytes": 268435456,
    "mem_info_vis_vram_used_bytes": 17858560,
    "mem_info_gtt_total_bytes": 8589934592,
    "mem_info_gtt_used_bytes": 144560128,
    "pp_dpm_sclk_hz": 608_000_000,
    "pp_dpm_mclk_hz": 300_000_000,
    "power_dpm_state": "performance",
    "power_dpm_force_performance_level": "auto",
    "vbios_version": "113-2E3480U-O45",
}
NEW_VALUES: dict[str, Any] = OLD_VALUES | {
    "gpu_busy_percent": 97,
    "mem_busy_percent": 31,
    "mem_info_vram_vendor": "samsung",
    "pcie_replays": 18446744073709551615,
    "unique_id": "5a1c00d4e3b29f77",
    "product_number": "102-D41211-00",
}


def test_before_load_kernel_4_18() -> None:
    assert read(CLASS_DRM_AMDGPU, OLD) == [AmdGpu(**OLD_VALUES)]


def test_with_load_kernel_6_18() -> None:
    assert read(CLASS_DRM_AMDGPU, NEW) == [AmdGpu(**NEW_VALUES)]


@pytest.mark.parametrize(
    ("clocks", "hz"),
    [
        pytest.param("0: 500Mhz \n1: 2475Mhz *\n", 2_475_000_000, id="the marked one"),
        pytest.param("S: 19Mhz *\n0: 500Mhz \n1: 2475Mhz \n", 19_000_000, id="deep sleep, kernel 6.8"),
        pytest.param("0: 500Mhz \n1: 2475Mhz \n", None, id="none is marked"),
        pytest.param("\n", None, id="empty"),
    ],
)
def test_clocks(clocks: str, hz: int | None) -> None:
    assert read(CLASS_DRM_AMDGPU, DRIVER | {f"{D}/pp_dpm_sclk": clocks}) == [AmdGpu(**BEGINNING, pp_dpm_sclk_hz=hz)]


@pytest.mark.parametrize("clocks", ["0: *\n", "0: 500 *\n", "0: manyMhz *\n", "*\n", "0: 5e3Mhz *\n"])
def test_clocks_that_make_no_sense(clocks: str) -> None:
    rows, this = reading(CLASS_DRM_AMDGPU, DRIVER | {f"{D}/pp_dpm_sclk": clocks})
    assert rows == [AmdGpu(**BEGINNING)]
    assert this.failures["device/pp_dpm_sclk"].reason is Reason.MALFORMED


def test_a_card_that_sleeps_is_not_woken() -> None:
    asleep = NEW | {f"{D}/power/runtime_status": "suspended\n"}
    assert read(CLASS_DRM_AMDGPU, asleep) == [AmdGpu(**BEGINNING, runtime_status="suspended")]


def test_cards_of_others_are_no_rows() -> None:
    files = {"/sys/class/drm/card0/device/driver@": "../../../../bus/pci/drivers/radeon", f"{D}/vbios_version": "x"}
    assert read(CLASS_DRM_AMDGPU, files) == []


def test_a_card_in_trouble_costs_its_own_fields() -> None:
    busy = f"{D}/gpu_busy_percent"
    rows, this = reading(CLASS_DRM_AMDGPU, OLD | {busy: Failure(Reason.UNSUPPORTED, busy, "EINVAL")})
    assert rows == [AmdGpu(**OLD_VALUES)]
    assert this.failures == {"device/gpu_busy_percent": Failure(Reason.UNSUPPORTED, busy, "EINVAL")}


def test_no_graphics() -> None:
    assert failure(CLASS_DRM_AMDGPU, {}).reason is Reason.MISSING


def test_what_measures_for_a_second_is_never_read() -> None:
    assert not any(name.endswith("pcie_bw") for name in CLASS_DRM_AMDGPU.files)
