"""JSON Schema of everything that is sent, from the types and their metadata."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from procpulse import catalog
from procpulse.delta import Delta
from procpulse.fields import Shape, fields, is_record
from procpulse.process import PerProcess
from procpulse.snapshot import Snapshot
from procpulse.source import Source
from procpulse.usage import Rates


def schema(sources: Iterable[Source[Any]] | None = None) -> dict[str, Any]:
    """The schema of snapshots; that of deltas and rates is among its definitions.

    Every field of a source says its kind in `x-kind`, its unit in `x-unit`, and what it means in `description`.

    Args:
        sources: Which sources a snapshot has; by default all, and every part of a process.
    """
    chosen = list(every_source() if sources is None else sources)
    types = [source.type for source in chosen]
    found, definitions = msgspec.json.schema_components([Snapshot, Delta, Rates, *types], ref_template="#/$defs/{name}")
    for record in sorted(set(records([Rates, *types])), key=lambda record: record.__name__):
        definition = definitions.get(record.__name__) or definitions[_qualified(record)]
        for field in fields(record):
            definition["properties"][field.name] |= {"x-kind": str(field.kind)} | (
                {"x-unit": str(field.unit)} if field.unit else {}
            )
    values = {
        source.name: {"description": f"From {source.path}.", **type_}
        for source, type_ in zip(chosen, found[3:], strict=True)
    }
    for message in ("Snapshot", "Delta"):
        definitions[message]["properties"]["values"] = {"type": "object", "properties": values}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "procpulse",
        "$ref": "#/$defs/Snapshot",
        "$defs": dict(sorted(definitions.items())),
    }


def every_source() -> list[Source[Any]]:
    """Every source there is, processes with every part, those with secrets too, and with their threads."""
    sources = []
    for name, source in catalog.sources().items():
        if isinstance(source, PerProcess):
            source = catalog.module(name).processes(*catalog.part_modules(), threads=True)
        sources.append(source)
    return sources


def tables(type_: Any) -> dict[str, list[dict[str, Any]]]:
    """The field tables of a value's records: name, kind, unit, help, optional, by the name of the record."""
    return {
        record.__name__: [
            {"name": f.name, "kind": f.kind, "unit": f.unit, "help": f.help, "optional": f.optional}
            for f in fields(record)
        ]
        for record in dict.fromkeys(records([type_]))
    }


def records(types: Iterable[Any]) -> Iterator[type[msgspec.Struct]]:
    """The record types of some values, and those inside them."""
    for type_ in types:
        if is_record(type_):
            yield type_
            yield from records(f.type for f in fields(type_) if f.shape in (Shape.RECORD, Shape.ROWS, Shape.TABLE))
        else:
            yield from records(inner for inner in getattr(type_, "__args__", ()) if inner is not None)


def _qualified(record: type[msgspec.Struct]) -> str:
    """The name of a definition where two types share the short one."""
    return re.sub(r"[^A-Za-z0-9.\-_]", "_", f"{record.__module__}.{record.__qualname__}")
