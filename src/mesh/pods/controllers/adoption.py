"""Pods that a controller takes over because its selector selects them, and pods that it lets go.

A pod whose labels are changed by hand leaves its controller, which creates another one: a pod is taken out of service
that way, to be examined. A pod without a controller is adopted when the selector selects it: a ReplicaSet that is
created anew finds the pods of its predecessor that way (`kubectl delete --cascade=orphan`).
"""

from collections.abc import Callable, Mapping

from mesh.pods.controllers.objects import Objects, controller, controller_uid, owner_reference
from mesh.resources.values.body import Body
from mesh.resources.values.ref import POD
from mesh.store import Stored

FINISHED = ("Succeeded", "Failed")


def claimed_pods(objects: Objects, owner: Stored, selects: Callable[[Mapping[str, str]], bool]) -> list[Stored]:
    """The pods that `owner` controls once it has adopted and released what its selector says."""
    pods = []
    for pod in objects.owned(owner.uid):
        if pod.ref.group_kind != POD:
            continue
        if selects(pod.metadata.get("labels") or {}) or pod.metadata.get("deletionTimestamp"):
            pods.append(pod)
        else:
            objects.update(pod.ref, lambda body: _release(body, owner.uid))
    for pod in objects.uncontrolled(owner.ref.namespace):
        if _is_free(pod) and selects(pod.metadata.get("labels") or {}):
            adopted = objects.update(pod.ref, lambda body: adopt(body, owner))
            if adopted is not None and controller_uid(adopted.body) == owner.uid:
                pods.append(adopted)
    return pods


def _is_free(pod: Stored) -> bool:
    phase = (pod.body.get("status") or {}).get("phase")
    return pod.ref.group_kind == POD and not pod.metadata.get("deletionTimestamp") and phase not in FINISHED


def adopt(body: Body, owner: Stored) -> None:
    """Makes `owner` the controller of an object that has none."""
    if controller(body) is None:
        body["metadata"]["ownerReferences"] = [
            *(body["metadata"].get("ownerReferences") or ()),
            owner_reference(owner),
        ]


def _release(body: Body, uid: str) -> None:
    others = [owner for owner in body["metadata"].get("ownerReferences") or () if owner["uid"] != uid]
    if others:
        body["metadata"]["ownerReferences"] = others
    else:
        body["metadata"].pop("ownerReferences", None)
