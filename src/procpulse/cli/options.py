"""Options that verbs share, and what they mean."""

import argparse
import os
import re
from collections.abc import Iterable
from typing import Any

from procpulse import catalog
from procpulse.cli.roots import strange, told
from procpulse.cli.say import say
from procpulse.process import PerProcess
from procpulse.redact import Arguments
from procpulse.snapshot import Failure, Reason
from procpulse.source import Roots, Source

THREAD_PARTS = ("comm", "io", "schedstat", "stat", "status")
"""What `all` reads of each thread: the rest is the same as of its process, or takes long."""

EXIT_CODES = """\
exit codes:
  0  done
  1  something else went wrong
  2  the command line makes no sense
  3  a source that was named is not there
  4  a source that was named may not be read
  5  the address to listen on cannot be had
  6  a recording is damaged; what could be read of it was shown
"""


class Refused(Exception):
    """The command cannot do what it was asked for; carries the exit code."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.code = code


def add_roots(parser: argparse.ArgumentParser) -> None:
    """Where to read."""
    parser.add_argument("--proc-root", metavar="DIR", default="/proc", help="read this instead of /proc")
    parser.add_argument("--sys-root", metavar="DIR", default="/sys", help="read this instead of /sys")
    parser.add_argument("--root", metavar="DIR", help="where the host's / is, to ask for the size of its file systems")


def add_sources(parser: argparse.ArgumentParser) -> None:
    """What to read."""
    parser.add_argument(
        "--sources",
        metavar="NAMES",
        default="default",
        help="names with commas between, all, or default; processes:PART+PART for parts of processes (threads or threads.PART for those of each thread), sysctl:NAME+NAME",
    )


def add_raw_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether arguments are shown with their secrets."""
    parser.add_argument(
        "--raw-arguments",
        action="store_true",
        help="show arguments of processes and of the kernel as they are, and values of environ; by default what may be a secret in them is ***, and environ has names only",
    )


def add_ticks(parser: argparse.ArgumentParser) -> None:
    """How often to read."""
    parser.add_argument(
        "--interval",
        metavar="TIME",
        type=duration,
        default=1.0,
        help="time between ticks, such as 1s, 500ms or 2m (default 1s)",
    )
    parser.add_argument("--count", metavar="N", type=some, default=0, help="end after so many (default: never)")
    parser.add_argument(
        "--align", action="store_true", help="tick on whole multiples of the interval by the wall clock"
    )


def add_limit(parser: argparse.ArgumentParser) -> None:
    """How much memory a recording may take."""
    parser.add_argument(
        "--limit",
        metavar="SIZE",
        type=amount,
        default=28 << 20,
        help="memory that replaying may take, such as 100M; what is recorded with more has to be replayed with as much",
    )


def amount(text: str) -> int:
    """A number of bytes such as 100M."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})([KMGT])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"not a size: {text!r}; write 512K, 100M or 1G")
    return int(match[1]) << {"K": 10, "M": 20, "G": 30, "T": 40}[match[2]]


def duration(text: str) -> float:
    """A time such as 1s, 500ms, 2m or 1.5, in seconds."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"not a time: {text!r}; write 1s, 500ms or 2m")
    seconds = float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[match[2] or "s"]
    if not 0.001 <= seconds <= 86400 * 365:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1 ms and a year")
    return seconds


