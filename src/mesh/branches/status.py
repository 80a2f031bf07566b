"""What a branch's status says, derived from what there is. Pure: the caller passes the time.

`phase` is Pending until everything answers for the first time, then Ready, or Degraded when something no longer
answers. Conditions follow Kubernetes' API conventions (type, status, reason, message, lastTransitionTime).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mesh.branches.data.state import StoreState
from mesh.branches.expiry import Expiry, rfc3339
from mesh.resources.analysis.branch_references import baselines
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import (
    COLORS,
    Branch,
    BranchService,
    deployment_name,
    own_changes,
    store_of,
)
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition, merge_conditions
from mesh.resources.values.hosts import aliases, resolve
from mesh.routing.branches.changes import effective

Branches = Mapping[tuple[str, str], Branch]
# How many losses of context a condition describes in full.
MOST_LOSSES = 3


@dataclass(frozen=True, slots=True)
class Observed:
    """What there is besides the branch; the mappings are by namespace and name.

    `up` says whether a developer's process answers at a URL, `why_waiting` why a Deployment's pods are not ready,
    `failure` why the Deployment for a service of a branch could not be created (by namespace, branch and service; "" if
    it could).
    """

    branches: Branches
    services: Mapping[tuple[str, str], Service]
    deployments: Mapping[tuple[str, str], Deployment]
    rules: tuple[DestinationRule, ...]
    up: Callable[[str], bool]
    why_waiting: Callable[[Deployment | StatefulSet], str] = lambda _: ""
    failure: Callable[[str, str, str], str] = lambda _namespace, _branch, _service: ""
    stateful_sets: Mapping[tuple[str, str], StatefulSet] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else decides a branch's status.

    `acknowledged`: Envoy has this generation of the branch, ready as it is. `last_used` is in seconds since the epoch,
    0 for never. `losses` describes the calls that recently left the branch, `data` how far its stores are. `color` is
    for a branch that has none yet.
    """

    now: datetime
    expiry: Expiry
    url: str = ""
    acknowledged: bool = False
    last_used: float = 0.0
    losses: Sequence[str] = ()
    data: Mapping[str, StoreState] = field(default_factory=dict)
    color: int = 0


def next_color(branches: Iterable[Branch]) -> int:
    """The colour that the fewest branches have, the lowest of those: a dozen branches never share one."""
    used = Counter(branch.status.color for branch in branches)
    return min(range(COLORS), key=lambda color: (used[color], color))


def branch_status(branch: Branch, former: Body, observed: Observed, circumstances: Circumstances) -> Body:
    """The whole status; equal to `former`, the status so far, when nothing has changed."""
    now, expiry = circumstances.now, circumstances.expiry
    generation = branch.metadata.generation
    services = services_of(branch, observed)
    requirements = [services_ready(services), includes_found(missing_includes(branch, observed.branches))]
    if circumstances.data:
        requirements.append(data_ready(circumstances.data))
    same_generation = former.get("observedGeneration") == generation
    before = find_condition(former.get("conditions"), "Programmed") or {}
    # A status of this generation that said so already holds: after a restart of the daemon nobody else remembers it.
    acknowledged = circumstances.acknowledged or (same_generation and before.get("status") == "True")
    ready = acknowledged and all(condition["status"] == "True" for condition in requirements)
    conditions = [
        ready_condition(requirements, ready=ready),
        *requirements,
        programmed(ready=ready),
        expiring(expiry, now),
        context_kept(circumstances.losses),
    ]
    status = {
        **former,
        "phase": phase_of(branch, ready, same_generation),
        "observedGeneration": generation,
        "url": circumstances.url,
        # Kept for good: a colour that changed would be worse than one that two branches share.
        "color": former.get("color", circumstances.color),
        "expiresAt": rfc3339(expiry.end),
        "services": services,
        "data": data_of(circumstances.data),
        "overlaps": overlaps_of(branch, observed.branches),
        "conditions": merge_conditions(former.get("conditions"), conditions, rfc3339(now)),
    }
    for optional in ("overlaps", "url", "data"):
        if not status[optional]:
            del status[optional]
    if circumstances.last_used:
        status["lastUsed"] = rfc3339(datetime.fromtimestamp(circumstances.last_used, UTC))
    return status


