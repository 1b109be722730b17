"""Passwords of `basic_auth_users`: bcrypt hashes, which take long to check, so each password is checked once.

What was right is remembered as long as it is used, by a keyed hash, and what was wrong for a while. One is checked at a
time, in a thread: who guesses takes one core at most, and nobody who is known waits for them.
"""

import asyncio
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256

import bcrypt

from procpulse.web.access import Refusal
from procpulse.web.refusals import Refusals

REMEMBERED_SECONDS = 600.0
MOST_REMEMBERED = 256
MOST_WAITING = 32
_LONGEST = 72
"""Bytes of a password that bcrypt looks at."""


class Passwords:
    """Names and the hashes of their passwords.

    Args:
        hashes: Of bcrypt, by name.
        refusals: Who knows which addresses have failed often.
        clock: Seconds.
    """

    def __init__(self, hashes: Mapping[str, bytes], refusals: Refusals, clock: Callable[[], float] = time.monotonic):
        self.refusals = refusals
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, float] = OrderedDict()
        self._wrong: OrderedDict[bytes, float] = OrderedDict()
        self._one = asyncio.Lock()
        self._waiting = 0
        self._take(hashes)

    def _take(self, hashes: Mapping[str, bytes]) -> None:
        self.hashes = dict(hashes)
        # For names that there are not: as slow as the slowest, so that time does not tell names.
        cost = max((hash[4:6] for hash in self.hashes.values()), default=b"10")
        self._nobody = b"$2b$" + cost + b"$" + b"." * 53

    def replace(self, other: "Passwords") -> bool:
        """Take over other passwords and forget what was remembered. True where some are gone or changed."""
        less = any(other.hashes.get(name) != hash for name, hash in self.hashes.items())
        self._right.clear()
        self._wrong.clear()
        self._take(other.hashes)
        return less

    async def check(self, name: str, password: bytes, address: str) -> bool:
        """Whether they belong together.

        Raises:
            Refusal: too many ask at a time.
        """
        key = hmac.new(self._secret, name.encode() + b"\0" + password, sha256).digest()
        known = self._known(key)
        if known is not None:
            return known
        if self._waiting >= MOST_WAITING or self.refusals.busy(address):
            raise Refusal(429, "too many passwords at a time", "too many passwords at a time", {"retry-after": "5"})
        self._waiting += 1
        try:
            async with self._one:
                known = self._known(key)  # several connections of one page ask for the same
                if known is not None:
                    return known
                hash = self.hashes.get(name, self._nobody)
                right = await asyncio.to_thread(_check, password, hash) and self.hashes.get(name) == hash
        finally:
            self._waiting -= 1
        remembered = self._right if right else self._wrong
        remembered[key] = self._clock()
        while len(remembered) > MOST_REMEMBERED:
            remembered.popitem(last=False)
        return right

    def _known(self, key: bytes) -> bool | None:
        now = self._clock()
        for remembered, answer in ((self._right, True), (self._wrong, False)):
            when = remembered.get(key)
            if when is None:
                continue
            if now - when > REMEMBERED_SECONDS:
                del remembered[key]
                continue
            if answer:
                remembered[key] = now
                remembered.move_to_end(key)
            return answer
        return None


def _check(password: bytes, hash: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_LONGEST], hash)
    except ValueError:  # a NUL in it, or a hash that bcrypt does not take
        return False
