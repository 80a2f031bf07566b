"""Branches to what they change: at each host, which requests go elsewhere, and where they enter. Pure.

A request carries its branch in the header `x-branch`. A host has one look-up by that header, however many
branches there are; what is found is the host's own rows with other destinations, so that the team's timeouts,
retries and headers stay.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mesh.resources.checks.branch import url_address
from mesh.resources.core.service import ServicePort
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL, Branch, BranchService, entry_keys
from mesh.resources.values.hosts import service_host
from mesh.resources.values.meta import ref_of
from mesh.routing.destinations.directory import Directory, Known, target
from mesh.routing.destinations.protocol import is_detected, is_http2
from mesh.routing.destinations.views import cluster_name
from mesh.routing.memory import Memory
from mesh.routing.model.cluster import Cluster, Endpoint
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, HeaderChange, HeaderChanges, Respond, Route, WeightedCluster
from mesh.routing.model.table import BranchOverride, Entries, Entry
from mesh.routing.world import Workload, World

PROBLEM = HeaderChanges(response=HeaderChange(set=(("content-type", "application/problem+json"),)))
Clusters = dict[str, Cluster]
Endpoints = dict[str, tuple[Endpoint, ...]]


class Change(NamedTuple):
    """What stands in a service's place for one branch: the branch entered, whose change it is, and the change."""

    entered: Branch
    owner: Branch
    change: BranchService

    @property
    def is_ready(self) -> bool:
        """What the owner's status says; of a change that was not looked at yet, that it is."""
        return all(each.ready for each in self.owner.status.services if not each.from_branch and self._is(each.name))

    def _is(self, name: str) -> bool:
        return self.owner.spec.services.get(name) is self.change


class Target(NamedTuple):
    """Where a branch's requests for a service's port go: a cluster, or "" with the reason."""

    branch: str
    cluster: str
    refusal: str = ""


def effective(branch: Branch, named: Mapping[tuple[str, str], Branch]) -> dict[str, tuple[Branch, BranchService]]:
    """Each service that a branch changes, with whose change is seen: a later include wins over an earlier one,
    what the branch says itself over all. Includes that are missing, or go round, add nothing."""
    return _effective(branch, named, frozenset())


def _effective(
    branch: Branch, named: Mapping[tuple[str, str], Branch], above: frozenset[str]
) -> dict[str, tuple[Branch, BranchService]]:
    found: dict[str, tuple[Branch, BranchService]] = {}
    within = above | {branch.metadata.name}
    for name in branch.spec.includes:
        included = named.get((branch.metadata.namespace, name))
        if included is not None and name not in within:
            found.update(_effective(included, named, within))
    found.update({name: (branch, change) for name, change in branch.spec.services.items()})
    return found