def is_satisfied(status: Body) -> bool:
    """Whether everything that the branch needs is there, so that only Envoy's acknowledgement may be missing."""
    needed = [find_condition(status.get("conditions"), type_) for type_ in ("ServicesReady", "IncludesFound")]
    if status.get("data"):
        needed.append(find_condition(status.get("conditions"), "DataReady"))
    return all(condition is not None and condition["status"] == "True" for condition in needed)


def is_programmed(status: Body) -> bool:
    """Whether Envoy has acknowledged the branch as its status describes it."""
    condition = find_condition(status.get("conditions"), "Programmed")
    return condition is not None and condition["status"] == "True"


# The conditions.


def services_ready(services: Sequence[Body]) -> Body:
    """Whether everything that the branch changes answers; `services` as from `services_of`."""
    waiting = [f"{line['name']}: {line.get('message', 'is not ready')}" for line in services if not line["ready"]]
    if waiting:
        return _condition("ServicesReady", False, "Waiting", "; ".join(waiting))
    return _condition("ServicesReady", True, "AllReady", "everything that the branch changes is ready")


def includes_found(missing: Sequence[str]) -> Body:
    """Whether every included branch exists."""
    if missing:
        return _condition("IncludesFound", False, "Missing", f"these branches do not exist: {', '.join(missing)}")
    return _condition("IncludesFound", True, "AllFound", "every included branch exists")


def data_ready(data: Mapping[str, StoreState]) -> Body:
    """Whether the branch's stores run on their copies."""
    waiting = [
        f"data of {name}: {state.message or state.phase}" for name, state in data.items() if state.phase != "Ready"
    ]
    failed = any(state.phase == "Failed" for state in data.values())
    if waiting:
        return _condition("DataReady", False, "Failed" if failed else "Waiting", "; ".join(waiting))
    return _condition("DataReady", True, "AllReady", "every store of the branch runs on its own data")


def programmed(*, ready: bool) -> Body:
    """Whether Envoy has acknowledged the branch."""
    if ready:
        return _condition("Programmed", True, "Acknowledged", "Envoy has acknowledged it")
    return _condition("Programmed", False, "Pending", "Envoy has not acknowledged all of it yet")


def expiring(expiry: Expiry, now: datetime) -> Body:
    """Whether the branch ends soon."""
    near = expiry.is_near(now)
    return _condition("Expiring", near, "Soon" if near else "TimeLeft", f"the branch ends at {rfc3339(expiry.end)}")


def context_kept(losses: Sequence[str]) -> Body:
    """Whether every program that was observed propagates the branch."""
    if not losses:
        return _condition("ContextKept", True, "Kept", "no call was seen to leave the branch")
    more = f"; and {len(losses) - MOST_LOSSES} more" if len(losses) > MOST_LOSSES else ""
    return _condition("ContextKept", False, "Lost", "; ".join(losses[:MOST_LOSSES]) + more)


def ready_condition(requirements: Sequence[Body], *, ready: bool) -> Body:
    """The summary: what is missing, or that nothing is."""
    unmet = [condition["message"] for condition in requirements if condition["status"] != "True"]
    return _condition(
        "Ready", ready, "Ready" if ready else "Waiting", "; ".join(unmet) or str(programmed(ready=ready)["message"])
    )


def _condition(type_: str, value: bool, reason: str, message: str) -> Body:
    return {"type": type_, "status": "True" if value else "False", "reason": reason, "message": message}


# The other fields.


def phase_of(branch: Branch, ready: bool, same_generation: bool) -> str:
    """Degraded is what was ready once in this generation, and is no longer."""
    if ready:
        return "Ready"
    return "Degraded" if same_generation and branch.status.phase in ("Ready", "Degraded") else "Pending"


def data_of(data: Mapping[str, StoreState]) -> list[Body]:
    """A line for each store, by name."""
    lines = []
    for _, state in sorted(data.items()):
        line = {**state.status, "phase": state.phase}
        if state.message:
            line["message"] = state.message
        lines.append(line)
    return lines


def services_of(branch: Branch, observed: Observed) -> list[Body]:
    """A line for each service that the branch changes, by name."""
    lines = []
    for name, (owner, change) in sorted(effective(branch, observed.branches).items()):
        answers, ready, message = _answer(owner, name, change, observed)
        line: Body = {"name": name, "kind": _kind(owner, name, change), "answers": answers, "ready": ready}
        if message:
            line["message"] = message
        if owner is not branch:
            line["fromBranch"] = owner.metadata.name
        lines.append(line)
    return lines


