"""The command `procpulse`: one module a verb, imported only when it is the one that was asked for."""

import argparse
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from procpulse.cli.options import EXIT_CODES, Refused
from procpulse.cli.say import say
from procpulse.text import printable

VERBS = {
    "snapshot": "read the host once",
    "stream": "show or emit what happens, tick by tick",
    "record": "write ticks into a file, to be replayed",
    "replay": "show or emit the ticks of a recording",
    "serve": "serve a page, streams and metrics of this host",
    "token": "make a token for a server, and the line that a file of tokens has for it",
    "limits": "say what a process may really use: by control groups, affinity and resource limits",
    "sources": "list what can be read, what it means, and whether this host has it",
    "doctor": "tell what this host, container or user hides, what reading costs, and what to change",
    "schema": "print the JSON Schema of everything that is emitted",
    "capture": "save the files of this host as a fixture tree, with names and addresses scrubbed",
    "completion": "print a completion script for bash, zsh or tcsh",
}

EPILOG = f"""\
examples:
  procpulse stream                            one line a second, until Ctrl-C
  procpulse stream --interval 500ms --count 20 --format json
  procpulse snapshot --sources meminfo,net_dev
  procpulse snapshot --sources processes:io+cmdline --format json
  procpulse record host.ppr                   and later: procpulse replay host.ppr --from 14:30
  procpulse serve                             a page at http://127.0.0.1:8787/
  procpulse sources diskstats                 its fields, with unit and meaning

{EXIT_CODES}
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {printable(message)}\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stderr).write(message)  # argparse drops the error of a disk that is full


def parser(verbs: Sequence[str] = tuple(VERBS)) -> argparse.ArgumentParser:
    """The parser of the command, with these verbs in full; the others are only named."""
    from procpulse import __version__

    top = _Parser(
        prog="procpulse",
        description="What this Linux host is doing, from /proc and /sys.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"procpulse {__version__}")
    subparsers = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, summary in VERBS.items():
        sub = subparsers.add_parser(
            verb,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if verb in verbs:
            module = importlib.import_module(f"procpulse.cli.{verb}")
            sub.epilog = f"{module.EXAMPLES}\n{EXIT_CODES}"
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    without_output = _fill_standard_streams()
    # Ctrl-C ends the command at once and without a word, as it does any filter. SIGPIPE stays ignored, as Python has
    # it: with the default action one peer of a socket that hangs up would end a server.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of processes need not fit the locale
    verb = next((word for word in arguments if not word.startswith("-")), "")
    if without_output and verb not in _WITHOUT_OUTPUT:
        say("standard output is closed")
        return 1
    try:
        code = _run(verb, arguments)
        sys.stdout.flush()
    except Refused as refusal:
        say(str(refusal))
        return refusal.code
    except BrokenPipeError:
        return _end_as_a_filter()
    except OSError as error:  # stdout is full or gone
        say(str(error))
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 1
    return code


def _run(verb: str, arguments: Sequence[str]) -> int:
    try:
        options = parser([verb]).parse_args(arguments)
    except SystemExit as end:  # the help or the version is shown, or a mistake is told
        return int(end.code or 0)
    code: int = options.run(options)
    return code


_WITHOUT_OUTPUT = ("capture", "record", "serve")
"""Verbs whose work is not what they print."""


def _fill_standard_streams() -> bool:
    """Open /dev/null for standard streams that are closed; return whether output is among them.

    The kernel gives the lowest number that is free to the next file that is opened. Whoever then writes a message to
    standard error would write it into a file, a socket or a recording.
    """
    without_output = sys.stdout is None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if not number else os.O_WRONLY)
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    return without_output


def _end_as_a_filter() -> int:
    """Whoever read our output is gone: end without a word, by the signal that shells know (141 in `$?`)."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    return 128 + signal.SIGPIPE  # not reached unless the signal is blocked
