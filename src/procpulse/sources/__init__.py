"""Every source, by name: `from procpulse.sources import MEMINFO, NET_DEV`.

A source lives in the module of its own name and is imported when it is first asked for. What makes sources to order,
such as `processes("io")`, is named like its module. The index for type checkers, `__init__.pyi`, is written by
`make index`.
"""

from types import FrameType
from typing import Any

from procpulse import catalog


def __getattr__(name: str) -> Any:
    known = catalog.modules()
    if name.isupper() and name.lower() in known:
        return catalog.source(name.lower())
    factory = catalog.factory(name) if name in known else None
    if factory is not None:
        return factory
    hint = "" if name.startswith("_") else catalog.suggestion(name)
    if hint and _is_import():
        # `from procpulse.sources import MEMINF` would say that it cannot be imported, and drop what an AttributeError says.
        raise ImportError(f"cannot import name {name!r} from {__name__!r}{hint}", name=__name__, path=__file__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")


def _is_import() -> bool:
    """Whether whoever asks for an attribute of this module does so by `from procpulse.sources import ...`."""
    import inspect  # only for mistakes
    import opcode

    here = inspect.currentframe()
    asking: FrameType | None = here and here.f_back and here.f_back.f_back
    return asking is not None and asking.f_code.co_code[asking.f_lasti] == opcode.opmap["IMPORT_FROM"]


def __dir__() -> list[str]:
    names = catalog.modules()
    return [*(name.upper() for name in names), *(name for name in names if catalog.factory(name))]
