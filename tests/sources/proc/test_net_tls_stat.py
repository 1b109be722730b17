import pytest

from procpulse import Reason
from procpulse.source import Malformed
from procpulse.sources import NET_TLS_STAT
from procpulse.sources.proc.net_tls_stat import NetTlsStat
from tests.cases import failure, parse

CASES = [
    pytest.param(
        "TlsCurrTxSw                     \t3\nTlsTxSw                         \t41\nTlsDecryptError                 \t0\n",
        NetTlsStat({"TlsCurrTxSw": 3}, {"TlsTxSw": 41, "TlsDecryptError": 0}),
        id="kernel 5.4",
    ),
    pytest.param(
        "TlsCurrRxDevice                 \t2\nTlsTxRekeyOk                    \t18446744073709551615\n",
        NetTlsStat({"TlsCurrRxDevice": 2}, {"TlsTxRekeyOk": 18_446_744_073_709_551_615}),
        id="a row of its own, the largest number, kernel 6.14",
    ),
    pytest.param(b"Tls\x1b\t1\n", NetTlsStat({}, {"Tls\\x1b": 1}), id="a hostile name"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_tls_stat(text: str | bytes, expected: NetTlsStat) -> None:
    assert parse(NET_TLS_STAT, text) == expected


@pytest.mark.parametrize(
    "text",
    ["\n", "TlsTxSw\n", "TlsTxSw many\n", "TlsTxSw 18446744073709551616\n"],
    ids=["no rows", "no value", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_TLS_STAT, text)


def test_no_tls() -> None:
    assert failure(NET_TLS_STAT, {}).reason is Reason.MISSING
