"""Events: what happened to a pod, told once and counted, and never without bound."""

import secrets
from collections import OrderedDict

from mesh.pods.controllers.objects import Objects, now
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from mesh.store import Stored


class Recorder:
    """Writes Events (v1) into the store; the same event again raises `count`. The oldest go past `kept`."""

    def __init__(self, objects: Objects, kept: int) -> None:
        self._objects = objects
        self._kept = kept
        self._known: OrderedDict[tuple[str, str, str], Ref] = OrderedDict()

    def normal(self, about: Stored, reason: str, message: str) -> None:
        """Tells what went as it should."""
        self._tell(about, "Normal", reason, message)

    def warning(self, about: Stored, reason: str, message: str) -> None:
        """Tells what went wrong."""
        self._tell(about, "Warning", reason, message)

    def _tell(self, about: Stored, kind: str, reason: str, message: str) -> None:
        metadata = about.body["metadata"]
        key = (str(metadata.get("uid", "")), reason, message)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            if self._objects.update(known, _again) is not None:
                return
        ref = Ref("", "Event", about.ref.namespace or "default", f"{about.ref.name}.{secrets.token_hex(8)}")
        self._objects.create(ref, _body(ref, about, kind, reason, message))
        self._known[key] = ref
        while len(self._known) > self._kept:
            self._objects.delete(self._known.popitem(last=False)[1])


def _again(body: Body) -> None:
    body["count"] = int(body.get("count", 1)) + 1
    body["lastTimestamp"] = now()


def _body(ref: Ref, about: Stored, kind: str, reason: str, message: str) -> Body:
    moment = now()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "involvedObject": {
            "apiVersion": about.body["apiVersion"],
            "kind": about.ref.kind,
            "namespace": about.ref.namespace,
            "name": about.ref.name,
            "uid": about.body["metadata"].get("uid", ""),
        },
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 1,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "source": {"component": "meshmall"},
        "reportingComponent": "meshmall",
        "reportingInstance": "localhost",
    }
