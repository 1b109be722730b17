from procpulse import Failure, Reason
from procpulse.sources import CLASS_RTC
from procpulse.sources.sysfs.class_rtc import Rtc
from tests.cases import Files, failure, read, reading

C = "/sys/class/rtc"
RTC0: Files = {
    f"{C}/rtc0/name": "rtc_cmos 00:02\n",
    f"{C}/rtc0/since_epoch": "1767225600\n",
    f"{C}/rtc0/wakealarm": "1767260000\n",
    f"{C}/rtc0/offset": "-8\n",
    f"{C}/rtc0/max_user_freq": "64\n",
    f"{C}/rtc0/hctosys": "1\n",
    f"{C}/rtc0/range": "[-2208988800,4102444799]\n",
}
ROW0 = Rtc("rtc0", "rtc_cmos 00:02", 1767225600, 1767260000, -8, 64, True, "[-2208988800,4102444799]")


def test_clocks_in_their_order() -> None:
    files: Files = {**RTC0, f"{C}/rtc10/name": "rtc-efi\n", f"{C}/rtc2/since_epoch": "0\n", f"{C}/rtc2/wakealarm": ""}
    assert read(CLASS_RTC, files) == [ROW0, Rtc("rtc2", since_epoch_seconds=0), Rtc("rtc10", "rtc-efi")]


def test_a_clock_that_does_not_answer_costs_its_own_field() -> None:
    path = f"{C}/rtc0/since_epoch"
    [row], this = reading(CLASS_RTC, {**RTC0, path: Failure(Reason.UNSUPPORTED, path, "EINVAL")})
    assert (row.since_epoch_seconds, row.model) == (None, "rtc_cmos 00:02")
    assert this.failures == {"since_epoch": Failure(Reason.UNSUPPORTED, path, "EINVAL")}


def test_garbage_costs_its_own_field() -> None:
    [row], this = reading(CLASS_RTC, {**RTC0, f"{C}/rtc0/offset": "slow\n"})
    assert (row.offset, row.max_user_freq_hz) == (None, 64)
    assert this.failures["offset"].reason is Reason.MALFORMED


def test_none() -> None:
    assert failure(CLASS_RTC, {}).reason is Reason.MISSING
