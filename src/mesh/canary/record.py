"""What is remembered of a canary while it runs: enough to restore the rules that it has changed. Pure.

It is kept in a ConfigMap, written before anything is changed. While the canary runs, whoever runs it extends `until`;
once that has passed, nobody does any more, and the daemon restores the rules.
"""

import copy
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref

LABEL = "meshmall.dev/canary"
KEY = "canary.json"
CONFIG_MAP = ("", "ConfigMap")
LONGEST_NAME = 63


class Touched(msgspec.Struct, frozen=True):
    """An object that a canary changes: `field` is the one of its `spec`, which was `original` (None: not there).

    `written` is what the canary writes last, and `previous` what it had written before: whoever restores may come
    between the two. `created`: the object did not exist before.
    """

    group: str
    kind: str
    namespace: str
    name: str
    field: str
    original: Any = None
    written: Any = None
    created: bool = False
    previous: Any = None

    @property
    def ref(self) -> Ref:
        return Ref(self.group, self.kind, self.namespace, self.name)


class Record(msgspec.Struct, frozen=True):
    """A running canary. `until` is in seconds since the epoch, `weight` in percent; `seen` says how it is doing."""

    namespace: str
    service: str
    version: str
    until: float
    weight: int = 0
    seen: str = ""
    touched: tuple[Touched, ...] = ()

    @property
    def ref(self) -> Ref:
        """The ConfigMap: one per service, so that two canaries cannot change the same rules."""
        return Ref(*CONFIG_MAP, self.namespace, record_name(self.service))

    def body(self) -> Body:
        """The ConfigMap."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self.ref.name, "namespace": self.namespace, "labels": {LABEL: self.service}},
            "data": {KEY: json.dumps(msgspec.to_builtins(self))},
        }

    @classmethod
    def of(cls, body: Body) -> "Record | None":
        """The record in a ConfigMap; None when there is none, or somebody else has written over it."""
        labels: Mapping[str, str] = body["metadata"].get("labels") or {}
        if LABEL not in labels:
            return None
        try:
            return msgspec.json.decode((body.get("data") or {}).get(KEY, ""), type=cls)
        except msgspec.DecodeError:
            return None


class Restoring(Enum):
    """What has to be done about an object for its former state."""

    NOTHING = "nothing"
    WRITE = "write"
    DELETE = "delete"
    # Somebody else has changed it since: theirs counts.
    LEAVE = "leave"


def record_name(service: str) -> str:
    """The name of a canary's ConfigMap."""
    return f"canary-{service}"[:LONGEST_NAME].rstrip("-")


def restoring(touched: Touched, body: Body | None) -> Restoring:
    """How an object, as it is now, gets back to what it was."""
    if body is None:
        return Restoring.NOTHING
    current = (body.get("spec") or {}).get(touched.field)
    ours = current in (touched.written, touched.previous)
    if touched.created:
        return Restoring.DELETE if ours else Restoring.LEAVE
    if current == touched.original:
        return Restoring.NOTHING
    return Restoring.WRITE if ours else Restoring.LEAVE


def restored(touched: Touched, body: Body) -> Body:
    """The object with its former field."""
    former = copy.deepcopy(body)
    if touched.original is None:
        former["spec"].pop(touched.field, None)
    else:
        former["spec"][touched.field] = copy.deepcopy(touched.original)
    return former