def count(text: str) -> int:
    """A number, 0 or more."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"not a number: {text!r}")
    return int(text)


def some(text: str) -> int:
    """How many, one at least."""
    number = count(text)
    if not number:
        raise argparse.ArgumentTypeError("0 of them are none: write 1 or more, or leave the option out")
    return number


def roots(options: argparse.Namespace) -> Roots:
    """The roots that were asked for.

    Raises:
        Refused: one is no directory, or one that has nothing in it of what it should be.
    """
    for option, path in (
        ("--proc-root", options.proc_root),
        ("--sys-root", options.sys_root),
        ("--root", options.root),
    ):
        if path is not None and not os.path.isdir(path):
            raise Refused(f"{option}: no directory {path!r}", 2)
        if path not in (None, "/proc", "/sys", options.root) and (why := strange(option, path)):
            raise Refused(f"{option}: {why}", 2)
    return Roots(proc=options.proc_root, sys=options.sys_root, root=options.root)


def sources(options: argparse.Namespace, arguments_of_all: bool = True) -> tuple[list[Source[Any]], bool]:
    """The sources that were asked for, and whether each was named, so that it must be there.

    What may be secret in arguments is hidden, unless the options say `raw_arguments`.

    Args:
        options: Of the command.
        arguments_of_all: Whether `all` has the arguments of processes.

    Raises:
        Refused: there is no such source or part.
    """
    raw = getattr(options, "raw_arguments", False)
    found: dict[str, Source[Any]] = {}
    named = False
    for word in options.sources.split(","):
        try:
            for source, by_name in _meant(word.strip(), arguments_of_all):
                found[source.name] = source if raw else without_secrets(source)
                named |= by_name
        except LookupError as error:
            raise Refused(f"--sources: {error.args[0]}; `procpulse sources` lists them", 2) from None
    return list(found.values()), named


def without_secrets(source: Source[Any]) -> Source[Any]:
    """The source, with what may be secret in arguments hidden before anything else sees it."""
    if isinstance(source, PerProcess):
        shown: Source[Any] = catalog.module("processes").showing(source, Arguments.REDACTED)
        return shown
    if source.name == "cmdline":
        redacted: Source[Any] = catalog.module("cmdline").REDACTED
        return redacted
    return source


def _meant(word: str, arguments_of_all: bool) -> Iterable[tuple[Source[Any], bool]]:
    if word == "all":
        for source in catalog.sources().values():
            yield (everything_of_processes(arguments_of_all) if source.name == "processes" else source), False
    elif word == "default":
        yield from ((source, False) for source in catalog.default_sources())
    elif ":" in word:
        name, _, parts = word.partition(":")
        yield _made(name, parts.split("+")), True
    else:
        yield catalog.source(word), True


def everything_of_processes(arguments: bool = True) -> Source[Any]:
    """Every part of processes that need not be named, and what is small and each thread's own of their threads.

    Args:
        arguments: Whether their arguments are among it.
    """
    parts = [name for name in catalog.part_modules() if not catalog.part(name).secret]
    if not arguments:
        parts.remove("cmdline")
    source: Source[Any] = catalog.module("processes").processes(*parts, threads=THREAD_PARTS)
    return source


def _made(name: str, parts: list[str]) -> Source[Any]:
    """A source that is made of what is asked for: parts of processes, names of sysctls."""
    factory = catalog.factory(name)
    if factory is None:
        raise LookupError(f"{name!r} has no parts to choose from")
    more: dict[str, Any] = {}
    if name == "processes":
        of_threads = [part.removeprefix("threads.") for part in parts if part.startswith("threads.")]
        if of_threads or "threads" in parts:
            more["threads"] = "threads" in parts or of_threads
        parts = [part for part in parts if part.partition(".")[0] != "threads"] or ["stat"]
    try:
        source: Source[Any] = factory(*parts, **more)
    except ValueError as error:
        raise LookupError(str(error)) from None
    return source


def failure_code(failures: dict[str, Failure], named: bool, roots: Roots | None = None) -> int:
    """The exit code that failures deserve, and a message for each source that was named and is not there.

    Args:
        failures: By source.
        named: Whether each source was named, so that it must be there.
        roots: Where they were read, so that the message names the real place.
    """
    whole = {name: failure for name, failure in failures.items() if "/" not in name}
    if not named or not whole:
        return 0
    for name, failure in whole.items():
        say(f"{name}: {told(failure, roots)}")
    reasons = {failure.reason for failure in whole.values()}
    if Reason.DENIED in reasons:
        return 4
    return 3 if reasons & {Reason.MISSING, Reason.UNSUPPORTED} else 1
