"""A pod's priority (Kubernetes' scheduling.k8s.io): nothing is scheduled here, and clients read it all the same."""

from collections.abc import Sequence
from typing import NamedTuple

from mesh.resources.values.body import Body


class Priority(NamedTuple):
    """What a PriorityClass says; `class_name` is "" for pods without one."""

    class_name: str
    value: int
    preemption_policy: str

    def write(self, spec: Body) -> None:
        """Writes the priority into a pod's spec."""
        if self.class_name:
            spec["priorityClassName"] = self.class_name
        spec["priority"] = self.value
        spec.setdefault("preemptionPolicy", self.preemption_policy)


PREEMPTING = "PreemptLowerPriority"
# The classes that every cluster has.
BUILT_IN = {
    "system-cluster-critical": Priority("system-cluster-critical", 2_000_000_000, PREEMPTING),
    "system-node-critical": Priority("system-node-critical", 2_000_001_000, PREEMPTING),
}


def priority_of(name: str, classes: Sequence[Body]) -> Priority | None:
    """The priority by the name of its class, or of the class for pods that name none; None for an unknown name."""
    if not name:
        default = next((body for body in classes if body.get("globalDefault")), None)
        return _of(default) if default else Priority("", 0, PREEMPTING)
    named = next((body for body in classes if body["metadata"]["name"] == name), None)
    return _of(named) if named else BUILT_IN.get(name)


def _of(body: Body) -> Priority:
    return Priority(body["metadata"]["name"], body.get("value", 0), body.get("preemptionPolicy", PREEMPTING))
