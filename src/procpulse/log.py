"""To see what is read: the logger `procpulse`, which says nothing until it is asked.

    import logging
    from procpulse import Sampler, log

    logging.basicConfig(level=logging.DEBUG)
    sampler = Sampler(observe=log.reads)

The library itself never logs: failures are data, in snapshots and in `sampler.statistics()`. `observe` is told of every
request for a file and its answer; this module writes them down. Then processes are read file by file, which costs more.
"""

import logging
from typing import Any

from procpulse import text
from procpulse.source import Failure, Request

LOGGER = logging.getLogger("procpulse")
LOGGER.addHandler(logging.NullHandler())


def describe(request: Request, answer: Any) -> dict[str, Any]:
    """A request and its answer as inert words: what, path, and bytes, names or the reason."""
    told: dict[str, Any] = {"what": type(request).__name__.lower(), "path": text.printable(request.path)}
    if isinstance(answer, Failure):
        told |= {"reason": str(answer.reason), "detail": answer.detail}
    elif isinstance(answer, bytes):
        told["bytes"] = len(answer)
    elif isinstance(answer, list):
        told["names"] = len(answer)
    return told


def reads(request: Request, answer: Any) -> None:
    """Write down a request: what came of it at DEBUG, what failed other than by being absent at INFO."""
    lost = isinstance(answer, Failure) and answer.reason != "missing"
    level = logging.INFO if lost else logging.DEBUG
    if LOGGER.isEnabledFor(level):
        told = describe(request, answer)
        rest = " ".join(f"{key}={value}" for key, value in told.items() if key not in ("what", "path"))
        LOGGER.log(level, "%s %s %s", told["what"], told["path"], rest)