class Branches:
    """All branches of a world, by what they change."""

    def __init__(self, world: World, directory: Directory, memory: Memory) -> None:
        self._directory = directory
        self._memory = memory
        self.all = tuple(sorted(world.branches, key=lambda each: (each.metadata.name, each.metadata.namespace)))
        self._changes: dict[tuple[str, str], list[Change]] = defaultdict(list)
        self._pods: dict[tuple[str, str, str], list[Workload]] = defaultdict(list)
        self._targets: dict[tuple[str, int], tuple[Target, ...]] = {}
        self._fallbacks: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._overrides: dict[tuple[str, int, tuple[str, ...]], tuple[BranchOverride, ...]] = {}
        self.namespaces = frozenset(each.metadata.namespace for each in self.all)
        named = {(each.metadata.namespace, each.metadata.name): each for each in self.all}
        for branch in self.all:
            services = branch.spec.services
            seen = effective(branch, named) if branch.spec.includes else {n: (branch, c) for n, c in services.items()}
            for service, (owner, change) in seen.items():
                self._changes[branch.metadata.namespace, service].append(Change(branch, owner, change))
        for workload in world.workloads:
            if owner_name := workload.labels.get(BRANCH_LABEL):
                service = workload.labels.get(SERVICE_LABEL, "")
                self._pods[workload.namespace, owner_name, service].append(workload)

    def add_clusters(self, clusters: Clusters, endpoints: Endpoints) -> None:
        """The clusters of everything that branches put in a service's place; also works out the targets."""
        for (namespace, service), changes in sorted(self._changes.items(), key=lambda pair: pair[0]):
            host = service_host(service, namespace)
            known = self._directory.service(host)
            ports = known.service.spec.ports if known is not None else _ports(changes)
            for port in ports:
                targets: list[Target] = []
                # Most of many branches name the same few versions: where those go is worked out once.
                versions: dict[str, str] = {}
                for each in changes:
                    version = each.change.version
                    if version in versions:
                        targets.append(Target(each.entered.metadata.name, versions[version]))
                        continue
                    target = self._target(each, service, host, known, port, clusters, endpoints)
                    if target is not None:
                        targets.append(target)
                        if version and target.cluster:
                            versions[version] = target.cluster
                self._targets[host, port.port] = tuple(targets)

    def _target(
        self,
        change: Change,
        service: str,
        host: str,
        known: Known | None,
        port: ServicePort,
        clusters: Clusters,
        endpoints: Endpoints,
    ) -> Target | None:
        """None: the baseline answers."""
        name = _name_of(change, host, port, clusters)
        if name not in clusters:
            plain = clusters.get(cluster_name(port.port, "", host))
            shape = plain or Cluster(name, http2=is_http2(port), detected=is_detected(port))
            origins = (*(plain.origins if plain else ()), ref_of(change.owner))
            clusters[name] = replace(shape, name=name, origins=origins)
            endpoints[name] = self._endpoints(change, service, known, port)
        entered = change.entered.metadata.name
        ready = bool(endpoints[name]) and (not change.change.url or change.is_ready)
        if ready:
            return Target(entered, name)
        if change.entered.spec.fallback == "baseline":
            self._fallbacks[change.entered.metadata.namespace, entered].append(service)
            return None
        return Target(entered, "", _refusal(change, service))

    def _endpoints(self, change: Change, service: str, known: Known | None, port: ServicePort) -> tuple[Endpoint, ...]:
        if change.change.url:
            return (Endpoint(*url_address(change.change.url), ""),)
        if change.change.version:
            labels = {"version": change.change.version}
            return self._directory.endpoints(known, port, labels) if known is not None else ()
        pods = self._pods.get((change.owner.metadata.namespace, change.owner.metadata.name, service), ())
        found = [
            Endpoint(each.ip, number, f"{each.namespace}/{each.name}")
            for each in pods
            if each.ready
            for number in target(port, each)
        ]
        return tuple(sorted(found, key=lambda endpoint: (endpoint.pod, endpoint.port)))

    def overrides(self, host: str, port: int, clusters: Sequence[str]) -> tuple[BranchOverride, ...]:
        """What branches do at a Service's own host, whose rows go to these clusters: all of them go elsewhere."""
        targets = self._targets.get((host, port), ())
        key = (host, port, tuple(clusters))
        if targets and key not in self._overrides:
            place = ("overrides", *key)
            self._overrides[key] = self._memory.keep(
                place, targets, lambda: _overrides(targets, clusters, self._memory.last(place) or ())
            )
        return self._overrides.get(key, ())

    def overrides_by_destination(self, clusters: Iterable[str]) -> tuple[BranchOverride, ...]:
        """What branches do at any other host: only what goes to a service that they change goes elsewhere."""
        swaps: dict[str, list[tuple[str, str]]] = defaultdict(list)
        refusals: dict[str, str] = {}
        for name in clusters:
            kind, _, rest = name.partition("|")
            number, _, subset_and_host = rest.partition("|")
            if kind == "outbound":
                for each in self._targets.get((subset_and_host.rpartition("|")[2], int(number)), ()):
                    swaps[each.branch].append((name, each.cluster))
                    if each.refusal:
                        refusals.setdefault(each.branch, each.refusal)
        return tuple(
            BranchOverride(branch, tuple(swap), refusals.get(branch, "")) for branch, swap in sorted(swaps.items())
        )

    def cluster_for(self, branch: str, host: str, port: int) -> str | None:
        """Where a branch's own connections to a Service's port go; "" when that is not ready, None: where all go."""
        targets = self._targets.get((host, port), ())
        return next((target.cluster for target in targets if target.branch == branch), None)

    def own_hosts(self) -> Iterator[tuple[str, str, ServicePort]]:
        """The services that only branches have: namespace, name and each port."""
        for (namespace, service), changes in sorted(self._changes.items(), key=lambda pair: pair[0]):
            if self._directory.service(service_host(service, namespace)) is None:
                for port in _ports(changes):
                    yield namespace, service, port

    def own_overrides(self, host: str, port: int) -> tuple[BranchOverride, ...]:
        """What branches do at a host that only they have."""
        return tuple(
            BranchOverride(each.branch, (("", each.cluster),), each.refusal)
            for each in self._targets.get((host, port), ())
        )

    def entries(self, memory: Memory) -> Entries:
        """Every way into every branch. Call after `add_clusters`, which knows what falls back."""
        found: list[Entry] = []
        for branch in self.all:
            name = branch.metadata.name
            fallen = self._fallbacks.get((branch.metadata.namespace, name))
            label = f"{name}; fallback={','.join(sorted(set(fallen)))}" if fallen else name
            found += memory.keep(
                ("entries", branch.metadata.namespace, name),
                (branch.spec, label),
                lambda branch=branch, label=label: _ways(branch, label),  # type: ignore[misc]
            )
        return Entries(tuple(found))


