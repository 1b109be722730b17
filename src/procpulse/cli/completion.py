"""procpulse completion: a completion script for a shell."""

import argparse

from procpulse.cli import options as shared

EXAMPLES = """\
examples:
  procpulse completion bash > /etc/bash_completion.d/procpulse
  procpulse completion zsh > "${fpath[1]}/_procpulse"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def run(options: argparse.Namespace) -> int:
    """Print the script; return the exit code."""
    from procpulse.cli import parser

    try:
        import shtab
    except ImportError:
        raise shared.Refused("completion needs shtab: pip install 'procpulse[completion]'") from None
    print(shtab.complete(parser(), options.shell))
    return 0
