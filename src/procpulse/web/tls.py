"""TLS of a server: a context that is made anew when its files change, and the names that client certificates may have."""

import logging
import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from procpulse.private_files import read_file
from procpulse.web.web_config import Tls

_logger = logging.getLogger("procpulse.web")
_LARGEST = 4 << 20


class Certificates:
    """What each new connection is encrypted with.

    Args:
        tls: What was asked for.

    Raises:
        ValueError: a certificate or key makes no sense, or does not fit the other; says which file.
        OSError: a file cannot be read.
    """

    def __init__(self, tls: Tls):
        self.tls = tls
        self._files = [part for part in (tls.cert, tls.key, tls.client_ca) if isinstance(part, Path)]
        self._seen = self._look()
        self._context = context(tls)

    def current(self) -> ssl.SSLContext:
        """The context for a new connection. Files that changed are read again; if they are wrong, the old ones stay."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            try:
                self._context = context(self.tls)
                _logger.info("certificates were read again")
            except (OSError, ValueError) as error:
                _logger.warning("certificates stay as they were: %s", error)
        return self._context

    def replace(self, other: "Certificates") -> None:
        """Take over another configuration."""
        self.tls, self._files, self._seen, self._context = other.tls, other._files, other._seen, other._context

    def admits(self, certificate: Any) -> bool:
        """Whether a certificate that was verified has one of the names that may come."""
        if not self.tls.allowed_sans:
            return True
        names = {str(value) for _, value in (certificate or {}).get("subjectAltName", ())}
        return bool(names & self.tls.allowed_sans)

    def _look(self) -> list[Any]:
        seen: list[Any] = []
        for path in self._files:
            try:
                found = path.stat()
                seen.append((found.st_mtime_ns, found.st_ino, found.st_size))
            except OSError as error:
                seen.append(error.errno)
        return seen


def context(tls: Tls) -> ssl.SSLContext:
    """A context as it was asked for.

    Raises:
        ValueError: a certificate, a key or a list of ciphers makes no sense.
        OSError: a file cannot be read.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = tls.minimum, tls.maximum
    with ExitStack() as stack:
        cert, key = stack.enter_context(_as_file(tls.cert)), stack.enter_context(_as_file(tls.key))
        try:
            made.load_cert_chain(cert, key, password=_no_password)
        except ssl.SSLError as error:
            raise ValueError(
                f"{_name(tls.cert)} and {_name(tls.key)}: {error.reason or 'no certificate and key'}"
            ) from None
        if tls.client_ca is not None:
            path = stack.enter_context(_as_file(tls.client_ca))
            try:
                made.load_verify_locations(path)
            except ssl.SSLError as error:
                raise ValueError(f"{_name(tls.client_ca)}: {error.reason or 'no certificate'}") from None
    made.verify_mode = tls.verify
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if tls.prefer_server_ciphers:
        made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.ciphers:
        try:
            made.set_ciphers(":".join(tls.ciphers))
        except ssl.SSLError:
            raise ValueError(f"cipher_suites: OpenSSL has none of {', '.join(tls.ciphers)}") from None
    set_groups = getattr(made, "set_groups", None)  # Python 3.15
    if set_groups is not None and tls.curves:
        set_groups(":".join(tls.curves))
    elif len(tls.curves) == 1:
        made.set_ecdh_curve(tls.curves[0])
    made.set_alpn_protocols(["http/1.1"])
    return made


@contextmanager
def _as_file(part: Path | str) -> Iterator[str]:
    """The path of a copy of something that may be a text itself; the module `ssl` reads files alone.

    OpenSSL would wait for a pipe for ever, and so would all clients, and it reads a file of any size to its end.
    """
    data = read_file(part, _LARGEST + 1, pipes=False) if isinstance(part, Path) else part.encode()
    if len(data) > _LARGEST:
        raise ValueError(f"{_name(part)}: larger than {_LARGEST >> 20} MiB")
    fd = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def _name(part: Path | str) -> str:
    return str(part) if isinstance(part, Path) else "the certificate or key in the configuration"


def _no_password() -> str:
    """Nobody is asked for the password of a key."""
    raise ValueError("the key is encrypted, and nobody is there to give its password")
