"""What is a secret by its looks, wherever it stands: tokens of known makers, keys in armour, and what looks drawn by lot.

Every pattern here is a literal or one class of characters with its repetition: none can take more than linear time.
"""

import re

HIDDEN = "***"

_BEGIN = re.compile(r"-{3,5} ?BEGIN |PuTTY-User-Key-File|openssh-key-v1|\$ANSIBLE_VAULT")
# What a maker's token begins with. Letters or digits before it make it another word.
_MAKERS = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_|gl(?:pat|rt|dt|cbt|ptt|ft|soat|agent|imt|oas)-|glsa_|glc_|xox[a-z]-|xapp-|xwfp-"
    r"|sk-|sk_(?:live|test|org)_|rk_(?:live|test)_|pk_(?:live|test)_|whsec_|hf_|SG\.|ya29\.|1//0|GOCSPX-"
    r"|dckr_(?:pat|oat)_|AKIA|ASIA|ABIA|ACCA|AGPA|AIza|hv[sbr]\.|npm_|pypi-|rubygems_|NRAK-|lin_api_|shp(?:at|ca|pa|ss)_"
    r"|sq0(?:atp|csp)-|do[opr]_v1_|figd_|pul-|tskey-|AGE-SECRET-KEY-|nvapi-"
    r"|PMAK-|LTAI|AQVN|r8_|gsk_|xai-|pplx-|sntr[yu]s_|dp\.(?:pt|st|ct|sa)\.|cf(?:ut|at|ok)_|fo1_|atlasv1\."
    r"|eyJ|ATATT|ATCTT|v2\.local\.|v4\.local\.|AAAA[BCEF]3Nz)[A-Za-z0-9_\-.+/=~]{6,}"
)
_RUN = re.compile(r"[A-Za-z0-9+/_\-.~]{20,}={0,2}")
_HUMPS = re.compile(r"[A-Z]+[a-z]*|[a-z]+|[0-9]+")
_LONG_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}", re.IGNORECASE)
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{12,64}")
_UUID = re.compile(
    r"(?<![A-Za-z0-9])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![A-Za-z0-9])"
)
_SEPARATORS = re.compile(r"[+_\-~=]+")
_NAMES_ITS_ID = ("uuid", "guid", "id", "luks")

SHORTEST = 20
"""Letters of what is hidden for looking drawn by lot alone."""


def without_keys(text: str) -> str:
    """Text up to where a key in armour begins, and what stands for the rest."""
    begin = _BEGIN.search(text)
    return text if begin is None else text[: begin.start()] + HIDDEN


def without_tokens(text: str, hint: str = "") -> str:
    """Text in which what looks like a token is hidden.

    Args:
        text: Any.
        hint: The name that its value goes by, if it has one: what is called an id may be one.
    """
    if len(text) < 7:
        return text
    text = _MAKERS.sub(HIDDEN, text)
    if len(text) < SHORTEST:
        return text
    text = _UUID.sub(lambda match: match[0] if _is_id(match, hint) else HIDDEN, text)
    return _RUN.sub(lambda match: _run(match, hint), text)


def _is_id(match: re.Match[str], hint: str) -> bool:
    """Whether what stands before a number or a hash says that it is an id."""
    start = match.start()
    before = match.string[max(0, start - 16) : start].rstrip("\"'=:/ -").lower() or hint.lower()
    return before.endswith(_NAMES_ITS_ID)


def _run(match: re.Match[str], hint: str) -> str:
    run = match[0]
    if _ID.fullmatch(run.removeprefix("luks-")) and _is_id(match, hint):
        return run
    if "/" not in run:
        return HIDDEN if drawn(run) else run
    pieces = run.split("/")
    # Base64 has slashes, too: then what is between them is nothing that is written by hand.
    strange = [sum(map(odd, _SEPARATORS.split(piece))) for piece in pieces]
    if sum(strange) >= SHORTEST - 4 and 5 * sum(strange) >= 3 * len(run):
        return HIDDEN
    for at, piece in enumerate(pieces):
        named = at > 0 and pieces[at - 1].lower().endswith(_NAMES_ITS_ID)
        scattered = strange[at] and sum(strange) >= SHORTEST + 4
        if (scattered or drawn(piece)) and not (named and _ID.fullmatch(piece)):
            pieces[at] = HIDDEN
    return "/".join(pieces)


def drawn(text: str, shortest: int = SHORTEST) -> bool:
    """Whether a word looks as if it were drawn by lot: of letters and digits that nobody would write in that order.

    Args:
        text: A word without slashes; what is between its separators is looked at by itself.
        shortest: Letters that it needs.
    """
    if len(text) < shortest:
        return False
    parts = [part for whole in text.split(".") for part in _SEPARATORS.split(whole)]
    return sum(odd(part) for part in parts) >= shortest - 4


def odd(piece: str) -> int:
    """How many letters of a piece without separators are no word, no number and no mix of a few of these."""
    size = len(piece)
    if size <= 5:
        return 0
    humps = _HUMPS.findall(piece)
    numbers = sum(hump[0].isdigit() for hump in humps)
    if size > 20 and (numbers == len(humps) or (numbers == 0 == piece.islower() and len(humps) == 1 and size > 32)):
        return size
    if numbers > 2 or len(humps) > 1 + size // 5 or (size >= 12 and _LONG_CONSONANTS.search(piece)):
        return size
    return 0
