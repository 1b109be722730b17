import pytest

from procpulse.sources.proc.pid_ns import PID_NS, Namespace, PidNs
from tests.cases import folder


def test_namespaces() -> None:
    links = {
        "ns/net@": "net:[4026531840]",
        "ns/mnt@": "mnt:[4026532204]",
        "ns/pid_for_children@": "pid:[4026531836]",
        "ns/time@": "time:[4026531834]\n",
    }
    ns = PID_NS.parse(folder("/proc/7", links))
    assert ns == PidNs(
        [
            Namespace("mnt", "mnt", 4026532204),
            Namespace("net", "net", 4026531840),
            Namespace("pid_for_children", "pid", 4026531836),
            Namespace("time", "time", 4026531834),
        ]
    )
    assert ns.inode("net") == 4026531840
    assert ns.inode("ipc") is None


@pytest.mark.parametrize(
    "target", [b"", b"net", b"net:[]", b"net:[x]", b"net:[1] (deleted)", b"net:[99999999999999999999]"]
)
def test_malformed(target: bytes) -> None:
    with pytest.raises(ValueError, match=r"namespace|64 bits"):
        PID_NS.parse(folder("/proc/7", {"ns/net@": target}))
