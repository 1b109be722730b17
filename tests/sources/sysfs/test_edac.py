from procpulse import Failure, Reason
from procpulse.sources import EDAC
from procpulse.sources.sysfs.edac import EdacChannel, EdacController, EdacCsrow, EdacDimm
from tests.cases import Files, failure, read, reading

M = "/sys/devices/system/edac/mc/mc0"
GIB = 1 << 30
CONTROLLER: Files = {
    f"{M}/mc_name": "Skylake Socket#0 IMC#0\n",
    f"{M}/size_mb": "65536\n",
    f"{M}/max_location": "channel 2 slot 1 \n",
    f"{M}/ce_count": "12\n",
    f"{M}/ue_count": "1\n",
    f"{M}/ce_noinfo_count": "3\n",
    f"{M}/ue_noinfo_count": "0\n",
    f"{M}/seconds_since_reset": "86400\n",
    f"{M}/reset_counters": "",
}
DIMM: Files = {
    f"{M}/dimm10/size": "32768\n",
    f"{M}/dimm10/dimm_label": "CPU_SrcID#0_MC#0_Chan#1_DIMM#0\n",
    f"{M}/dimm10/dimm_location": "channel 1 slot 0 \n",
    f"{M}/dimm10/dimm_mem_type": "Registered-DDR4\n",
    f"{M}/dimm10/dimm_dev_type": "x4\n",
    f"{M}/dimm10/dimm_edac_mode": "S4ECD4ED\n",
    f"{M}/dimm10/dimm_ce_count": "9\n",
    f"{M}/dimm10/dimm_ue_count": "1\n",
    f"{M}/dimm2/size": "32768\n",
}
CSROW: Files = {
    f"{M}/csrow1/size_mb": "8192\n",
    f"{M}/csrow1/mem_type": "Unbuffered-DDR3\n",
    f"{M}/csrow1/dev_type": "x8\n",
    f"{M}/csrow1/edac_mode": "SECDED\n",
    f"{M}/csrow1/ce_count": "5\n",
    f"{M}/csrow1/ue_count": "0\n",
    f"{M}/csrow1/ch0_ce_count": "4\n",
    f"{M}/csrow1/ch0_dimm_label": "DIMM_A1\n",
    f"{M}/csrow1/ch10_ce_count": "1\n",
    f"{M}/csrow1/ch2_dimm_label": "\n",
}


def test_modules() -> None:
    assert read(EDAC, {**CONTROLLER, **DIMM, f"{M}/sdram_scrub_rate": "97650\n"}) == [
        EdacController(
            0,
            "Skylake Socket#0 IMC#0",
            64 * GIB,
            "channel 2 slot 1",
            12,
            1,
            3,
            0,
            86400,
            97650,
            [],
            [
                EdacDimm("dimm2", size_bytes=32 * GIB),
                EdacDimm(
                    "dimm10",
                    "CPU_SrcID#0_MC#0_Chan#1_DIMM#0",
                    "channel 1 slot 0",
                    32 * GIB,
                    "Registered-DDR4",
                    "x4",
                    "S4ECD4ED",
                    9,
                    1,
                ),
            ],
        )
    ]


def test_rows_of_chips_and_ranks_kernel_4_18() -> None:
    files: Files = {
        **CSROW,
        f"{M}/rank3/dimm_ce_count": "2\n",
        "/sys/devices/system/edac/mc/mc1/ce_count": "4294967295\n",
    }
    assert read(EDAC, files) == [
        EdacController(
            0,
            csrows=[
                EdacCsrow(
                    1,
                    8 * GIB,
                    "Unbuffered-DDR3",
                    "x8",
                    "SECDED",
                    5,
                    0,
                    [EdacChannel(0, "DIMM_A1", 4), EdacChannel(2), EdacChannel(10, None, 1)],
                )
            ],
            dimms=[EdacDimm("rank3", correctable_errors=2)],
        ),
        EdacController(1, correctable_errors=4294967295),
    ]


def test_memory_is_not_searched() -> None:
    [row] = read(EDAC, {**CONTROLLER, f"{M}/sdram_scrub_rate": "-1\n"})
    assert row.scrub_rate_bytes_per_second is None


def test_a_rate_that_the_driver_does_not_know_costs_its_own_field() -> None:
    path = f"{M}/sdram_scrub_rate"
    [row], this = reading(EDAC, {**CONTROLLER, path: Failure(Reason.UNSUPPORTED, path, "EINVAL")})
    assert (row.scrub_rate_bytes_per_second, row.correctable_errors) == (None, 12)
    assert this.failures == {"sdram_scrub_rate": Failure(Reason.UNSUPPORTED, path, "EINVAL")}


def test_garbage_costs_its_own_field() -> None:
    [row], this = reading(
        EDAC, {**DIMM, f"{M}/dimm10/dimm_ce_count": "some\n", f"{M}/dimm10/dimm_label": b"\x1b\xff\n"}
    )
    assert row.dimms[1].correctable_errors is None
    assert row.dimms[1].label == "\\x1b\\xff"
    assert row.dimms[1].uncorrectable_errors == 1
    assert this.failures["dimm*/dimm_ce_count"].reason is Reason.MALFORMED


def test_none() -> None:
    assert failure(EDAC, {}).reason is Reason.MISSING
