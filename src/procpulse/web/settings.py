"""What files say about who may ask a server: tokens, passwords, certificates. Read at the start, and again when told to."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from procpulse.private_files import read_secret
from procpulse.web import tokens
from procpulse.web.access import Access, Refusal
from procpulse.web.apart import apart
from procpulse.web.guard import HEADERS, Guard
from procpulse.web.tokens import Tokens

if TYPE_CHECKING:
    from procpulse.web.passwords import Passwords
    from procpulse.web.tls import Certificates

_MOST_TOKENS_BYTES = 256 << 10


class Files(NamedTuple):
    """Where it is written."""

    token: str | None = None
    """A token itself, of the environment."""
    token_file: str | None = None
    tokens: str | None = None
    web_config: str | None = None


class BadFile(Exception):
    """A file makes no sense or cannot be read; the message names the option."""


class Settings:
    """What these files say.

    Args:
        files: Where it is written.
        session_seconds: How long the session of a browser lasts.

    Raises:
        BadFile: one makes no sense.
        ModuleNotFoundError: a web configuration needs packages that are not installed.
    """

    def __init__(self, files: Files, session_seconds: float = tokens.SESSION_SECONDS):
        self._files = files
        self._session_seconds = session_seconds
        self.tokens: Tokens | None = None
        self.passwords: Passwords | None = None
        self.certificates: Certificates | None = None
        self.headers: tuple[tuple[bytes, bytes], ...] = HEADERS
        self.rate: tuple[float, int] | None = None
        self.notes: list[str] = []
        self._load_tokens()
        if files.web_config is not None:
            self._load_web_config(files.web_config)

    def _load_tokens(self) -> None:
        plain, stored = self._files.token, []
        if self._files.token_file is not None:
            with _reading("--token-file"):
                plain = read_secret(self._files.token_file)
        if self._files.tokens is not None:
            with _reading("--tokens"):
                stored = tokens.parse(read_secret(self._files.tokens, _MOST_TOKENS_BYTES))
        if plain is not None:
            with _reading("--token-file" if self._files.token_file else "PROCPULSE_TOKEN"):
                self.tokens = Tokens.of(plain, stored, self._session_seconds)
        elif stored:
            self.tokens = Tokens(stored, session_seconds=self._session_seconds)

    def _load_web_config(self, name: str) -> None:
        from procpulse.web.passwords import Passwords
        from procpulse.web.refusals import Refusals
        from procpulse.web.tls import Certificates
        from procpulse.web.web_config import load

        with _reading("--web-config"):
            path = Path(name)
            config = load(path)
            self.certificates = None if config.tls is None else Certificates(config.tls)
            self.passwords = Passwords(config.users, Refusals()) if config.users else None
            self.rate = config.rate
            self.notes = [f"{path}: {note}" for note in config.notes]
            if config.users and self.certificates is None:
                self.notes.append(f"{path}: passwords go over the network as they are, since there is no TLS")
            named = {header for header, _ in config.headers}
            self.headers = (*config.headers, *(header for header in HEADERS if header[0] not in named))

    @property
    def needs_certificates(self) -> bool:
        """Whether clients need a certificate that is verified."""
        import ssl

        return self.certificates is not None and self.certificates.tls.verify is ssl.CERT_REQUIRED

    def access(self, **more: Any) -> Access:
        """Who may ask, by these files and what else is said."""
        access = Access(tokens=self.tokens, users=self.passwords, certificates=self.needs_certificates, **more)
        if self.passwords is not None:
            self.passwords.refusals = access.refusals
        return access

    def apply(self, guard: Guard) -> None:
        """Dress and limit answers as these files say."""
        guard.headers = self.headers
        guard.limit = _no_limit if self.rate is None else limiter(*self.rate)

    async def reload(self, guard: Guard) -> bool:
        """Read the files again, for a server that runs, and goes on while a file is slow or hangs.

        Returns:
            Whether somebody may see less than before, so that open streams have to show again who they are.

        Raises:
            BadFile: one makes no sense now; all stays as it was.
        """
        new = await apart(lambda: Settings(self._files, self._session_seconds))
        access = guard.access
        for old, now in (
            (access.tokens, new.tokens),
            (access.users, new.passwords),
            (self.certificates, new.certificates),
        ):
            if (old is None) is not (now is None):
                raise BadFile("tokens, passwords or TLS that were not there before, or are gone, need a restart")
        less = new.needs_certificates and not self.needs_certificates
        if self.needs_certificates and not new.needs_certificates and not (access.tokens or access.users):
            raise BadFile("client certificates are no longer asked for, which needs a restart")
        if access.tokens is not None and new.tokens is not None:
            less |= access.tokens.replace(new.tokens)
        if self.passwords is not None and new.passwords is not None:
            less |= self.passwords.replace(new.passwords)
        if self.certificates is not None and new.certificates is not None:
            less |= self.certificates.tls.allowed_sans != new.certificates.tls.allowed_sans
            self.certificates.replace(new.certificates)
        access.certificates = self.needs_certificates
        self.headers, self.rate = new.headers, new.rate
        self.apply(guard)
        return less


@contextmanager
def _reading(option: str) -> Iterator[None]:
    """Turn what goes wrong with a file into `BadFile`, with the option that named it."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise BadFile(f"{option}: {error}") from None


def _no_limit() -> None:
    """Requests may come as fast as they do."""


def limiter(interval: float, burst: int, clock: Callable[[], float] = time.monotonic) -> Callable[[], None]:
    """What raises `Refusal` where requests come faster than one per interval, after so many at once."""
    left, since = float(burst), clock()

    def limit() -> None:
        nonlocal left, since
        now = clock()
        left, since = min(float(burst), left + (now - since) / interval), now
        if left < 1:
            wait = max(1, round((1 - left) * interval))
            raise Refusal(429, "too many requests", "too many requests (rate_limit)", {"retry-after": str(wait)})
        left -= 1

    return limit
