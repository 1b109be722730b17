from procpulse import Reason
from procpulse.sources import CLASS_SAS_EXPANDER
from procpulse.sources.sysfs.class_sas_expander import SasExpander
from tests.cases import failure, read, reading

E = "/sys/class/sas_expander/expander-6:0"


def test_an_expander() -> None:
    files = {
        f"{E}/vendor_id": "EXAMPLE \n",
        f"{E}/product_id": "SHELF-24-12G    \n",
        f"{E}/product_rev": "0310\n",
        f"{E}/component_vendor_id": "LSI\n",
        f"{E}/component_id": "547\n",
        f"{E}/component_revision_id": "3\n",
        f"{E}/level": "1\n",
        f"{E}/device/sas_device/expander-6:0/sas_address": "0x5000c0de0000207f\n",
        f"{E}/device/phy-6:0:10/uevent": "",
        f"{E}/device/phy-6:0:9/uevent": "",
        f"{E}/device/port-6:0:1/uevent": "",
        f"{E}/device/port-6:0:0/uevent": "",
        f"{E}/device/bsg/expander-6:0/dev": "243:1\n",
    }
    assert read(CLASS_SAS_EXPANDER, files) == [
        SasExpander(
            "expander-6:0", "0x5000c0de0000207f", "EXAMPLE", "SHELF-24-12G", "0310", "LSI", 547, 3, 1,
            ["phy-6:0:9", "phy-6:0:10"], ["port-6:0:0", "port-6:0:1"],
        )
    ]  # fmt: skip


def test_garbage_and_hostile_names() -> None:
    found, this = reading(CLASS_SAS_EXPANDER, {f"{E}/level": "deep", f"{E}/vendor_id": b"\x00\xff\x1b"})
    assert found == [SasExpander("expander-6:0", vendor_id="\\xff\\x1b")]
    assert this.failures["level"].reason is Reason.MALFORMED


def test_no_sas() -> None:
    assert failure(CLASS_SAS_EXPANDER, {}).reason is Reason.MISSING
