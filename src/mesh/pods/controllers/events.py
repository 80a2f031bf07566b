"""Events about objects: repeated ones are counted, and their number is bounded."""

import secrets
from collections import OrderedDict
from contextlib import suppress

from mesh.pods.controllers.objects import Objects, now
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from mesh.store import Stored, StoreError

# Who reports about a kind on a cluster: `kubectl describe` shows it as From.
COMPONENTS = {
    "Deployment": "deployment-controller",
    "ReplicaSet": "replicaset-controller",
    "ReplicationController": "replication-controller",
    "StatefulSet": "statefulset-controller",
    "DaemonSet": "daemonset-controller",
    "Job": "job-controller",
    "CronJob": "cronjob-controller",
    "HorizontalPodAutoscaler": "horizontal-pod-autoscaler",
    "Pod": "kubelet",
}


class Recorder:
    """Writes Events (core/v1) into the store. A repeated event raises its `count`; beyond `limit` the oldest go.

    One that cannot be written, since the disk is full, is lost: what it reports about must go on.
    """

    def __init__(self, objects: Objects, limit: int) -> None:
        self._objects = objects
        self._limit = limit
        self._recorded: OrderedDict[tuple[str, str, str], Ref] = OrderedDict()

    def normal(self, about: Stored, reason: str, message: str) -> None:
        """Records what went as it should."""
        with suppress(StoreError):
            self._record(about, "Normal", reason, message)

    def warning(self, about: Stored, reason: str, message: str) -> None:
        """Records what went wrong."""
        with suppress(StoreError):
            self._record(about, "Warning", reason, message)

    def _record(self, about: Stored, kind: str, reason: str, message: str) -> None:
        metadata = about.body["metadata"]
        key = (str(metadata.get("uid", "")), reason, message)
        recorded = self._recorded.get(key)
        if recorded is not None:
            self._recorded.move_to_end(key)
            # None: a user has deleted the Event, so that it is written anew.
            if self._objects.update(recorded, _count) is not None:
                return
        ref = Ref("", "Event", about.ref.namespace or "default", f"{about.ref.name}.{secrets.token_hex(8)}")
        self._objects.create(ref, _body(ref, about, kind, reason, message))
        self._recorded[key] = ref
        while len(self._recorded) > self._limit:
            self._objects.delete(self._recorded.popitem(last=False)[1])


def _count(body: Body) -> None:
    body["count"] = int(body.get("count", 1)) + 1
    body["lastTimestamp"] = now()


def _body(ref: Ref, about: Stored, kind: str, reason: str, message: str) -> Body:
    moment = now()
    component = COMPONENTS.get(about.ref.kind, "meshmall")
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
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "localhost",
    }