def overlaps_of(branch: Branch, branches: Branches) -> list[str]:
    """Where several of a branch's sources change one service: which one wins."""
    sources: dict[str, list[str]] = {}
    for name in branch.spec.includes:
        included = branches.get((branch.metadata.namespace, name))
        for service in effective(included, branches) if included is not None else ():
            sources.setdefault(service, []).append(name)
    for service in own_changes(branch):
        sources.setdefault(service, []).append(branch.metadata.name)
    return [
        f"{service}: {names[-1]}'s is seen, not {', '.join(names[:-1])}'s"
        for service, names in sorted(sources.items())
        if len(names) > 1
    ]


def missing_includes(branch: Branch, branches: Branches) -> list[str]:
    """Included branches that do not exist any more."""
    return [name for name in branch.spec.includes if (branch.metadata.namespace, name) not in branches]


def _answer(owner: Branch, name: str, change: BranchService, observed: Observed) -> tuple[str, bool, str]:
    """What answers, whether it is ready, and what is wrong."""
    namespace = owner.metadata.namespace
    service = observed.services.get((namespace, name))
    if change.template is None and service is None and not _is_client(owner, name):
        return "nothing", False, f"Service {namespace}/{name} does not exist any more"
    if change.url:
        up = observed.up(change.url)
        return change.url, up, "" if up else f"nothing answers at {change.url}"
    if change.version:
        assert service is not None
        return _version(service, change.version, observed)
    failure = observed.failure(namespace, owner.metadata.name, name)
    expected = deployment_name(store_of(owner, name), owner.metadata.name)
    stateful_set = observed.stateful_sets.get((namespace, expected)) if owner.spec.data else None
    if stateful_set is not None:
        ready, pods = stateful_set.status.ready_replicas, stateful_set.spec.replicas
        message = observed.why_waiting(stateful_set) or f"{ready} of {pods} pods are ready"
        return f"statefulset/{expected} ({ready}/{pods})", ready >= pods, "" if ready >= pods else message
    deployment = observed.deployments.get((namespace, expected))
    if failure or deployment is None:
        return f"deployment/{expected}", False, failure or "is being created"
    status, replicas = deployment.status, deployment.spec.replicas
    rolled_out = status.observed_generation >= deployment.metadata.generation and status.updated_replicas >= replicas
    # During a rollout the available pods may be of the former version: never count the last one as new.
    ready = status.available_replicas
    if not rolled_out:
        ready = max(0, min(ready, status.updated_replicas, replicas - 1))
    message = "" if ready >= 1 else (observed.why_waiting(deployment) or f"{ready} of {replicas} pods are ready")
    return f"deployment/{expected} ({ready}/{replicas})", ready >= 1, message


def _kind(owner: Branch, name: str, change: BranchService) -> str:
    """How a service is replaced, for people: what came along for a store's sake says so."""
    if store_of(owner, name) in owner.spec.data and not change.url:
        return "data"
    return "client" if _is_client(owner, name) and name not in owner.spec.services else change.kind


def _is_client(owner: Branch, name: str) -> bool:
    return any(name in store.clients for store in owner.spec.data.values())


def _version(service: Service, version: str, observed: Observed) -> tuple[str, bool, str]:
    name, namespace = service.metadata.name, service.metadata.namespace
    names = set(aliases(name, namespace, namespace))
    labels: Mapping[str, str] = {"version": version}
    for rule in observed.rules:
        if {rule.spec.host, resolve(rule.spec.host, rule.metadata.namespace)} & names:
            labels = next((subset.labels for subset in rule.spec.subsets if subset.name == version), labels)
    matches = [
        deployment
        for deployment in baselines(service, observed.deployments.values())
        if labels.items() <= deployment.spec.template.metadata.labels.items()
    ]
    ready = sum(deployment.status.available_replicas for deployment in matches)
    shown = ", ".join(f"deployment/{deployment.metadata.name}" for deployment in matches) or "nothing"
    return f"{shown}, version {version}", ready >= 1, "" if ready else f"no pod of version {version} is ready"
