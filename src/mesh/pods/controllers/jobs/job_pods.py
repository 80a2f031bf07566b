"""The pods of a Job: how one is made, and what the controller wants to know of one."""

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mesh.pods.controllers.objects import owner_reference
from mesh.resources.core.batch import Job
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition
from mesh.store import Stored

TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer of a pod that the Job's status does not count yet: until then, the pod stays."""

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True)
class JobPod:
    """A pod as its Job sees it.

    `index` is None in a Job without indexes, `earlier_failures` the number of failed pods of its index before it, and
    `ended_at` the time at which its last container ended.
    """

    stored: Stored
    phase: str
    tracked: bool
    terminating: bool
    ready: bool
    restarts: int
    index: int | None
    earlier_failures: int
    ended_at: datetime | None

    @property
    def finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        return not self.finished and not self.terminating


def job_pod(stored: Stored) -> JobPod:
    """Reads a pod."""
    metadata, status = stored.body["metadata"], stored.body.get("status") or {}
    annotations = metadata.get("annotations") or {}
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    ready = find_condition(status.get("conditions"), "Ready")
    return JobPod(
        stored=stored,
        phase=str(status.get("phase", "Pending")),
        tracked=TRACKING in (metadata.get("finalizers") or ()),
        terminating="deletionTimestamp" in metadata,
        ready=ready is not None and ready["status"] == "True",
        restarts=sum(int(entry.get("restartCount", 0)) for entry in statuses),
        index=_number(annotations.get(INDEX)),
        earlier_failures=_number(annotations.get(FAILURES)) or 0,
        ended_at=_ended_at(metadata, statuses),
    )


def _number(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10 else None


def _ended_at(metadata: Body, statuses: list[Body]) -> datetime | None:
    """Of a pod that never ran, when its end was requested."""
    ends = [(entry.get("state") or {}).get("terminated", {}).get("finishedAt") for entry in statuses]
    last = max((end for end in ends if end), default=metadata.get("deletionTimestamp"))
    return datetime.fromisoformat(last).astimezone(UTC) if last else None


def new_pod(job: Stored, name: str, node_name: str, index: int | None, failures: int) -> Body:
    """The body of another pod of a Job."""
    typed: Job = job.typed
    template: Body = copy.deepcopy(job.body["spec"]["template"])
    prefix = pod_prefix(job.ref.name, index)
    metadata: Body = {
        **{field: template["metadata"][field] for field in ("labels", "annotations") if field in template["metadata"]},
        "name": name,
        "generateName": prefix,
        "namespace": job.ref.namespace,
        "finalizers": [TRACKING],
        "ownerReferences": [owner_reference(job)],
    }
    spec: Body = {"nodeName": node_name, **template["spec"]}
    if index is not None:
        metadata.setdefault("labels", {})[INDEX] = str(index)
        metadata.setdefault("annotations", {})[INDEX] = str(index)
        spec.setdefault("hostname", prefix.removesuffix("-"))
        for container in (*spec["containers"], *spec.get("initContainers", ())):
            _give_index(container)
    if typed.spec.backoff_limit_per_index is not None:
        metadata["annotations"][FAILURES] = str(failures)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def pod_prefix(job: str, index: int | None) -> str:
    """What the names of a Job's pods begin with; the random suffix must still fit into a host's name."""
    return f"{job[:57]}-" if index is None else f"{job[: 56 - len(str(index))]}-{index}-"


def _give_index(container: Body) -> None:
    variables = container.setdefault("env", [])
    if all(variable["name"] != INDEX_VARIABLE for variable in variables):
        field = {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}
        variables.append({"name": INDEX_VARIABLE, "valueFrom": {"fieldRef": field}})
