"""The identity of a pod template: the hash that names its ReplicaSet and labels its pods."""

import json
import secrets
from typing import Any

HASH_LABEL = "pod-template-hash"

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: dict[str, Any], collisions: int = 0) -> str:
    """A short hash of the template, in letters that form no words (Kubernetes' SafeEncodeString over FNV-1a, 32 bit).

    Another number of `collisions` gives another hash of the same template.
    """
    value = 0x811C9DC5
    for byte in json.dumps([template, collisions], sort_keys=True, separators=(",", ":")).encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return "".join(_ALPHABET[int(digit) % len(_ALPHABET)] for digit in _digits(value))


def same_template(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two templates are the same except for the hash label."""
    return _plain(one) == _plain(other)


def random_suffix(length: int = 5) -> str:
    """The random suffix of a pod's name."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def with_label(template: dict[str, Any], label: str) -> dict[str, Any]:
    """The template with its hash in its labels."""
    metadata = {**(template.get("metadata") or {})}
    metadata["labels"] = {**(metadata.get("labels") or {}), HASH_LABEL: label}
    return {**template, "metadata": metadata}


def _plain(template: dict[str, Any]) -> dict[str, Any]:
    metadata = {**(template.get("metadata") or {})}
    labels = {k: v for k, v in (metadata.pop("labels", None) or {}).items() if k != HASH_LABEL}
    metadata.pop("creationTimestamp", None)
    rest = {k: v for k, v in template.items() if k != "metadata"}
    return {**rest, "metadata": {**metadata, "labels": labels}}


def _digits(value: int) -> list[int]:
    digits = []
    while value:
        value, digit = divmod(value, len(_ALPHABET))
        digits.append(digit)
    return digits or [0]
