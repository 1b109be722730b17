"""Command lines without their secrets: what may be a password, a token or a key becomes `***`.

Nobody can know every program's options, so this errs on the side of hiding. It is done once, where arguments are
parsed, before anything else sees them; what is hidden there is in no snapshot, log or page.
"""

import re
from collections.abc import Sequence

HIDDEN = "***"

# The word anywhere in a name hides its value: --db-password, MYSQL_PWD, apiToken, X-Auth-Key.
_SECRET = re.compile(
    r"pass(?!ive|thr|ed|es|ing)|pwd|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|secret[-_.]?key"
    r"|account[-_.]?key|auth(?!or)|cookie|session[-_.]?(?:id|key)|signature|\bsig\b|\bkey\b|passphrase|psk|jwt|pw\b|otp|\bpin\b|\bdsn\b",
    re.IGNORECASE,
)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-.]+")
_OPTION = re.compile(r"(-{1,2}|/)?([A-Za-z][A-Za-z0-9_.\-]*)([=:])(.*)", re.DOTALL)
_NAMED = re.compile(r"-{1,2}[A-Za-z][A-Za-z0-9_.\-]*")
# user:password@ in an address of any scheme; a user alone stays.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#:@]*):[^\s/?#]*@")
_TARGET = re.compile(r"(\biscsi:[^\s:@/]*):[^\s@/]*@")  # netroot=iscsi:user:password@server
_USER = re.compile(r"-{1,2}(?:proxy-)?user")
_PAIR = re.compile(
    r"((?:-{1,2}(?:proxy-)?user=)?[^\s:=]+):(?![0-9]+\Z).+", re.DOTALL
)  # user:password; 1000:1000 are ids
_QUERY = re.compile(r"([?&;,\s\"'{]|^)([A-Za-z0-9_.\-]+)(\s?=\s?|\"?:\s?\"?)(?!//)([^&;,\s\"'}]+)")
_HEADER = re.compile(
    r"((?:proxy-)?authorization|cookie|set-cookie|x-[a-z\-]*(?:key|token|auth)[a-z\-]*)\s*:.*", re.I | re.DOTALL
)
_BEARER = re.compile(r"\b(bearer|basic|digest|negotiate)\s+[A-Za-z0-9+/=_.\-]{6,}", re.IGNORECASE)
# Shapes that are secrets wherever they stand.
_SHAPES = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_\-]{16,}|xox[abprs]-[A-Za-z0-9\-]{10,}"
    r"|sk-[A-Za-z0-9_\-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|hooks\.slack\.com/services/[A-Za-z0-9/]{8,}|AIza[A-Za-z0-9_\-]{30,}|hv[sb]\.[A-Za-z0-9_\-]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{20,}|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}\.[A-Za-z0-9_\-]*)"
)
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL)

# Options of one letter, by program: -pSECRET and -p SECRET.
_SHORT = {
    "mysql": "p", "mysqldump": "p", "mysqladmin": "p", "mysqlimport": "p", "mariadb": "p", "mariadb-dump": "p",
    "sshpass": "p", "curl": "uUH", "wget": "", "ldapsearch": "w", "ldapmodify": "w", "ldapadd": "w", "ldapwhoami": "w",
    "mongo": "p", "mongosh": "p", "mongodump": "p", "mongorestore": "p", "redis-cli": "a", "sqlcmd": "P", "bcp": "P",
    "smbclient": "U", "rdesktop": "p", "xfreerdp": "p", "ipmitool": "P", "snmpget": "cAX", "snmpwalk": "cAX",
    "snmpbulkwalk": "cAX", "htpasswd": "", "openssl": "kK", "7z": "p", "7za": "p", "zip": "P", "unzip": "P", "unrar": "p",
    "rar": "p", "docker": "p", "podman": "p", "helm": "", "vncviewer": "", "ftp": "", "lftp": "u", "cqlsh": "p",
    "clickhouse-client": "", "impala-shell": "", "isql": "P", "tsql": "P", "psexec": "p", "net": "", "kinit": "",
    "mosquitto_pub": "P", "mosquitto_sub": "P", "rabbitmqadmin": "p", "influx": "", "amqp-publish": "", "httpie": "a",
    "http": "a", "https": "a", "mount.cifs": "o", "mount": "o", "ansible-playbook": "e", "wrk": "H", "ab": "AP",
    "hey": "aH", "siege": "H",
}  # fmt: skip
# `openssl ... -passin pass:x`, `sshpass -p`, and others say the kind before the secret.
_KINDS = re.compile(r"(pass|env|file|fd):", re.IGNORECASE)


def scrub(arguments: Sequence[str]) -> list[str]:
    """The arguments of a process, with what may be secret hidden. Scrubbing twice is the same as once.

    Args:
        arguments: The program first.
    """
    if not arguments:
        return []
    if len(arguments) == 1:
        # A process that set its own title has all of it in one argument.
        program, *words = arguments[0].split(" ")
        return [" ".join([_word(program), *_words(program, words)])] if words else [_word(program)]
    return [_word(arguments[0]), *_words(arguments[0], arguments[1:])]


def _words(program: str, words: Sequence[str]) -> list[str]:
    short = _SHORT.get(program.rsplit("/", 1)[-1].removesuffix(".exe"), "")
    found: list[str] = []
    hide = user = False
    for word in words:
        if user or _USER.match(word):
            word = _PAIR.sub(rf"\1:{HIDDEN}", word) if user or "=" in word else word
        user = bool(_USER.fullmatch(word))
        if hide:
            hide = False
            if not _NAMED.fullmatch(word):
                found.append(HIDDEN)
                continue
        if short and len(word) >= 2 and word[0] == "-" and word[1] in short:
            hide = len(word) == 2
            found.append(word if hide else word[:2] + HIDDEN)
            continue
        # -passin pass:x, --password x, --token x: the next word is it.
        hide = bool(_NAMED.fullmatch(word)) and is_secret(word) and not _says_where(word)
        found.append(_word(word))
    return found


def is_secret(name: str) -> bool:
    """Whether what goes by this name is likely to be secret."""
    return bool(_SECRET.search(name) or _SECRET.search(_WORDS.sub(" ", name)))


def _says_where(name: str) -> bool:
    """Whether a name is that of a place where a secret lies, such as --password-file."""
    return (
        name.lower()
        .rstrip("s")
        .endswith(("file", "path", "dir", "url", "uri", "fd", "stdin", "type", "method", "mode"))
    )


def _word(word: str) -> str:
    """One argument."""
    word = _PRIVATE.sub(HIDDEN, word)
    word = _SHAPES.sub(HIDDEN, word)
    word = _ADDRESS.sub(rf"\1:{HIDDEN}@", word)
    word = _TARGET.sub(rf"\1:{HIDDEN}@", word)
    word = _HEADER.sub(rf"\1: {HIDDEN}", word)
    word = _BEARER.sub(rf"\1 {HIDDEN}", word)
    match = _OPTION.fullmatch(word)
    if match and not match[4].startswith("//") and is_secret(match[2]) and not _says_where(match[2]) and match[4]:
        return word[: match.start(4)] + HIDDEN
    return _QUERY.sub(_value, word)


def _value(match: re.Match[str]) -> str:
    if not is_secret(match[2]) or _says_where(match[2]):
        return match[0]
    return f"{match[1]}{match[2]}{match[3]}{HIDDEN}"
