"""What differs between two values, as a value: what a stream sends instead of the whole, and how to put it back.

A patch of an object holds the members that differ, and those that are new; a patch of a list that kept its length is an
object with the places that differ. Members that are no longer there are named by path, `["processes", 4711]`, and go
first, as does what becomes an object of another kind. Anything else takes the place of what was there. `docs/protocol.md` says the same in rules.
"""

from typing import Any

import msgspec

SAME: Any = object()
"""Nothing differs."""

Path = tuple[Any, ...]

_PLAIN = frozenset({int, float, str, bool, type(None)})


def difference(before: Any, after: Any, gone: list[Path], path: Path = ()) -> Any:
    """The patch from one value to the next; `SAME` where there is none.

    Args:
        before: Records, lists, dicts and plain values, as in a snapshot.
        after: The same later. What is the same object is taken as the same value.
        gone: Where paths of what is no longer there are put.
        path: Where these values are.
    """
    if before is after:
        return SAME
    kind = type(after)
    if type(before) is not kind and not (isinstance(before, dict) and issubclass(kind, dict)):
        if _is_object(after) and (_is_object(before) or type(before) is list):
            gone.append(path)
        return after
    if kind in _PLAIN:
        return SAME if before == after else after
    if issubclass(kind, msgspec.Struct):
        return _members(before, after, gone, path)
    if issubclass(kind, dict):
        gone.extend((*path, key) for key in before if key not in after)
        patch = {}
        for key, new in after.items():
            found = difference(before[key], new, gone, (*path, key)) if key in before else new
            if found is not SAME:
                patch[key] = found
        return patch or SAME
    if kind is list and len(before) == len(after):
        patch = {}
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            found = difference(old, new, gone, (*path, place))
            if found is not SAME:
                patch[place] = found
        return patch or SAME
    return SAME if before == after else after


def _members(before: Any, after: Any, gone: list[Path], path: Path) -> Any:
    patch = {}
    astuple = msgspec.structs.astuple
    for name, old, new in zip(type(after).__struct_fields__, astuple(before), astuple(after), strict=True):
        if old is new:
            continue
        if type(new) in _PLAIN and type(old) in _PLAIN:
            if old != new or type(old) is not type(new):
                patch[name] = new
            continue
        found = difference(old, new, gone, (*path, name))
        if found is not SAME:
            patch[name] = found
    return patch or SAME


def _is_object(value: Any) -> bool:
    return isinstance(value, dict | msgspec.Struct)


def patched(before: Any, patch: Any) -> Any:
    """A decoded value with a patch put in. The old one stays as it was.

    Raises:
        ValueError, IndexError: the patch does not belong to this value.
    """
    if type(patch) is not dict:
        return patch
    if isinstance(before, dict):
        changed = dict(before)
        for key, value in patch.items():
            changed[key] = patched(before[key], value) if key in before else value
        return changed
    if type(before) is list:
        rows = list(before)
        for key, value in patch.items():
            rows[int(key)] = patched(rows[int(key)], value)
        return rows
    return patch


def remove(value: Any, path: list[Any], text: bool) -> None:
    """Take the member at a path out of a decoded value, in place; a place in a list becomes null.

    Args:
        value: The value.
        path: Keys from the outside in.
        text: Whether members are known by text alone, as in JSON.

    Raises:
        KeyError, ValueError, IndexError, TypeError: there is no such member.
    """
    for key in path[:-1]:
        value = value[int(key) if type(value) is list else str(key) if text else key]
    key = path[-1]
    if type(value) is list:
        value[int(key)] = None
    else:
        del value[str(key) if text else key]
