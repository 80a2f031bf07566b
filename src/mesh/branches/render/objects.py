"""All objects of branches for a cluster."""

from collections.abc import Iterable, Sequence

from mesh.branches.render.around import Around
from mesh.branches.render.changes import Changes
from mesh.branches.render.virtual_services import virtual_services
from mesh.branches.render.workloads import name_of_new_service, own_ports, workload
from mesh.branches.status import Branches
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import EMPTY, Branch, deployment_name, store_of
from mesh.resources.values.body import Body
from mesh.resources.values.hosts import aliases
from mesh.resources.values.meta import as_body
from mesh.routing.branches.changes import effective

ISTIO = "networking.istio.io/v1"


def render(branches: Sequence[Branch], around: Around) -> list[Body]:
    """All objects for these branches together: Deployments, Services, DestinationRules, then VirtualServices.

    Every object is new: none of the team's is changed, and deleting these restores what there was. Raises Invalid for
    what a cluster cannot reach: a process on the developer's machine.
    """
    changes = Changes(branches, around)
    objects: list[Body] = []
    for owner, service, change in changes.owned():
        objects += workload(owner, service, change, around)
    for namespace, service in changes.by_place:
        if (namespace, service) not in around.services:
            ports = {
                port.port: port for _, _, change in changes.by_place[namespace, service] for port in own_ports(change)
            }
            # Without ports it is a client of a store that nobody calls.
            objects += [name_of_new_service(namespace, service, ports.values())] if ports else []
    rules = _with_bytes(virtual_services(changes, around), changes, around)
    return [*objects, *_destination_rules(changes, around), *rules]


def _with_bytes(rules: Iterable[Body], changes: Changes, around: Around) -> Iterable[Body]:
    """The rules, and for stores where the bytes of a branch's own pods go: bytes have no other mark of a branch."""
    for rule in rules:
        namespace = rule["metadata"]["namespace"]
        rows = []
        for owner, service, _ in changes.owned():
            existing = around.services.get((namespace, service))
            hosts = set(aliases(service, namespace, namespace))
            if existing is None or store_of(owner, service) not in owner.spec.data or "gateways" in rule["spec"]:
                continue
            if hosts & set(rule["spec"].get("hosts", ())):
                rows += [_bytes_to(owner, service, port.port) for port in existing.spec.ports]
        yield {**rule, "spec": {**rule["spec"], "tcp": [*rows, *rule["spec"].get("tcp", [])]}} if rows else rule


def _bytes_to(owner: Branch, service: str, port: int) -> Body:
    name = owner.metadata.name
    destination = {"host": deployment_name(service, name), "port": {"number": port}}
    return {
        "match": [{"sourceLabels": {"branch": name}, "port": port}],
        "route": [{"destination": destination}],
    }


def of_data(branches: Iterable[Branch]) -> list[str]:
    """What a cluster does otherwise about the branches' stores, one sentence each."""
    return [
        f"Branch {branch.metadata.namespace}/{branch.metadata.name}: spec.data[{name}]: its claims are clones by "
        "dataSource, which needs a CSI storage class that can clone (others leave them Pending); each volume is of a "
        "moment of its own, and `before` and `after` do not run"
        for branch in branches
        for name, store in branch.spec.data.items()
        if not store.url and store.source != EMPTY
    ]


def _destination_rules(changes: Changes, around: Around) -> Iterable[Body]:
    """The baseline's policies for the forks, and a subset for each version that no DestinationRule declares."""
    for owner, service, change in changes.owned():
        namespace = owner.metadata.namespace
        rules = _rules_of(service, namespace, around)
        policies = [rule.spec.traffic_policy for rule in rules if rule.spec.traffic_policy is not None]
        if not change.version and policies:
            name = deployment_name(service, owner.metadata.name)
            yield _destination_rule(name, namespace, {"host": name, "trafficPolicy": as_body(policies[0])})
    for (namespace, service), entered in changes.by_place.items():
        declared = {subset.name for rule in _rules_of(service, namespace, around) for subset in rule.spec.subsets}
        versions = dict.fromkeys(change.version for _, _, change in entered if change.version)
        subsets = [{"name": name, "labels": {"version": name}} for name in versions if name not in declared]
        if subsets:
            # Istio joins the subsets of several rules for one host in one namespace.
            yield _destination_rule(f"{service}-branches", namespace, {"host": service, "subsets": subsets})


def _rules_of(service: str, namespace: str, around: Around) -> list[DestinationRule]:
    return [
        rule
        for rule in around.destination_rules
        if rule.spec.host in aliases(service, namespace, rule.metadata.namespace)
        and rule.metadata.namespace == namespace
    ]


def _destination_rule(name: str, namespace: str, spec: Body) -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": ISTIO, "kind": "DestinationRule", "metadata": metadata, "spec": spec}


def local_paths(branches: Sequence[Branch], existing: Branches) -> list[str]:
    """What the branches name of this machine, one sentence each: a cluster does not have it."""
    sentences = []
    for branch in branches:
        for service, (owner, change) in effective(branch, existing).items():
            at = f"Branch {owner.metadata.namespace}/{owner.metadata.name}: spec.services[{service}].fork"
            if change.fork is None:
                continue
            if change.fork.working_dir:
                sentences.append(
                    f"{at}.workingDir: {change.fork.working_dir} is a folder of this machine and is left out; build an "
                    "image of it, and name that with --image"
                )
            words = (*change.fork.command, *change.fork.args, *(variable.value for variable in change.fork.env))
            sentences += [
                f"{at}: {word} is a path of this machine" for word in words if word.startswith("/") and word != "/"
            ]
    return list(dict.fromkeys(sentences))
