import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_cgroup import PID_CGROUP, CgroupMembership, PidCgroup
from tests.cases import parse

CASES = [
    pytest.param(
        "0::/user.slice/user-1000.slice/session-1.scope\n",
        PidCgroup([CgroupMembership(0, [], "/user.slice/user-1000.slice/session-1.scope")]),
        id="cgroup v2",
    ),
    pytest.param(
        "12:cpu,cpuacct:/a\n3:pids:/\n1:name=systemd:/init.scope\n0::/init.scope\n",
        PidCgroup(
            [
                CgroupMembership(12, ["cpu", "cpuacct"], "/a"),
                CgroupMembership(3, ["pids"], "/"),
                CgroupMembership(1, ["name=systemd"], "/init.scope"),
                CgroupMembership(0, [], "/init.scope"),
            ]
        ),
        id="both versions side by side",
    ),
    pytest.param(
        "0::/docker/a:b::c (deleted)\n",
        PidCgroup([CgroupMembership(0, [], "/docker/a:b::c (deleted)")]),
        id="colons in the path, of a group that is gone",
    ),
    pytest.param(
        b"0::/../x\x1b[2J\xe2\x80\xae\xff \n",
        PidCgroup([CgroupMembership(0, [], "/../x\\x1b[2J\\u202e\\xff ")]),
        id="a hostile path, outside of our namespace",
    ),
    pytest.param("", PidCgroup([]), id="no control groups"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_pid_cgroup(text: str | bytes, expected: PidCgroup) -> None:
    assert parse(PID_CGROUP, text) == expected


@pytest.mark.parametrize("text", ["0:/a\n", "x::/a\n", "18446744073709551616::/a\n"], ids=["short", "word", "huge"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_CGROUP, text)


def test_unified() -> None:
    assert PidCgroup([CgroupMembership(3, ["pids"], "/a"), CgroupMembership(0, [], "/b")]).unified == "/b"
    assert PidCgroup([CgroupMembership(3, ["pids"], "/a")]).unified is None
