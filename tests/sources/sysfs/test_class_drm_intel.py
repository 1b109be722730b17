from procpulse import Reason
from procpulse.sources import CLASS_DRM_INTEL
from procpulse.sources.sysfs.class_drm_intel import IntelGpu, IntelGt
from tests.cases import failure, read, reading

C = "/sys/class/drm/card0"
I915 = {f"{C}/device@": "../../../0000:00:02.0", f"{C}/device/driver@": "../../../bus/pci/drivers/i915"}
I915_OLD = I915 | {
    f"{C}/gt_act_freq_mhz": "0\n",
    f"{C}/gt_cur_freq_mhz": "350\n",
    f"{C}/gt_min_freq_mhz": "350\n",
    f"{C}/gt_max_freq_mhz": "1150\n",
    f"{C}/gt_boost_freq_mhz": "1150\n",
    f"{C}/gt_RP0_freq_mhz": "1150\n",
    f"{C}/gt_RP1_freq_mhz": "300\n",
    f"{C}/gt_RPn_freq_mhz": "350\n",
    f"{C}/power/rc6_residency_ms": "4294967290\n",
    f"{C}/power/runtime_status": "unsupported\n",
    f"{C}/device/power/runtime_status": "active\n",
}
G = f"{C}/gt/gt0"
I915_NEW = I915_OLD | {
    f"{G}/rps_act_freq_mhz": "1100\n",
    f"{G}/rps_cur_freq_mhz": "1150\n",
    f"{G}/rps_min_freq_mhz": "350\n",
    f"{G}/rps_max_freq_mhz": "1150\n",
    f"{G}/rps_boost_freq_mhz": "1150\n",
    f"{G}/rps_RP0_freq_mhz": "1150\n",
    f"{G}/rps_RP1_freq_mhz": "300\n",
    f"{G}/rps_RPn_freq_mhz": "350\n",
    f"{G}/rc6_residency_ms": "917220\n",
    f"{G}/id": "0\n",
    f"{G}/throttle_reason_status": "1\n",
    f"{G}/throttle_reason_pl1": "0\n",
    f"{G}/throttle_reason_pl2": "1\n",
    f"{G}/throttle_reason_thermal": "1\n",
}
X = "/sys/class/drm/card1/device"
XE = {
    f"{X}/driver@": "../../../../../bus/pci/drivers/xe",
    f"{X}/power/runtime_status": "active\n",
    f"{X}/tile0/gt0/freq0/act_freq": "1950\n",
    f"{X}/tile0/gt0/freq0/cur_freq": "2050\n",
    f"{X}/tile0/gt0/freq0/min_freq": "300\n",
    f"{X}/tile0/gt0/freq0/max_freq": "2400\n",
    f"{X}/tile0/gt0/freq0/rp0_freq": "2400\n",
    f"{X}/tile0/gt0/freq0/rpe_freq": "550\n",
    f"{X}/tile0/gt0/freq0/rpn_freq": "300\n",
    f"{X}/tile0/gt0/freq0/throttle/status": "0\n",
    f"{X}/tile0/gt0/freq0/throttle/reason_pl1": "0\n",
    f"{X}/tile0/gt0/freq0/throttle/reason_vr_tdc": "0\n",
    f"{X}/tile0/gt0/gtidle/name": "gt0-rc\n",
    f"{X}/tile0/gt0/gtidle/idle_residency_ms": "9007199254740993\n",
    f"{X}/tile0/gt0/gtidle/idle_status": "gt-c0\n",
    f"{X}/tile0/gt1/gtidle/idle_status": "gt-c6\n",
}
MHZ = 1_000_000


def test_i915_before_its_units_kernel_4_18() -> None:
    unit = IntelGt(
        "gt0",
        act_freq_hz=0,
        cur_freq_hz=350 * MHZ,
        min_freq_hz=350 * MHZ,
        max_freq_hz=1150 * MHZ,
        boost_freq_hz=1150 * MHZ,
        rp0_freq_hz=1150 * MHZ,
        rp1_freq_hz=300 * MHZ,
        rpn_freq_hz=350 * MHZ,
        rc6_residency_ms=4294967290,
    )
    assert read(CLASS_DRM_INTEL, I915_OLD) == [IntelGpu("card0", "i915", "0000:00:02.0", "active", [unit])]


def test_i915_with_units_and_xe_kernel_6_18() -> None:
    assert read(CLASS_DRM_INTEL, I915_NEW | XE) == [
        IntelGpu(
            "card0",
            "i915",
            "0000:00:02.0",
            "active",
            [
                IntelGt(
                    "gt0",
                    act_freq_hz=1100 * MHZ,
                    cur_freq_hz=1150 * MHZ,
                    min_freq_hz=350 * MHZ,
                    max_freq_hz=1150 * MHZ,
                    boost_freq_hz=1150 * MHZ,
                    rp0_freq_hz=1150 * MHZ,
                    rp1_freq_hz=300 * MHZ,
                    rpn_freq_hz=350 * MHZ,
                    rc6_residency_ms=917220,
                    throttled=True,
                    throttle_reasons=["pl2", "thermal"],
                )
            ],
        ),
        IntelGpu(
            "card1",
            "xe",
            None,
            "active",
            [
                IntelGt(
                    "tile0/gt0",
                    act_freq_hz=1950 * MHZ,
                    cur_freq_hz=2050 * MHZ,
                    min_freq_hz=300 * MHZ,
                    max_freq_hz=2400 * MHZ,
                    rp0_freq_hz=2400 * MHZ,
                    rpe_freq_hz=550 * MHZ,
                    rpn_freq_hz=300 * MHZ,
                    idle_residency_ms=9007199254740993,
                    idle_status="gt-c0",
                    throttled=False,
                    throttle_reasons=[],
                ),
                IntelGt("tile0/gt1", idle_status="gt-c6"),
            ],
        ),
    ]


def test_a_card_that_sleeps_is_not_woken() -> None:
    asleep = XE | {f"{X}/power/runtime_status": "suspended\n"}
    assert read(CLASS_DRM_INTEL, asleep) == [IntelGpu("card1", "xe", None, "suspended")]


def test_cards_of_others_are_no_rows() -> None:
    assert read(CLASS_DRM_INTEL, {f"{C}/device/driver@": "../../../bus/pci/drivers/nouveau"}) == []


def test_garbage_costs_its_own_field() -> None:
    files = XE | {
        f"{X}/tile0/gt0/freq0/act_freq": "fast\n",
        f"{X}/tile0/gt0/freq0/throttle/reason_pl1": "maybe\n",
    }
    [card], this = reading(CLASS_DRM_INTEL, files)
    assert card.gts[0].act_freq_hz is None
    assert card.gts[0].cur_freq_hz == 2050 * MHZ
    assert card.gts[0].throttle_reasons == []
    assert {failed.reason for failed in this.failures.values()} == {Reason.MALFORMED}
    assert len(this.failures) == 2


def test_no_graphics() -> None:
    assert failure(CLASS_DRM_INTEL, {}).reason is Reason.MISSING
