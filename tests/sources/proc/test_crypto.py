import pytest

from procpulse.sources import CRYPTO
from procpulse.sources.proc.crypto import CryptoAlgorithm
from tests.cases import parse, spoiled

XTS = """\
name         : xts(aes)
driver       : xts-aes-aesni
module       : aesni_intel
priority     : 401
refcnt       : 5
selftest     : passed
internal     : no
type         : skcipher
async        : no
blocksize    : 16
min keysize  : 32
max keysize  : 64
ivsize       : 16
chunksize    : 16
walksize     : 32
"""
SHA = """\
name         : sha256
driver       : sha256-lib
module       : kernel
priority     : 300
refcnt       : 1
selftest     : passed
internal     : no
type         : shash
blocksize    : 64
digestsize   : 32
"""
EXPECTED_XTS = CryptoAlgorithm(
    "xts(aes)", "xts-aes-aesni", "skcipher", "aesni_intel", 401, 5, "passed", blocksize_bytes=16, min_keysize_bytes=32,
    max_keysize_bytes=64, ivsize_bytes=16, chunksize_bytes=16, walksize_bytes=32,
    properties={"internal": "no", "async": "no"},
)  # fmt: skip
EXPECTED_SHA = CryptoAlgorithm(
    "sha256", "sha256-lib", "shash", "kernel", 300, 1, "passed", blocksize_bytes=64, digestsize_bytes=32,
    properties={"internal": "no"},
)  # fmt: skip

CASES = [
    pytest.param(XTS + "\n" + SHA + "\n", [EXPECTED_XTS, EXPECTED_SHA], id="two algorithms, kernel 4.18"),
    pytest.param(
        XTS + "statesize    : 8\n\n",
        [
            CryptoAlgorithm(
                "xts(aes)",
                "xts-aes-aesni",
                "skcipher",
                "aesni_intel",
                401,
                5,
                "passed",
                blocksize_bytes=16,
                min_keysize_bytes=32,
                max_keysize_bytes=64,
                ivsize_bytes=16,
                chunksize_bytes=16,
                walksize_bytes=32,
                statesize_bytes=8,
                properties={"internal": "no", "async": "no"},
            )
        ],
        id="with the size of a state, kernel 6.8",
    ),
    pytest.param(
        "name : gcm(aes)\ndriver : gcm-ssh\ntype : aead\nmaxauthsize : 16\ngeniv : <none>\n\n",
        [CryptoAlgorithm("gcm(aes)", "gcm-ssh", "aead", maxauthsize_bytes=16, properties={"geniv": "<none>"})],
        id="an authenticated cipher",
    ),
    pytest.param(
        "name : stdrng\ndriver : drbg\npriority : -1\ntype : rng\nseedsize : 48\n\n",
        [CryptoAlgorithm("stdrng", "drbg", "rng", priority=-1, seedsize_bytes=48)],
        id="a random number generator; a priority below 0",
    ),
    pytest.param(
        "name : aes\ndriver : aes\nselftest : unknown\ntype : larval\nflags : 0xe\n\n",
        [CryptoAlgorithm("aes", "aes", "larval", selftest="unknown", properties={"flags": "0xe"})],
        id="one that is being looked for",
    ),
    pytest.param(
        "name : a\ndriver : b\ntype : shash\nrefcnt : 1\n\nname : a\ndriver : b\ntype : shash\nrefcnt : 2\n\n",
        [CryptoAlgorithm("a", "b", "shash", refcnt=2)],
        id="one that is about to go beside the one that takes its place",
    ),
    pytest.param(
        b"name : x\x1b[2J(\xff)\ndriver : y:z\ntype : scomp\nnew key : v\xe2\x80\xae\n\n",
        [CryptoAlgorithm("x\\x1b[2J(\\xff)", "y:z", "scomp", properties={"new key": "v\\u202e"})],
        id="hostile names",
    ),
    pytest.param(SHA + "\nversion : 2\n\n", [EXPECTED_SHA], id="a block that is no algorithm"),
    pytest.param("", [], id="empty"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_crypto(text: str | bytes, expected: list[CryptoAlgorithm]) -> None:
    assert parse(CRYPTO, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "nothing at all\n",
        SHA.replace("32", "many"),
        SHA.replace("priority     : 300", "priority     :"),
        SHA.replace("32", "18446744073709551616"),
    ],
    ids=["no algorithm", "no number", "an empty number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    assert spoiled(CRYPTO, text)
