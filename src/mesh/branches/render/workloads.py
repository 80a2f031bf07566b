"""What branches run, for a cluster: a Deployment and a Service for each fork and each service that only a branch has.

A fork's Deployment has labels of its own, so that no Service of the baseline ever selects its pods, and the Service
`<service>-<branch>`, to which the rules send the branch's requests.
"""

from collections.abc import Iterable, Mapping

import msgspec

from mesh.branches.forks import fork, of_template
from mesh.branches.render.around import Around
from mesh.resources.analysis.branch_references import baseline_of, baselines
from mesh.resources.core.service import Service, ServicePort
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL, Branch, BranchService, deployment_name
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
    if change.template is not None:
        deployment = of_template(owner, service, change.template)
        ports = own_ports(change)
    else:
        candidates = baselines(existing, around.deployments) if existing is not None else []
        if change.fork is None or existing is None or not candidates:
            raise Invalid([FieldError(f"{path}.fork", f"Service {service} has no Deployment to copy")])
        # A folder of this machine is none of the cluster's.
        portable = msgspec.structs.replace(change.fork, working_dir="", interactive=False)
        deployment = fork(owner, service, portable, baseline_of(change.fork.deployment, candidates))
        ports = existing.spec.ports
    labels = _own_labels(deployment, service, owner, around)
    deployment["metadata"].pop("ownerReferences", None)
    deployment["metadata"]["labels"] = labels
    deployment["spec"]["selector"] = {"matchLabels": labels}
    deployment["spec"]["template"]["metadata"]["labels"] = labels
    return [deployment, _service(name, namespace, labels, ports)]


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
