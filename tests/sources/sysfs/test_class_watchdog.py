from procpulse import Failure, Reason
from procpulse.sources import CLASS_WATCHDOG
from procpulse.sources.sysfs.class_watchdog import Watchdog
from tests.cases import failure, read, reading

C = "/sys/class/watchdog"
W = f"{C}/watchdog0"
OLD = {
    f"{W}/identity": "iTCO_wdt\n",
    f"{W}/state": "active\n",
    f"{W}/timeout": "30\n",
    f"{W}/timeleft": "22\n",
    f"{W}/nowayout": "0\n",
    f"{W}/bootstatus": "32\n",
    f"{W}/status": "0x8100\n",
    f"{W}/dev": "250:0\n",
}
NEW = OLD | {
    f"{W}/min_timeout": "2\n",
    f"{W}/max_timeout": "613\n",
    f"{W}/pretimeout": "5\n",
    f"{W}/pretimeout_governor": "panic\n",
    f"{W}/options": "0x8180\n",
    f"{W}/fw_version": "6\n",
    f"{W}/access_cs0": "1\n",
}


def test_before_its_limits_kernel_4_18() -> None:
    assert read(CLASS_WATCHDOG, OLD) == [
        Watchdog(
            "watchdog0",
            "iTCO_wdt",
            "active",
            30,
            timeleft_seconds=22,
            nowayout=False,
            bootstatus=32,
            status=0x8100,
        )
    ]


def test_with_all_that_there_is_kernel_6_18() -> None:
    assert read(CLASS_WATCHDOG, NEW) == [
        Watchdog("watchdog0", "iTCO_wdt", "active", 30, 2, 613, 22, 5, "panic", False, 32, 0x8100, 0x8180, 6, True)
    ]


def test_several_in_their_order_without_final_newline() -> None:
    files = {f"{C}/watchdog10/identity": "Software Watchdog", f"{C}/watchdog2/timeout": "60"}
    assert read(CLASS_WATCHDOG, files) == [
        Watchdog("watchdog2", timeout_seconds=60),
        Watchdog("watchdog10", "Software Watchdog"),
    ]


def test_hardware_that_does_not_answer_costs_its_own_field() -> None:
    left = f"{W}/timeleft"
    [row], this = reading(CLASS_WATCHDOG, OLD | {left: Failure(Reason.UNSUPPORTED, left, "EOPNOTSUPP")})
    assert row.timeleft_seconds is None
    assert row.timeout_seconds == 30
    assert this.failures == {"timeleft": Failure(Reason.UNSUPPORTED, left, "EOPNOTSUPP")}


def test_garbage_costs_its_own_field() -> None:
    [row], this = reading(CLASS_WATCHDOG, OLD | {f"{W}/status": "0xfine\n", f"{W}/nowayout": "2\n"})
    assert (row.status, row.nowayout, row.timeout_seconds) == (None, None, 30)
    assert {part: failed.reason for part, failed in this.failures.items()} == {
        "status": Reason.MALFORMED,
        "nowayout": Reason.MALFORMED,
    }


def test_none() -> None:
    assert failure(CLASS_WATCHDOG, {}).reason is Reason.MISSING
