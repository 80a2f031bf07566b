"""What a branch's status says, out of what there is. Pure.

`phase` is Pending until everything answers for the first time, then Ready, or Degraded when something does not
answer any more. Conditions follow Kubernetes' (type, status, reason, message, lastTransitionTime).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mesh.branches.forks import deployment_name
from mesh.resources.analysis.branch_references import baselines
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import Branch, BranchService
from mesh.resources.values.body import Body
from mesh.resources.values.hosts import aliases, resolve
from mesh.routing.branches import effective

Named = Mapping[tuple[str, str], Branch]


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is besides the branch. `failures` says why a Deployment could not be made, by service."""

    branches: Named
    services: Mapping[tuple[str, str], Service]
    deployments: Mapping[tuple[str, str], Deployment]
    rules: tuple[DestinationRule, ...]
    up: Callable[[str], bool]
    why_waiting: Callable[[Deployment], str] = lambda _: ""
    failures: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


def services_of(branch: Branch, seen: Seen) -> list[Body]:
    """A line for each service that the branch changes, by name."""
    lines = []
    for name, (owner, change) in sorted(effective(branch, seen.branches).items()):
        answers, ready, message = _answer(owner, name, change, seen)
        line: Body = {"name": name, "kind": change.kind, "answers": answers, "ready": ready}
        if message:
            line["message"] = message
        if owner is not branch:
            line["fromBranch"] = owner.metadata.name
        lines.append(line)
    return lines


def overlaps_of(branch: Branch, named: Named) -> list[str]:
    """Where several of a branch's sources change one service: which one won."""
    sources: dict[str, list[str]] = {}
    for name in branch.spec.includes:
        included = named.get((branch.metadata.namespace, name))
        for service in effective(included, named) if included is not None else ():
            sources.setdefault(service, []).append(name)
    for service in branch.spec.services:
        sources.setdefault(service, []).append(branch.metadata.name)
    told = []
    for service, names in sorted(sources.items()):
        if len(names) > 1:
            lost = ", ".join(names[:-1])
            told.append(f"{service}: {names[-1]}'s is seen, not {lost}'s")
    return told


def missing_includes(branch: Branch, named: Named) -> list[str]:
    """Included branches that are not there any more."""
    return [name for name in branch.spec.includes if (branch.metadata.namespace, name) not in named]


def _answer(owner: Branch, name: str, change: BranchService, seen: Seen) -> tuple[str, bool, str]:
    """What answers, whether it is ready, and what is wrong."""
    namespace = owner.metadata.namespace
    service = seen.services.get((namespace, name))
    if change.template is None and service is None:
        return "nothing", False, f"there is no Service {namespace}/{name} any more"
    if change.url:
        up = seen.up(change.url)
        return change.url, up, "" if up else f"nothing answers at {change.url}"
    if change.version:
        assert service is not None
        return _version(service, change.version, seen)
    failure = seen.failures.get((namespace, owner.metadata.name, name), "")
    deployed = deployment_name(name, owner.metadata.name)
    found = seen.deployments.get((namespace, deployed))
    if failure or found is None:
        return f"deployment/{deployed}", False, failure or "is being made"
    status, wanted = found.status, found.spec.replicas
    rolled = status.observed_generation >= found.metadata.generation and status.updated_replicas >= wanted
    ready = status.available_replicas if rolled else min(status.available_replicas, status.updated_replicas, wanted - 1)
    message = "" if ready >= 1 else (seen.why_waiting(found) or f"{max(ready, 0)} of {wanted} pods are ready")
    return f"deployment/{deployed} ({max(ready, 0)}/{wanted})", ready >= 1, message


def _version(service: Service, version: str, seen: Seen) -> tuple[str, bool, str]:
    name, namespace = service.metadata.name, service.metadata.namespace
    names = set(aliases(name, namespace, namespace))
    labels: Mapping[str, str] = {"version": version}
    for rule in seen.rules:
        if {rule.spec.host, resolve(rule.spec.host, rule.metadata.namespace)} & names:
            labels = next((each.labels for each in rule.spec.subsets if each.name == version), labels)
    found = [
        each
        for each in baselines(service, seen.deployments.values())
        if labels.items() <= each.spec.template.metadata.labels.items()
    ]
    ready = sum(each.status.available_replicas for each in found)
    shown = ", ".join(f"deployment/{each.metadata.name}" for each in found) or "nothing"
    return f"{shown}, version {version}", ready >= 1, "" if ready else f"no pod of version {version} is ready"


def phase_of(branch: Branch, ready: bool, same: bool) -> str:
    """Degraded is what was ready once, as it stands (`same`), and is not any more."""
    if ready:
        return "Ready"
    return "Degraded" if same and branch.status.phase in ("Ready", "Degraded") else "Pending"


def with_conditions(old: Iterable[Body], new: Iterable[Body], now: str) -> list[Body]:
    """New conditions, each with the time of its last turn."""
    held = {each.get("type"): each for each in old}
    found = []
    for condition in new:
        before = held.get(condition["type"])
        turned = before is None or before.get("status") != condition["status"]
        found.append({**condition, "lastTransitionTime": now if turned else (before or {}).get("lastTransitionTime")})
    return found
