"""Every source, by name: `from procpulse.sources import MEMINFO, NET_DEV`.

A source lives in the module of its own name and is imported when it is first asked for. What makes sources to order,
such as `processes("io")`, is named like its module. The index for type checkers, `__init__.pyi`, is written by
`make index`.
"""

from typing import Any

from procpulse import catalog


def __getattr__(name: str) -> Any:
    known = catalog.modules()
    if name.isupper() and name.lower() in known:
        return catalog.source(name.lower())
    factory = catalog.factory(name) if name in known else None
    if factory is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}" + catalog.suggestion(name))
    return factory


def __dir__() -> list[str]:
    names = catalog.modules()
    return [*(name.upper() for name in names), *(name for name in names if catalog.factory(name))]
