"""/proc/crypto: the algorithms that the kernel can encrypt, hash and compress with.

    name         : cbc(aes)
    driver       : cbc-aes-aesni
    module       : aesni_intel
    priority     : 400
    refcnt       : 1
    selftest     : passed
    internal     : no
    type         : skcipher

https://docs.kernel.org/crypto/architecture.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, keyed, number


class CryptoAlgorithm(msgspec.Struct, frozen=True):
    """One implementation of one algorithm."""

    name: Annotated[str, label("What it does, such as cbc(aes).")]
    driver: Annotated[str | None, label("Which implementation it is, such as cbc-aes-aesni.")]
    type: Annotated[str | None, label("Kind of algorithm, such as skcipher, shash, aead, rng.")]
    module: Annotated[str | None, info("Module that it came with; kernel for what is built in.")] = None
    priority: Annotated[int | None, info("Of the implementations of one name, that of the highest is used.")] = None
    refcnt: Annotated[int | None, gauge("References to it; 1 where nobody uses it.")] = None
    selftest: Annotated[str | None, info("Whether it proved right when it was registered: passed or unknown.")] = None
    blocksize_bytes: Annotated[int | None, gauge("Size of a block.")] = None
    digestsize_bytes: Annotated[int | None, gauge("Size of a hash.")] = None
    min_keysize_bytes: Annotated[int | None, gauge("Shortest key.")] = None
    max_keysize_bytes: Annotated[int | None, gauge("Longest key.")] = None
    ivsize_bytes: Annotated[int | None, gauge("Size of an initialization vector.")] = None
    maxauthsize_bytes: Annotated[int | None, gauge("Largest authentication tag.")] = None
    chunksize_bytes: Annotated[int | None, gauge("Pieces that data should come in, but for the last.")] = None
    walksize_bytes: Annotated[int | None, gauge("Size of the pieces that it works best with.")] = None
    seedsize_bytes: Annotated[int | None, gauge("Size of a seed of a random number generator.")] = None
    statesize_bytes: Annotated[int | None, gauge("Size of the state kept between pieces of data (Linux 6.8).")] = None
    properties: Annotated[
        dict[str, str],
        info("What else the kernel says, in its words, such as internal, which only the kernel uses, or async."),
    ] = {}


_WORDS = {b"name": "name", b"driver": "driver", b"type": "type", b"module": "module", b"selftest": "selftest"}
_NUMBERS = {
    b"priority": "priority", b"refcnt": "refcnt", b"blocksize": "blocksize_bytes", b"digestsize": "digestsize_bytes",
    b"min keysize": "min_keysize_bytes", b"max keysize": "max_keysize_bytes", b"ivsize": "ivsize_bytes",
    b"maxauthsize": "maxauthsize_bytes", b"chunksize": "chunksize_bytes", b"walksize": "walksize_bytes",
    b"seedsize": "seedsize_bytes", b"statesize": "statesize_bytes",
}  # fmt: skip


def parse(file: File) -> list[CryptoAlgorithm]:
    # A transient algorithm may stand beside the one that takes its place: the later of two alike is kept.
    found: dict[tuple[str, str | None, str | None], CryptoAlgorithm] = {}
    for block in file.data.split(b"\n\n"):
        algorithm = _algorithm(file, block)
        if algorithm is not None:
            found[algorithm.name, algorithm.driver, algorithm.type] = algorithm
    if not found and file.data.strip():
        raise ValueError("no algorithms")
    return list(found.values())


def _algorithm(file: File, block: bytes) -> CryptoAlgorithm | None:
    """One block; None for one without a name, which is no algorithm."""
    values: dict[str, Any] = {}
    properties: dict[str, str] = {}
    for key, value in keyed(block):
        if key in _NUMBERS:
            values[_NUMBERS[key]] = file.parsed(_NUMBERS[key], number, value)
        elif key in _WORDS:
            values[_WORDS[key]] = inert(value)
        else:
            properties[inert(key)] = inert(value)
    if "name" not in values:
        return None
    return CryptoAlgorithm(
        values.pop("name"), values.pop("driver", None), values.pop("type", None), properties=properties, **values
    )


CRYPTO = Source("crypto", "/proc/crypto", list[CryptoAlgorithm], parse, cap=1 << 22, cadence=60)
