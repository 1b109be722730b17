from procpulse import Reason
from procpulse.sources import CLASS_MEI
from procpulse.sources.sysfs.class_mei import MeiDevice
from tests.cases import failure, read, reading

C = "/sys/class/mei"
MEI0 = {
    f"{C}/mei0/dev": "240:0\n",
    f"{C}/mei0/kind": "mei\n",
    f"{C}/mei0/dev_state": "ENABLED\n",
    f"{C}/mei0/fw_status": "94000245\n09F10506\n00000020\n00004000\n00041F03\n87E003CE\n",
    f"{C}/mei0/fw_ver": "0:11.8.93.4323\n0:11.8.93.4323\n0:11.8.79.3722\n",
    f"{C}/mei0/hbm_ver": "2.0\n",
    f"{C}/mei0/hbm_ver_drv": "2.2\n",
    f"{C}/mei0/trc": "00000889\n",
    f"{C}/mei0/tx_queue_limit": "50\n",
    f"{C}/mei0/uevent": "MAJOR=240\n",
}
STATUS = ["94000245", "09F10506", "00000020", "00004000", "00041F03", "87E003CE"]
VERSIONS = ["0:11.8.93.4323", "0:11.8.93.4323", "0:11.8.79.3722"]


def test_engines_kernel_6_18() -> None:
    files = MEI0 | {f"{C}/mei1/kind": "gscfi\n", f"{C}/mei1/dev_state": "POWER_DOWN\n"}
    assert read(CLASS_MEI, files) == [
        MeiDevice("mei0", "240:0", "mei", "ENABLED", STATUS, VERSIONS, "2.0", "2.2", "00000889", 50),
        MeiDevice("mei1", kind="gscfi", dev_state="POWER_DOWN"),
    ]


def test_before_the_state_kernel_4_18() -> None:
    old = {path: data for path, data in MEI0.items() if not path.endswith(("kind", "dev_state", "trc"))}
    assert read(CLASS_MEI, old) == [
        MeiDevice("mei0", "240:0", None, None, STATUS, VERSIONS, "2.0", "2.2", None, 50),
    ]


def test_a_limit_that_is_no_number() -> None:
    [device], this = reading(CLASS_MEI, MEI0 | {f"{C}/mei0/tx_queue_limit": "many\n"})
    assert device.tx_queue_limit is None
    assert this.failures["tx_queue_limit"].reason is Reason.MALFORMED


def test_registers_are_inert() -> None:
    assert read(CLASS_MEI, {f"{C}/mei0/fw_status": b"\x1b[31m\n\n\xff\n"})[0].fw_status == ["\\x1b[31m", "\\xff"]


def test_no_engine() -> None:
    assert failure(CLASS_MEI, {}).reason is Reason.MISSING
