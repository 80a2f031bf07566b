"""What branches run, for a cluster: a Deployment and a Service for each fork and each service that only a branch has.

A fork's Deployment has labels of its own, so that no Service of the baseline ever selects its pods, and the Service
`<service>-<branch>`, to which the rules send the branch's requests.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from mesh.branches.data.stores import StoreCopy, VolumeCopy, claim_body, store_body, store_copy
from mesh.branches.forks import fork, of_template
from mesh.branches.render.around import Around
from mesh.resources.analysis.branch_references import baseline_of, baselines
from mesh.resources.analysis.stores import store_workload
from mesh.resources.core.service import Service, ServicePort
from mesh.resources.meshmall.branch import (
    BASELINE,
    BRANCH_LABEL,
    EMPTY,
    HOSTNAME_ANNOTATION,
    SERVICE_LABEL,
    Branch,
    BranchService,
    deployment_name,
    store_of,
)
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Invalid


def workload(owner: Branch, service: str, change: BranchService, around: Around) -> list[Body]:
    """The objects of one change; [] for a version, which runs already.

    Raises Invalid for a process on the developer's machine, which no cluster reaches.
    """
    path = f"spec.services[{service}]"
    name, namespace = deployment_name(service, owner.metadata.name), owner.metadata.namespace
    existing = around.services.get((namespace, service))
    if change.url:
        raise Invalid(
            [FieldError(f"{path}.url", f"{change.url} is a process on this machine, which a cluster cannot reach")],
            f"Branch {namespace}/{owner.metadata.name}",
        )
    if change.version:
        return []
    if (store := store_of(owner, service)) in owner.spec.data:
        return store_objects(owner, store, service, existing, around)
    if change.template is not None:
        deployment = of_template(owner, service, change.template)
        ports = own_ports(change)
    else:
        candidates = baselines(existing, around.deployments) if existing is not None else []
        if existing is None and any(service in store.clients for store in owner.spec.data.values()):
            candidates = [d for d in around.deployments if d.metadata.name == service]
        if change.fork is None or not candidates:
            raise Invalid([FieldError(f"{path}.fork", f"Service {service} has no Deployment to copy")])
        # A folder of this machine is none of the cluster's.
        portable = msgspec.structs.replace(change.fork, working_dir="", interactive=False)
        deployment = fork(owner, service, portable, baseline_of(change.fork.deployment, candidates))
        ports = existing.spec.ports if existing is not None else []
    return [*with_own_labels(deployment, service, owner, around, name, ports)]


def with_own_labels(
    deployment: Body, service: str, owner: Branch, around: Around, name: str, ports: Sequence[ServicePort]
) -> list[Body]:
    """A workload that no Service of the baseline selects, and the Service that does; none for one that nobody calls."""
    namespace = owner.metadata.namespace
    labels = _own_labels(deployment, service, owner, around)
    deployment["metadata"].pop("ownerReferences", None)
    deployment["metadata"]["labels"] = labels
    deployment["spec"]["selector"] = {"matchLabels": labels}
    deployment["spec"]["template"]["metadata"]["labels"] = labels
    return [deployment, *([_service(name, namespace, labels, ports)] if ports else [])]


def store_objects(owner: Branch, store: str, service: str, existing: Service | None, around: Around) -> list[Body]:
    """A store of a branch for a cluster: its workload, its Service, and claims that the storage class clones.

    Of another Service of the same pods only the Service is made. Raises Invalid.
    """
    spec, ports = owner.spec.data[store], existing.spec.ports if existing is not None else []
    leading = around.services.get((owner.metadata.namespace, store))
    source = store_workload(spec, leading, [*around.stateful_sets, *around.deployments])
    if source is None or existing is None:
        path = FieldError(f"spec.data[{store}]", f"Service {store} has no StatefulSet or Deployment to copy")
        raise Invalid([path], f"Branch {owner.metadata.namespace}/{owner.metadata.name}")
    copy = store_copy(owner, store, source, around.claims, ())
    body = store_body(owner, store, source, copy.replicas)
    body["spec"]["template"]["metadata"].get("annotations", {}).pop(HOSTNAME_ANNOTATION, None)
    objects = with_own_labels(body, store, owner, around, deployment_name(service, owner.metadata.name), ports)
    if service != store:
        return objects[1:]
    claims = [] if spec.source == EMPTY else [_cloned(owner, copy, volume) for volume in copy.volumes]
    return [*claims, *objects]


def _cloned(owner: Branch, copy: StoreCopy, volume: VolumeCopy) -> Body:
    """A claim that a cluster fills: with a clone of the baseline's (CSI), or with a VolumeSnapshot of this name."""
    body = claim_body(owner, copy, volume, "")
    source = owner.spec.data[copy.store].source
    spec = body["spec"]
    spec.pop("volumeName")
    spec["storageClassName"] = volume.spec.get("storageClassName")
    if source != BASELINE:
        name = f"{source}-{volume.source_claim or volume.volume}"
        spec["dataSource"] = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": name}
    if spec["storageClassName"] is None:
        del spec["storageClassName"]
    metadata = {"name": volume.claim, "namespace": owner.metadata.namespace}
    labels = {"app": deployment_name(copy.store, owner.metadata.name), "branch": owner.metadata.name}
    return {"apiVersion": "v1", "kind": body["kind"], "metadata": {**metadata, "labels": labels}, "spec": spec}


def name_of_new_service(namespace: str, service: str, ports: Iterable[ServicePort]) -> Body:
    """The Service by which programs call what only branches have. It selects nothing: rules lead to each branch's."""
    return _service(service, namespace, {}, ports)


def own_ports(change: BranchService) -> list[ServicePort]:
    """The ports of a service that only a branch has."""
    if change.template is None:
        return []
    return change.template.ports or [
        ServicePort(port=port.container_port, name=port.name or "http")
        for container in change.template.spec.containers
        for port in container.ports
    ]


def _own_labels(deployment: Body, service: str, owner: Branch, around: Around) -> dict[str, str]:
    """The pods' labels, with other values for those that Services of the baseline select by.

    `branch` says to the rules whose pod calls; the mesh's own labels mean nothing on a cluster.
    """
    branch = owner.metadata.name
    labels: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    labels = {key: value for key, value in labels.items() if key not in (BRANCH_LABEL, SERVICE_LABEL)}
    labels |= {"app": deployment_name(service, branch), "branch": branch, "version": branch}
    for selected in around.services.values():
        if _selects(selected, owner.metadata.namespace, labels):
            labels[min(selected.spec.selector)] = deployment_name(service, branch)
    return labels


def _selects(service: Service, namespace: str, labels: Mapping[str, str]) -> bool:
    selector = service.spec.selector.items()
    return bool(selector) and service.metadata.namespace == namespace and selector <= labels.items()


def _service(name: str, namespace: str, labels: Mapping[str, str], ports: Iterable[ServicePort]) -> Body:
    spec: Body = {"selector": dict(labels)} if labels else {}
    spec["ports"] = [_port(number, port) for number, port in enumerate(ports)]
    metadata = {"name": name, "namespace": namespace, **({"labels": dict(labels)} if labels else {})}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _port(number: int, port: ServicePort) -> Body:
    body: Body = {"name": port.name or f"http-{number}", "port": port.port}
    body["targetPort"] = port.target_port if port.target_port is not None else port.port
    if port.app_protocol:
        body["appProtocol"] = port.app_protocol
    if port.protocol not in ("", "TCP"):
        body["protocol"] = port.protocol
    return body
