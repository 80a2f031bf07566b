"""What somebody changed in an object since a program applied it, kept when the program applies a newer version.

The rule is that of field ownership in server-side apply: who changes a field owns it from then on. Ownership alone
does not show that a field was *removed* by somebody, so what was applied last is compared with what is there now:
a field that differs is somebody's edit and stays; a field that does not is the program's, and takes its new value.
Pure.
"""

from collections.abc import Mapping
from typing import Any

from mesh.api.objects.merging import ListKey

Json = Any
MISSING = object()


def with_edits(applied: Json, live: Json, new: Json, key_of: ListKey, name: str = "") -> Json:
    """`new`, with the edits that turned `applied` into `live`. Lists whose members have no key are one field."""
    if isinstance(applied, dict) and isinstance(live, dict) and isinstance(new, dict):
        return _fields(applied, live, new, key_of)
    key = key_of(name)
    if key and all(_has_keys(value, key) for value in (applied, live, new)):
        by_key = [{item[key]: item for item in value} for value in (applied, live, new)]
        return list(_fields(by_key[0], by_key[1], by_key[2], key_of).values())
    return new if _is_unchanged(applied, live) else live


def _fields(
    applied: Mapping[Any, Json], live: Mapping[Any, Json], new: Mapping[Any, Json], key_of: ListKey
) -> dict[Any, Json]:
    fields: dict[Any, Json] = {}
    for name in (*new, *(name for name in applied if name not in new)):
        before, now, desired = (value.get(name, MISSING) for value in (applied, live, new))
        value = _field(before, now, desired, key_of, name)
        if value is not MISSING:
            fields[name] = value
    return fields


def _field(applied: Json, live: Json, new: Json, key_of: ListKey, name: Any) -> Json:
    if applied is MISSING:
        # New in this version. What is there already may be a default of the API server's, which gives way.
        return new
    if live is MISSING:
        return MISSING
    if new is MISSING:
        # No longer in this version: it goes, unless somebody has made it their own.
        return MISSING if _is_unchanged(applied, live) else live
    return with_edits(applied, live, new, key_of, name if isinstance(name, str) else "")


def _is_unchanged(applied: Json, live: Json) -> bool:
    """Whether `live` is what was applied; defaults that the API server has added to it count for nothing."""
    if isinstance(applied, dict) and isinstance(live, dict):
        return all(name in live and _is_unchanged(value, live[name]) for name, value in applied.items())
    if isinstance(applied, list) and isinstance(live, list):
        return len(applied) == len(live) and all(map(_is_unchanged, applied, live))
    return bool(applied == live)


def _has_keys(value: Json, key: str) -> bool:
    """Whether it is a list whose members are told apart by a key."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return False
    keys = [item.get(key) for item in value]
    return all(isinstance(item, str | int) for item in keys) and len(set(keys)) == len(keys)
