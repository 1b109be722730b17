from procpulse import Reason
from procpulse.sources import SYS_KERNEL_RANDOM
from procpulse.sources.proc.sys_kernel_random import KernelRandom
from tests.cases import failure, read, reading

FOLDER = "/proc/sys/kernel/random/"
NEW = {
    f"{FOLDER}entropy_avail": "256\n",
    f"{FOLDER}poolsize": "256\n",
    f"{FOLDER}urandom_min_reseed_secs": "60\n",
    f"{FOLDER}write_wakeup_threshold": "200\n",
}


def test_kernel_6_18() -> None:
    assert read(SYS_KERNEL_RANDOM, NEW | {f"{FOLDER}uuid": "drawn anew\n"}) == KernelRandom(256, 256, 60, 200)


def test_kernel_4_18() -> None:
    files = NEW | {f"{FOLDER}poolsize": "4096\n", f"{FOLDER}read_wakeup_threshold": "64\n"}
    assert read(SYS_KERNEL_RANDOM, files) == KernelRandom(256, 4096, 60, 200, 64)


def test_a_file_that_makes_no_sense_costs_its_own_field() -> None:
    value, this = reading(SYS_KERNEL_RANDOM, NEW | {f"{FOLDER}entropy_avail": "much\n", f"{FOLDER}poolsize": ""})
    assert value == KernelRandom(None, None, 60, 200)
    assert this.failures["entropy_avail"].reason is Reason.MALFORMED


def test_no_random() -> None:
    assert failure(SYS_KERNEL_RANDOM, {}).reason is Reason.MISSING
