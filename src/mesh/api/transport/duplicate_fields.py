"""Fields that a JSON object has twice: JSON readers take the last one, and say nothing."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, with every field."""


def duplicate_fields(raw: bytes) -> list[str]:
    """The paths of fields that JSON has more than once; none for bytes that are not JSON."""
    if not raw:
        return []
    # What was read has every field once: with as many quotes in both there is no duplicate, and almost all requests end
    # here. Quotes that are escaped in another way only cost the look below.
    try:
        if raw.count(b'"') == msgspec.json.encode(msgspec.json.decode(raw)).count(b'"'):
            return []
        return list(_duplicates(json.loads(raw, object_pairs_hook=_Pairs), ""))
    except (ValueError, RecursionError, msgspec.DecodeError):
        return []


def _duplicates(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, member in value:
            at = f"{path}.{name}" if path else name
            if name in seen:
                yield at
            seen.add(name)
            yield from _duplicates(member, at)
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _duplicates(member, f"{path}[{number}]")
