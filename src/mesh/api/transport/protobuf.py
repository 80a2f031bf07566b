"""Decodes bodies that kubectl sends as `application/vnd.kubernetes.protobuf` into the equivalent JSON objects.

Its typed commands (`kubectl create configmap`, `create deployment`, ...) use no other form. Only what those commands
send is decoded: numbers and names of fields follow Kubernetes' published `generated.proto` files. A field that is not
in the tables is rejected, never dropped silently.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from mesh.api.transport.protobuf_tables import TABLES
from mesh.api.transport.status_errors import Problem

MAGIC = b"k8s\x00"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DEEPEST = 32
# A field: its JSON name and its type: a message's name, or one of str, int, bool, time, intOrString, quantity,
# map, byteMap, quantityMap. `[]` before it: the field is repeated. `?` after it: zero differs from absent. The name is
# "-" where the message's fields belong to the object around it.
Fields = Mapping[int, tuple[str, str]]

# What is not in Kubernetes' packages of kinds (apimachinery, rbac, authorization), or is used in one version only.
OTHERS: Mapping[str, str] = {
    "ObjectMeta": (
        "1 name str, 2 generateName str, 3 namespace str, 4 selfLink str, 5 uid str, 6 resourceVersion str, "
        "7 generation int, 8 creationTimestamp time, 11 labels map, 12 annotations map, "
        "13 ownerReferences []OwnerReference, 14 finalizers []str"
    ),
    "OwnerReference": (
        "1 kind str, 3 name str, 4 uid str, 5 apiVersion str, 6 controller bool, 7 blockOwnerDeletion bool"
    ),
    "LabelSelector": "1 matchLabels map, 2 matchExpressions []LabelSelectorRequirement",
    "LabelSelectorRequirement": "1 key str, 2 operator str, 3 values []str",
    "HorizontalPodAutoscaler": (
        "1 metadata ObjectMeta, 2 spec HorizontalPodAutoscalerSpec, 3 status HorizontalPodAutoscalerStatus"
    ),
    "HorizontalPodAutoscalerSpec": (
        "1 scaleTargetRef CrossVersionObjectReference, 2 minReplicas int?, 3 maxReplicas int, "
        "4 targetCPUUtilizationPercentage int"
    ),
    "HorizontalPodAutoscalerStatus": "3 currentReplicas int, 4 desiredReplicas int",
    "CrossVersionObjectReference": "1 kind str, 2 name str, 3 apiVersion str",
    "DeleteOptions": (
        "1 gracePeriodSeconds int?, 2 preconditions Preconditions, 3 orphanDependents bool?, "
        "4 propagationPolicy str, 5 dryRun []str"
    ),
    "Preconditions": "1 uid str, 2 resourceVersion str",
    "SelfSubjectAccessReview": "1 metadata ObjectMeta, 2 spec SelfSubjectAccessReviewSpec, 3 status ReviewStatus",
    "SelfSubjectAccessReviewSpec": (
        "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes"
    ),
    "Role": "1 metadata ObjectMeta, 2 rules []PolicyRule",
    "ClusterRole": "1 metadata ObjectMeta, 2 rules []PolicyRule, 3 aggregationRule Empty",
    "PolicyRule": (
        "1 verbs []str, 2 apiGroups []str, 3 resources []str, 4 resourceNames []str, 5 nonResourceURLs []str"
    ),
    "RoleBinding": "1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef",
    "ClusterRoleBinding": "1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef",
    "Subject": "1 kind str, 2 apiGroup str, 3 name str, 4 namespace str",
    "RoleRef": "1 apiGroup str, 2 kind str, 3 name str",
    "ResourceAttributes": (
        "1 namespace str, 2 verb str, 3 group str, 4 version str, 5 resource str, 6 subresource str, 7 name str"
    ),
    "NonResourceAttributes": "1 path str, 2 verb str",
    "ReviewStatus": "1 allowed bool, 2 reason str, 3 evaluationError str, 4 denied bool",
    "SelfSubjectRulesReview": "1 metadata ObjectMeta, 2 spec SelfSubjectRulesReviewSpec, 3 status Empty",
    "SelfSubjectRulesReviewSpec": "1 namespace str",
    "SelfSubjectReview": "1 metadata ObjectMeta, 2 status Empty",
    "Empty": "0 nothing str",
}  # fmt: skip
MESSAGES: Mapping[str, str] = {**TABLES, **OTHERS}


@cache
def _fields(message: str) -> Fields:
    """The fields of a message: `1 name str, 2 labels map` as a table."""
    fields = {}
    for part in MESSAGES[message].split(","):
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
    if kind not in MESSAGES:
        raise Problem(415, f'a "{kind}" is not supported in protobuf; send application/json')
    return {"apiVersion": api_version, "kind": kind, **_message(inner, kind, 0)}


def _message(raw: bytes, kind: str, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise _Malformed(f"nested deeper than {DEEPEST} levels")
    fields = _fields(kind)
    message: dict[str, Any] = {}
    for number, value in _walk(raw):
        if kind == "Empty":
            continue
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
        elif type_ in ("map", "byteMap", "quantityMap"):
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
    return key, _value(item, "quantity" if type_ == "quantityMap" else "str", depth)


def _value(value: int | bytes, type_: str, depth: int) -> Any:
    if type_ == "str":
        return _bytes(value).decode()
    if type_ in ("int", "bool"):
        if not isinstance(value, int):
            raise _Malformed("a number is expected")
        return bool(value) if type_ == "bool" else value - (1 << 64) if value >= 1 << 63 else value
    if type_ == "quantity":
        return _bytes(dict(_walk(_bytes(value))).get(1, b"")).decode()
    if type_ == "time":
        seconds = dict(_walk(_bytes(value))).get(1, 0)
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(seconds, int) else ""
        return text if seconds else None
    if type_ == "intOrString":
        parts = dict(_walk(_bytes(value)))
        number = parts.get(2, 0)
        if parts.get(1, 0) == 1:
            return _bytes(parts.get(3, b"")).decode()
        return number if isinstance(number, int) else 0
    return _message(_bytes(value), type_, depth + 1)


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
