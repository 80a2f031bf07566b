"""Which workload is behind a Service, and which of its volumes have the data: what a branch copies. Pure."""

from collections.abc import Iterable

from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod, PodSpec
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.meshmall.branch import BRANCH_LABEL, BranchData
from mesh.resources.values.meta import ObjectMeta

Workload = StatefulSet | Deployment | Pod
# Of several workloads behind one Service, the one that most likely has its data comes first.
KINDS = ("StatefulSet", "Deployment", "Pod")


def pod_metadata(workload: Workload) -> ObjectMeta:
    """The labels and annotations of a workload's pods."""
    return workload.metadata if isinstance(workload, Pod) else workload.spec.template.metadata


def pod_spec(workload: Workload) -> PodSpec:
    """What a workload's pods are."""
    return workload.spec if isinstance(workload, Pod) else workload.spec.template.spec


def kind_and_name(workload: Workload) -> str:
    """A workload as `spec.data[NAME].workload` names it: `StatefulSet/postgres`."""
    return f"{type(workload).__name__}/{workload.metadata.name}"


def store_workloads(service: Service, workloads: Iterable[Workload]) -> list[Workload]:
    """The workloads whose pods a Service selects; never a branch's own, nor pods that a workload controls."""
    selector = service.spec.selector.items()
    matching = [
        workload
        for workload in workloads
        if selector
        and workload.metadata.namespace == service.metadata.namespace
        and BRANCH_LABEL not in pod_metadata(workload).labels
        and selector <= pod_metadata(workload).labels.items()
        and not (isinstance(workload, Pod) and workload.metadata.owner_references)
    ]
    return sorted(matching, key=lambda workload: (KINDS.index(type(workload).__name__), workload.metadata.name))


def store_workload(store: BranchData, service: Service | None, workloads: Iterable[Workload]) -> Workload | None:
    """The workload that a store copies: the one it names, otherwise the first behind its Service."""
    candidates = store_workloads(service, workloads) if service is not None else []
    if not store.workload:
        return candidates[0] if candidates else None
    return next((workload for workload in candidates if is_named(store.workload, workload)), None)


def is_named(text: str, workload: Workload) -> bool:
    """Whether `Kind/name`, or just a name, means this workload."""
    kind, slash, name = text.partition("/")
    if not slash:
        return text == workload.metadata.name
    return name == workload.metadata.name and kind.lower() == type(workload).__name__.lower()


def data_volumes(workload: Workload, chosen: Iterable[str] = ()) -> list[str]:
    """The names of the volumes that have a workload's data: those chosen; otherwise its claims that can be written to,
    or its emptyDirs if it has no claims."""
    if names := list(chosen):
        return names
    templates = workload.spec.volume_claim_templates if isinstance(workload, StatefulSet) else []
    claims = [template.metadata.name for template in templates]
    volumes = pod_spec(workload).volumes
    for volume in volumes:
        claim = volume.persistent_volume_claim
        if claim is not None and not claim.get("readOnly") and volume.name not in claims:
            claims.append(volume.name)
    return claims or [volume.name for volume in volumes if volume.empty_dir is not None]


def other_services(name: str, workload: Workload, services: Iterable[Service]) -> list[str]:
    """The other Services that lead to a workload's pods."""
    labels = pod_metadata(workload).labels
    return sorted(
        service.metadata.name
        for service in services
        if service.metadata.namespace == workload.metadata.namespace
        and service.metadata.name != name
        and service.spec.selector
        and service.spec.selector.items() <= labels.items()
    )
