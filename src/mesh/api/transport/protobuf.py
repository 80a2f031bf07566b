"""Decodes bodies that kubectl sends as `application/vnd.kubernetes.protobuf` into the equivalent JSON objects.

Its typed commands (`kubectl create configmap`, `create deployment`, ...) use no other form. Only what those commands
send is decoded: numbers and names of fields follow Kubernetes' published `generated.proto` files. A field that is not
in the tables is rejected, never dropped silently.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from mesh.api.transport.protobuf_tables import KINDS, TABLES
from mesh.api.transport.status_errors import Problem

MAGIC = b"k8s\x00"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DEEPEST = 32
# A field: its JSON name and its type: a message's name, or one of str, int, bool, bytes, time, microTime, intOrString,
# quantity, fieldsV1, rawExtension, map, byteMap, quantityMap, listMap, timeMap. `[]` before it: the field is repeated.
# `?` after it: zero differs from absent. The name is "-" where the message's fields belong to the object around it.
Fields = Mapping[int, tuple[str, str]]


@cache
def _fields(message: str) -> Fields:
    """The fields of a message: `1 name str, 2 labels map` as a table."""
    fields = {}
    for part in TABLES[message].split(","):
        number, name, kind = part.split()
        fields[int(number)] = (name, kind)
    return fields


class _Malformed(Exception):
    """The bytes are not a message of the expected kind."""


def decode(raw: bytes) -> Any:
    """The JSON object of a body. Raises Problem: 400 when it is malformed, 415 for a kind that is not supported."""
    if not raw.startswith(MAGIC):
        raise Problem(400, "the body does not start with the prefix of Kubernetes' protobuf")
    try:
        return _envelope(raw[len(MAGIC) :])
    except (_Malformed, UnicodeDecodeError, OverflowError, ValueError) as error:
        raise Problem(400, f"the body is not Kubernetes' protobuf: {error}") from None


def _envelope(raw: bytes) -> Any:
    """runtime.Unknown: typeMeta 1 (apiVersion 1, kind 2), raw 2."""
    api_version = kind = ""
    inner = b""
    for number, value in _walk(raw):
        if number == 1 and isinstance(value, bytes):
            meta = {key: text for key, text in _walk(value) if isinstance(text, bytes)}
            api_version, kind = meta.get(1, b"").decode(), meta.get(2, b"").decode()
        elif number == 2 and isinstance(value, bytes):
            inner = value
    message = _message_of(api_version, kind)
    if message not in KINDS:
        raise Problem(415, f'a "{kind}" is not supported in protobuf; send application/json')
    return {"apiVersion": api_version, "kind": kind, **_message(inner, message, 0)}


def _message_of(api_version: str, kind: str) -> str:
    """The table of a kind. Where two packages share the name, one of them is named with the package."""
    group, _, version = api_version.rpartition("/")
    qualified = f"{group.partition('.')[0]}/{version}:{kind}"
    return qualified if qualified in KINDS else kind


def _message(raw: bytes, kind: str, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise _Malformed(f"nested deeper than {DEEPEST} levels")
    fields = _fields(kind)
    message: dict[str, Any] = {}
    for number, value in _walk(raw):
        if number not in fields:
            if value in (b"", 0):
                # Go's encoder also writes fields that are empty.
                continue
            raise Problem(415, f"field {number} of {kind} is not supported in protobuf; send application/json")
        name, type_ = fields[number]
        if name == "-":
            message.update(_message(_bytes(value), type_, depth + 1))
        elif type_.startswith("[]"):
            message.setdefault(name, []).append(_value(value, type_[2:], depth))
        elif type_ in ("map", "byteMap", "quantityMap", "listMap", "timeMap"):
            key, item = _pair(value, type_, depth)
            message.setdefault(name, {})[key] = item
        else:
            decoded = _value(value, type_.rstrip("?"), depth)
            # An optional field (`?`) counts when it is present, even if it is zero.
            if decoded is not None and (type_.endswith("?") or decoded not in ("", {}, 0, False)):
                message[name] = decoded
    return message


def _pair(value: int | bytes, type_: str, depth: int) -> tuple[str, Any]:
    parts = dict(_walk(_bytes(value)))
    key, item = _bytes(parts.get(1, b"")).decode(), parts.get(2, b"")
    if type_ == "byteMap":
        return key, base64.b64encode(_bytes(item)).decode()
    if type_ == "listMap":
        return key, [_bytes(value).decode() for _, value in _walk(_bytes(item))]
    return key, _value(item, {"quantityMap": "quantity", "timeMap": "time"}.get(type_, "str"), depth)


def _value(value: int | bytes, type_: str, depth: int) -> Any:
    if type_ in ("int", "bool"):
        if not isinstance(value, int):
            raise _Malformed("a number is expected")
        return bool(value) if type_ == "bool" else value - (1 << 64) if value >= 1 << 63 else value
    read = SCALARS.get(type_)
    return read(_bytes(value)) if read is not None else _message(_bytes(value), type_, depth + 1)


def _int_or_string(raw: bytes) -> int | str:
    """IntOrString: type 1 (1 is text), intVal 2, strVal 3."""
    parts = dict(_walk(raw))
    if parts.get(1, 0) == 1:
        return _bytes(parts.get(3, b"")).decode()
    number = parts.get(2, 0)
    return number if isinstance(number, int) else 0


def _only_field(raw: bytes) -> bytes:
    """The field 1 of a message that has no other: a Quantity's text, the JSON of FieldsV1 and RawExtension."""
    return _bytes(dict(_walk(raw)).get(1, b""))


def _moment(raw: bytes, form: str) -> str | None:
    """A Timestamp (seconds 1, nanos 2) as JSON has it; None for no time at all."""
    parts = dict(_walk(raw))
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int):
        raise _Malformed("a number is expected")
    if not seconds:
        return None
    return (datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=nanos // 1000)).strftime(form)


SCALARS: Mapping[str, Callable[[bytes], Any]] = {
    "str": bytes.decode,
    "bytes": lambda raw: base64.b64encode(raw).decode(),
    "quantity": lambda raw: _only_field(raw).decode(),
    "fieldsV1": lambda raw: json.loads(_only_field(raw) or b"null"),
    "rawExtension": lambda raw: json.loads(_only_field(raw) or b"null"),
    "time": lambda raw: _moment(raw, "%Y-%m-%dT%H:%M:%SZ"),
    "microTime": lambda raw: _moment(raw, "%Y-%m-%dT%H:%M:%S.%fZ"),
    "intOrString": _int_or_string,
}


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise _Malformed("text or a message is expected")
    return value


def _walk(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in their order: number, and a number or bytes."""
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        wire = tag & 7
        if wire == VARINT:
            value, at = _varint(raw, at)
            yield tag >> 3, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            size, at = _varint(raw, at)
        if size is None or at + size > len(raw):
            raise _Malformed("a field is cut off")
        yield tag >> 3, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise _Malformed("a number is cut off")
        byte = raw[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