def _overrides(
    targets: Sequence[Target], clusters: Sequence[str], before: Sequence[BranchOverride]
) -> tuple[BranchOverride, ...]:
    """All clusters of a host swapped for each branch's; those that are as before are the same objects."""
    held = {each.branch: each for each in before}
    swaps: dict[str, tuple[tuple[str, str], ...]] = {}
    found = []
    for branch, cluster, refusal in targets:
        swap = swaps.get(cluster)
        if swap is None:
            swap = swaps[cluster] = tuple((name, cluster) for name in clusters)
        known = held.get(branch)
        same = known is not None and known.swap == swap and known.refusal == refusal
        found.append(known if known is not None and same else BranchOverride(branch, swap, refusal))
    return tuple(found)


def _ways(branch: Branch, label: str) -> tuple[Entry, ...]:
    return tuple(Entry(each, branch.metadata.name, label) for each in entry_keys(branch))


def overridden(routes: Sequence[Route], override: BranchOverride) -> tuple[Route, ...]:
    """A host's rows as a branch has them: the same, to other destinations."""
    swap = dict(override.swap)
    if "" in swap:
        alone = Route("branch", Match(), Forward((WeightedCluster(swap[""]),)) if swap[""] else _refused(override))
        return (_marked(alone, override.branch, refused=not swap[""]),)
    return tuple(_overridden(route, swap, override) for route in routes)


def _overridden(route: Route, swap: Mapping[str, str], override: BranchOverride) -> Route:
    action = route.action
    if not isinstance(action, Forward) or not any(each.cluster in swap for each in action.to):
        return route
    to: dict[tuple[str, HeaderChanges], int] = defaultdict(int)
    for each in action.to:
        to[swap.get(each.cluster, each.cluster), each.headers] += each.weight
    if any(not cluster for cluster, _ in to):
        return _marked(replace(route, action=_refused(override)), override.branch, refused=True)
    places = tuple(WeightedCluster(cluster, weight, headers) for (cluster, headers), weight in to.items())
    if len(places) == 1:
        places = (replace(places[0], weight=100),)
    return _marked(replace(route, action=replace(action, to=places)), override.branch, refused=False)


def _marked(route: Route, branch: str, *, refused: bool) -> Route:
    return replace(route, name=f"{route.name}@{branch}", headers=PROBLEM if refused else route.headers)


def _refused(override: BranchOverride) -> Respond:
    return Respond(503, override.refusal)


def _refusal(change: Change, service: str) -> str:
    """RFC 9457, as the services answer themselves."""
    entered, owner = change.entered.metadata.name, change.owner.metadata.name
    whose = f" (of the included branch {owner})" if owner != entered else ""
    detail = f"branch {entered}: its {change.change.kind} of service {service}{whose} is not ready"
    return (
        '{"type":"about:blank","title":"Service Unavailable","status":503,'
        f'"detail":"{detail}","branch":"{entered}","service":"{service}"}}\n'
    )


def _name_of(change: Change, host: str, port: ServicePort, clusters: Clusters) -> str:
    if change.change.url:
        address, number = url_address(change.change.url)
        return f"url|{address}:{number}"
    if version := change.change.version:
        subset = cluster_name(port.port, version, host)
        return subset if subset in clusters else f"version|{version}|{port.port}|{host}"
    return f"branch|{change.owner.metadata.name}|{port.port}|{host}"


def _ports(changes: Iterable[Change]) -> tuple[ServicePort, ...]:
    """The ports at which a service is called that only branches have."""
    found: dict[int, ServicePort] = {}
    for each in changes:
        template = each.change.template
        if template is not None:
            held = [ServicePort(port=p.container_port) for c in template.spec.containers for p in c.ports]
            for port in template.ports or held:
                found.setdefault(port.port, port)
    return tuple(found[number] for number in sorted(found))
