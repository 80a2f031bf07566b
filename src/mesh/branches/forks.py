"""What a branch runs: the Deployments of its forks and templates, derived from the baseline. Pure.

A fork is a difference: its Deployment is derived again whenever the baseline's changes.
"""

from collections.abc import Mapping

from mesh.resources.core.deployment import Deployment
from mesh.resources.meshmall.branch import (
    BRANCH_LABEL,
    CODE_CONTAINER,
    CODE_REPLACES,
    SERVICE_LABEL,
    Branch,
    BranchTemplate,
    Fork,
    deployment_name,
)
from mesh.resources.validation.manifest import validate
from mesh.resources.values.body import Body
from mesh.resources.values.meta import as_body
from mesh.resources.values.problems import Invalid


def fork(branch: Branch, service: str, change: Fork, baseline: Deployment) -> Body:
    """The baseline's Deployment with the fork's differences. Raises Invalid when they do not fit together."""
    template = changed_template(change, as_body(baseline.spec.template))
    spec = {"template": template, "replicas": change.replicas, "minReadySeconds": baseline.spec.min_ready_seconds}
    return workload(branch, service, spec, baseline.spec.template.metadata.labels)


def of_template(branch: Branch, service: str, template: BranchTemplate) -> Body:
    """The Deployment of a service that only the branch has. Raises Invalid."""
    metadata = {"annotations": template.metadata.annotations} if template.metadata.annotations else {}
    spec = {"template": {"metadata": metadata, "spec": as_body(template.spec)}, "replicas": template.replicas}
    return workload(branch, service, spec, {"app": service, **template.metadata.labels})


def changed_template(change: Fork, template: Body) -> Body:
    """A pod template with the fork's differences; `template` itself is changed."""
    container = _apply(template["spec"], change)
    if change.working_dir:
        annotations = template.setdefault("metadata", {}).setdefault("annotations", {})
        annotations[CODE_CONTAINER] = container["name"]
        annotations[CODE_REPLACES] = container.get("workingDir", "")
        container["workingDir"] = change.working_dir
    if change.interactive:
        _make_interactive(container)
    return template


def workload(branch: Branch, service: str, spec: Body, labels: Mapping[str, str], kind: str = "Deployment") -> Body:
    """A Deployment or StatefulSet of the branch for a service. Raises Invalid."""
    name, namespace = branch.metadata.name, branch.metadata.namespace
    own = {BRANCH_LABEL: name, SERVICE_LABEL: service}
    # People see the branch in the labels that they use anyway; the mesh itself relies on its own labels only.
    shown = {key: name for key in ("branch", "version") if key in labels}
    template_labels = {**labels, **shown, "branch": name, **own}
    spec["template"].setdefault("metadata", {})["labels"] = template_labels
    body = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": deployment_name(service, name),
            "namespace": namespace,
            "labels": template_labels,
            "ownerReferences": [owner_reference(branch)],
        },
        "spec": {**spec, "selector": {"matchLabels": own}},
    }
    return validate(body, namespace).body


def owner_reference(branch: Branch) -> Body:
    """The reference that makes an object the branch's own: it is deleted with the branch."""
    return {
        "apiVersion": branch.api_version,
        "kind": "Branch",
        "name": branch.metadata.name,
        "uid": branch.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _apply(spec: Body, fork: Fork) -> Body:
    """Changes the container that the fork is about, and returns it."""
    containers: list[Body] = spec["containers"]
    container = next((container for container in containers if container["name"] == fork.container), containers[0])
    if fork.env:
        changed = {variable.name: as_body(variable) for variable in fork.env}
        unchanged = [variable for variable in container.get("env", []) if variable["name"] not in changed]
        container["env"] = [*unchanged, *changed.values()]
    if fork.image:
        container["image"] = fork.image
    if fork.command:
        container["command"] = fork.command
        # The baseline's arguments belong to the baseline's command.
        container.pop("args", None)
    if fork.args:
        container["args"] = fork.args
    return container


def _make_interactive(container: Body) -> None:
    """A terminal, and no probe that notices a breakpoint: connections are accepted there, requests are not answered."""
    container.update(stdin=True, tty=True)
    for probe in ("livenessProbe", "startupProbe", "readinessProbe"):
        container.pop(probe, None)
    if container.get("ports"):
        port = container["ports"][0]["containerPort"]
        container["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 1}


def one_line(error: Invalid) -> str:
    """The first errors as one line for a condition."""
    return "; ".join(map(str, error.errors[:3]))
