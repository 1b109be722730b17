"""What the command says to whoever runs it, beside what it was asked for."""

import sys

from procpulse.text import printable


def say(message: str) -> None:
    """Write a line to standard error.

    Anybody may have chosen a name or path in it, where `*.ppr` or a link led to it: no escape of a terminal, and no second
    line that looks like ours.
    """
    print(f"procpulse: {printable(message)}", file=sys.stderr)
