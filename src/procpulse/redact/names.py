"""What a name says of its value: whether it is likely to be secret, says where a secret lies, or how much of it there is.

Names are those of options, variables, headers, columns and keys: `--db-password`, `MYSQL_PWD`, `X-Auth-Key`.
"""

import re
from functools import lru_cache

LONGEST = 128
"""Letters of a name; what is longer is nobody's name, and taken for a secret's."""

_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# A name that holds one of these, its separators taken out, is a secret's.
_MARKERS = (
    "passw", "passphrase", "passcode", "passkey", "kennwort", "motdepasse", "pwd", "secret", "token", "credential",
    "apikey", "accesskey", "privatekey", "accountkey", "authkey", "masterkey", "encryptionkey", "signingkey",
    "sharedkey", "licensekey", "authoriz", "cookie", "sessionid", "sessionkey", "sessid", "signature", "bearer",
    "mnemonic", "webhook", "connectionstring", "connstr", "fromliteral", "masterauth",
)  # fmt: skip
# So is one of which a whole piece is one of these.
_WHOLE = frozenset(
    [
        "pass",
        "pw",
        "pword",
        "psk",
        "jwt",
        "otp",
        "totp",
        "pin",
        "dsn",
        "sig",
        "key",
        "keys",
        "auth",
        "oauth",
        "authenticate",
        "authentication",
        "cred",
        "creds",
        "pat",
        "hmac",
        "community",
        "salt",
        "pwhash",
        "sas",
        "passin",
        "passout",
        "userpass",
        "userpw",
        "rootpw",
        "upw",
        "opw",
    ]
)
_HARMLESS = frozenset(
    [
        "passive",
        "passively",
        "passthrough",
        "passthru",
        "passed",
        "passes",
        "passing",
        "passenger",
        "passengers",
        "bypass",
        "compass",
        "author",
        "authors",
        "authority",
        "authorities",
        "tokenize",
        "tokenized",
        "tokenizer",
        "tokenizers",
        "tokenization",
        "secretary",
        "keyboard",
        "keymap",
    ]
)
_WHERE = frozenset(
    [
        "file",
        "path",
        "dir",
        "directory",
        "folder",
        "url",
        "uri",
        "fd",
        "stdin",
        "type",
        "method",
        "mode",
        "plugin",
        "kubeconfig",
        "config",
        "provider",
        "server",
        "host",
        "hostname",
        "port",
        "endpoint",
        "addr",
        "address",
        "issuer",
        "audience",
        "class",
        "scheme",
        "realm",
        "backend",
        "version",
        "algorithm",
        "alg",
        "cipher",
        "format",
        "source",
        "location",
        "service",
        "policy",
        "prompt",
        "cafile",
        "certfile",
        "keyfile",
        "cert",
        "name",
        "nam",
        "env",
        "store",
    ]
)
_HOW_MUCH = frozenset(
    [
        "max",
        "min",
        "num",
        "limit",
        "count",
        "size",
        "timeout",
        "ttl",
        "length",
        "len",
        "expiry",
        "expiration",
        "lifetime",
        "age",
        "interval",
        "seconds",
        "minutes",
        "days",
        "retries",
        "attempts",
        "rounds",
        "iterations",
        "cost",
        "bits",
        "rate",
        "per",
        "window",
        "budget",
    ]
)
_SAID = frozenset(
    [
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "none",
        "null",
        "required",
        "optional",
        "disabled",
        "enabled",
        "always",
        "never",
        "ask",
    ]
)
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?[A-Za-z]{0,2}")
_FILE = re.compile(r"(?:/|\.{1,2}/|~/)[A-Za-z0-9_./\-]{1,255}")

BEFORE = frozenset(["session", "sid", "code", "state", "verifier", "nonce", "p", "pw"])
"""Names that are secret in what has no dashes, `session=X` of a cookie, but not as options."""


def is_secret(name: str) -> bool:
    """Whether what goes by this name is likely to be secret.

    Args:
        name: It, in any way of writing: dbPassword, DB_PASSWORD, --db-password.
    """
    return len(name) > LONGEST or _is_secret(name)


@lru_cache(4096)
def _is_secret(name: str) -> bool:
    pieces = [piece.lower() for piece in _PIECES.findall(name)]
    pieces = [piece for piece in pieces if piece not in _HARMLESS]
    if any(piece in _WHOLE or piece.endswith("pass") for piece in pieces):
        return True
    joined = "".join(pieces)
    return any(marker in joined for marker in _MARKERS)


def says_where(name: str) -> bool:
    """Whether a name is that of a place where a secret lies, or of a way to get it, such as --password-file."""
    pieces = _PIECES.findall(name[-LONGEST:])
    return bool(pieces) and (pieces[-1].lower() in _WHERE or pieces[-1].lower().rstrip("s") in _WHERE)


def hides(name: str, value: str) -> bool:
    """Whether a value has to be hidden, by its name.

    Args:
        name: Of an option, a variable, a key.
        value: All of it.
    """
    if not value or not is_secret(name) or says_where(name):
        return False
    if value.lower() in _SAID or (len(value) == 1 and value in "01"):
        return False
    pieces = [piece.lower() for piece in _PIECES.findall(name)]
    if _NUMBER.fullmatch(value) and not _HOW_MUCH.isdisjoint(pieces):
        return False
    # The key of a certificate is named by its file; PWD is a directory.
    whereabouts = bool(pieces) and (pieces[-1] == "key" or (len(pieces) == 1 and pieces[0] in ("pwd", "oldpwd")))
    return not (whereabouts and _FILE.fullmatch(value))
