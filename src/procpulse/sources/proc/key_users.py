"""/proc/key-users: keys that the kernel keeps for users, against their quotas.

     1000:     6 5/5 3/200 61/20000

https://docs.kernel.org/security/keys/core.html#the-key-service-facilities
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, label
from procpulse.source import File, Source
from procpulse.text import lines, number, words


class KeyUser(msgspec.Struct, frozen=True, gc=False):
    """The keys of one user."""

    uid: Annotated[int, label("User id.")]
    usage: Annotated[int, gauge("How often the kernel refers to this record.")]
    keys: Annotated[int, gauge("Keys of the user.")]
    keys_instantiated: Annotated[int, gauge("Those of them that hold something.")]
    quota_keys: Annotated[int, gauge("Keys that count against the quota.")]
    quota_keys_max: Annotated[int, gauge("Most keys that the user may have.")]
    quota_bytes: Annotated[int, gauge("Memory that counts against the quota.")]
    max_bytes: Annotated[int, gauge("Most memory that the keys of the user may take.")]


def parse(file: File) -> list[KeyUser]:
    users = []
    for line in lines(file.data):
        uid, usage, keys, counted, size = words(line, 5)[:5]
        if not uid.endswith(b":"):
            raise ValueError("a row without a user")
        users.append(KeyUser(number(uid[:-1]), number(usage), *_pair(keys), *_pair(counted), *_pair(size)))
    return users


def _pair(column: bytes) -> tuple[int, int]:
    first, _, second = column.partition(b"/")
    return number(first), number(second)


KEY_USERS = Source("key_users", "/proc/key-users", list[KeyUser], parse, rows=0)
