from procpulse import Failure, Reason
from procpulse.sources import CLASS_DMI_ID
from procpulse.sources.sysfs.class_dmi_id import DmiId
from tests.cases import failure, read, reading

D = "/sys/class/dmi/id"
OLD: dict[str, str | bytes | Failure] = {
    f"{D}/bios_date": "11/04/2019\n",
    f"{D}/bios_vendor": "Example Firmware Inc.\n",
    f"{D}/bios_version": "W9.3.1\n",
    f"{D}/board_asset_tag": "AT-00417\n",
    f"{D}/board_name": "X31-EEB\n",
    f"{D}/board_serial": "BS31X00447120\n",
    f"{D}/board_vendor": "Example Systems\n",
    f"{D}/board_version": "Rev 1.02\n",
    f"{D}/chassis_asset_tag": "AT-00418\n",
    f"{D}/chassis_serial": "CS31X00338904\n",
    f"{D}/chassis_type": "17\n",
    f"{D}/chassis_vendor": "Example Systems\n",
    f"{D}/chassis_version": "2\n",
    f"{D}/modalias": "dmi:bvnExample\n",
    f"{D}/product_family": "Towers\n",
    f"{D}/product_name": "ES-7310\n",
    f"{D}/product_serial": "PS31X00901447\n",
    f"{D}/product_sku": "ES-7310-2019\n",
    f"{D}/product_uuid": "5c1e8d90-3b4a-4f0e-9a6d-1f2b7c88e0a4\n",
    f"{D}/product_version": "1.0\n",
    f"{D}/sys_vendor": "Example Systems\n",
}


def test_kernel_4_18() -> None:
    assert read(CLASS_DMI_ID, OLD) == DmiId(
        bios_date="11/04/2019",
        bios_vendor="Example Firmware Inc.",
        bios_version="W9.3.1",
        board_asset_tag="AT-00417",
        board_name="X31-EEB",
        board_serial="BS31X00447120",
        board_vendor="Example Systems",
        board_version="Rev 1.02",
        chassis_asset_tag="AT-00418",
        chassis_serial="CS31X00338904",
        chassis_type=17,
        chassis_vendor="Example Systems",
        chassis_version="2",
        product_family="Towers",
        product_name="ES-7310",
        product_serial="PS31X00901447",
        product_sku="ES-7310-2019",
        product_uuid="5c1e8d90-3b4a-4f0e-9a6d-1f2b7c88e0a4",
        product_version="1.0",
        sys_vendor="Example Systems",
    )


def test_releases_of_the_firmware_kernel_5_6() -> None:
    files = {f"{D}/bios_release": "5.27\n", f"{D}/ec_firmware_release": "1.73\n"}
    assert read(CLASS_DMI_ID, files) == DmiId(bios_release="5.27", ec_firmware_release="1.73")


def test_serial_numbers_are_for_root() -> None:
    secret = ("board_serial", "chassis_serial", "product_serial", "product_uuid")
    denied: dict[str, str | bytes | Failure] = {
        f"{D}/{name}": Failure(Reason.DENIED, f"{D}/{name}", "EACCES") for name in secret
    }
    machine, this = reading(CLASS_DMI_ID, OLD | denied)
    assert machine.product_name == "ES-7310"
    assert [getattr(machine, name) for name in secret] == [None] * 4
    assert {name: found.reason for name, found in this.failures.items()} == dict.fromkeys(secret, Reason.DENIED)


def test_what_the_maker_left_empty_is_absent() -> None:
    files = {f"{D}/product_version": " \n", f"{D}/chassis_asset_tag": "\n", f"{D}/sys_vendor": "Example\n"}
    assert read(CLASS_DMI_ID, files) == DmiId(sys_vendor="Example")


def test_garbage() -> None:
    machine, this = reading(
        CLASS_DMI_ID, {f"{D}/chassis_type": "tower\n", f"{D}/sys_vendor": b"\x1b[2J\xe2\x80\xae\xff\n"}
    )
    assert machine == DmiId(sys_vendor="\\x1b[2J\\u202e\\xff")
    assert this.failures["chassis_type"].reason is Reason.MALFORMED


def test_a_machine_that_does_not_tell() -> None:
    assert failure(CLASS_DMI_ID, {}).reason is Reason.MISSING
