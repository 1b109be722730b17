"""Snapshots that come from a recording, without what may be secret in their arguments.

What `record` writes has none already. What was recorded with --raw-arguments, by a program of one's own or by an earlier
version is shown like what lives: without.
"""

from typing import Any

import msgspec

from procpulse.redact import Arguments
from procpulse.snapshot import Snapshot
from procpulse.sources.proc.cmdline import Cmdline, without_secrets
from procpulse.sources.proc.pid_cmdline import PidCmdline, as_shown
from procpulse.sources.proc.pid_environ import PidEnviron, as_names

_Known = dict[Any, tuple[Any, Any]]
"""Rows as they were and as they are shown, by key: what stays the same object stays so."""


class WithoutSecrets:
    """Hides what may be secret in the snapshots of a stream, one after the other."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def __call__(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as it may be shown; the same one where there is nothing to hide."""
        changed: dict[str, Any] = {}
        for name, value in snapshot.values.items():
            if isinstance(value, Cmdline):
                shown: Any = without_secrets(value)
            elif isinstance(value, dict):
                shown = self._rows(name, value)
            else:
                continue
            if shown is not value:
                changed[name] = shown
        return msgspec.structs.replace(snapshot, values={**snapshot.values, **changed}) if changed else snapshot

    def _rows(self, name: str, rows: dict[Any, Any]) -> dict[Any, Any]:
        first = next(iter(rows.values()), None)
        columns = getattr(first, "__struct_fields__", ())
        if not {"cmdline", "environ", "threads"} & set(columns):
            return rows
        before = self._known.get(name, {})
        after: _Known = {}
        for key, row in rows.items():
            pair = before.get(key)
            after[key] = pair if pair is not None and pair[0] is row else (row, _row(row))
        self._known[name] = after
        return {key: pair[1] for key, pair in after.items()}


def _row(row: Any) -> Any:
    changed: dict[str, Any] = {}
    for column in row.__struct_fields__:
        value = getattr(row, column)
        if isinstance(value, PidCmdline):
            changed[column] = as_shown(value, Arguments.REDACTED)
        elif isinstance(value, PidEnviron):
            changed[column] = as_names(value)
        elif column == "threads" and value:
            changed[column] = {tid: _row(thread) for tid, thread in value.items()}
    return msgspec.structs.replace(row, **changed) if changed else row
