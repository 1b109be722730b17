import pytest

from procpulse.source import Malformed
from procpulse.sources import VERSION
from procpulse.sources.proc.version import Version
from tests.cases import parse

CASES = [
    pytest.param(
        "Linux version 6.18.4 (someone@somewhere) (gcc (Debian 15.2.0-7) 15.2.0, GNU ld (GNU Binutils) 2.45) "
        "#1 SMP PREEMPT_DYNAMIC Tue Jan 13 09:41:07 UTC 2026\n",
        Version(
            "6.18.4",
            "#1 SMP PREEMPT_DYNAMIC Tue Jan 13 09:41:07 UTC 2026",
            "gcc (Debian 15.2.0-7) 15.2.0, GNU ld (GNU Binutils) 2.45",
        ),
        id="kernel 6.18",
    ),
    pytest.param(
        "Linux version 4.18.0-80.el8.x86_64 (mock@build) (gcc version 8.2.1 20180905 (GCC)) #1 SMP Wed Mar 13 2019\n",
        Version("4.18.0-80.el8.x86_64", "#1 SMP Wed Mar 13 2019", "gcc version 8.2.1 20180905 (GCC)"),
        id="kernel 4.18, without a linker",
    ),
    pytest.param(
        "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 2016\n",
        Version("4.4.0", "#1 SMP Sun Jan 10 15:06:54 2016"),
        id="a sandbox that names no builder",
    ),
    pytest.param(
        "Linux version 6.1.0 (a@b) #1 SMP\n", Version("6.1.0", "#1 SMP"), id="a sandbox that names no compiler"
    ),
    pytest.param(
        b"Linux version 6.1\x1b (a@b) (g\xffc) #1\n", Version("6.1\\x1b", "#1", "g\\xffc"), id="hostile names"
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_version(text: str | bytes, expected: Version) -> None:
    assert parse(VERSION, text) == expected


@pytest.mark.parametrize(
    "text", ["", "Linux\n", "Linux version 6.1\n", "Linux release 6.1 #1\n", "Linux version 6.1 (a@b (gcc) #1\n"]
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(VERSION, text)
