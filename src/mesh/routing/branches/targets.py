"""Where the requests of branches go, and the clusters that branches add."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from mesh.resources.checks.branch import url_address
from mesh.resources.core.service import ServicePort
from mesh.resources.meshmall.branch import SERVICE_LABEL, Branch, BranchSpec, branch_of, entry_keys, store_of
from mesh.resources.values.hosts import service_host
from mesh.resources.values.meta import ref_of
from mesh.routing.branches.changes import Change, changes_by_service, effective_faults, own_ports
from mesh.routing.destinations.directory import Directory, MeshService, target
from mesh.routing.destinations.protocol import is_detected, is_http2
from mesh.routing.destinations.views import cluster_name
from mesh.routing.memory import Memory
from mesh.routing.model.cluster import Cluster, Endpoint, Group
from mesh.routing.model.route import Fault
from mesh.routing.model.table import BranchOverride, Entries, Entry
from mesh.routing.virtual_service.fault import fault_of
from mesh.routing.world import MeshPod, World


class Target(NamedTuple):
    """Where a branch's requests for a service's port go: a cluster, or "" with the reason."""

    branch: str
    cluster: str
    refusal: str = ""


class Branches:
    """All branches of a world, by what they change. `groups` are the clusters that Services do not have themselves."""

    def __init__(self, world: World, directory: Directory, declared: Mapping[str, Group], memory: Memory) -> None:
        self._directory = directory
        self._declared = declared
        self._memory = memory
        self.all = tuple(sorted(world.branches, key=lambda branch: (branch.metadata.name, branch.metadata.namespace)))
        self.namespaces = frozenset(branch.metadata.namespace for branch in self.all)
        self.groups: dict[str, Group] = {}
        self._changes = changes_by_service(self.all, memory)
        self._pods: dict[tuple[str, str, str], list[MeshPod]] = defaultdict(list)
        for pod in world.pods if self.all else ():
            if branch := branch_of(pod.labels):
                self._pods[pod.namespace, branch, pod.labels.get(SERVICE_LABEL, "")].append(pod)
        self._fallbacks: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._targets = dict(self._all_targets())
        # By host: each branch that has a fault there, in the order of the branches.
        self._faults = _faults_by_host(self.all)
        self._overrides: dict[tuple[str, int, tuple[str, ...]], tuple[BranchOverride, ...]] = {}

    def _all_targets(self) -> Iterator[tuple[tuple[str, int], tuple[Target, ...]]]:
        """By the host and port of each service that some branch changes."""
        for (namespace, service), changes in self._changes.items():
            host = service_host(service, namespace)
            baseline = self._directory.service(host)
            for port in baseline.spec.ports if baseline is not None else own_ports(changes):
                yield (host, port.port), tuple(self._targets_of(service, host, baseline, port, changes))

    def _targets_of(
        self, service: str, host: str, baseline: MeshService | None, port: ServicePort, changes: Sequence[Change]
    ) -> Iterator[Target]:
        # Most of many branches choose the same few versions: where those go is worked out once.
        versions: dict[str, str] = {}
        for change in changes:
            version = change.change.version
            cluster = versions.get(version)
            if cluster is not None:
                yield Target(change.entered.metadata.name, cluster)
                continue
            target = self._target(change, service, host, baseline, port)
            if target is not None:
                yield target
                if version and target.cluster:
                    versions[version] = target.cluster

    def _target(
        self, change: Change, service: str, host: str, baseline: MeshService | None, port: ServicePort
    ) -> Target | None:
        """None: the baseline answers."""
        name = _cluster_of(change, host, port, self._declared)
        group = self._declared.get(name) or self.groups.get(name)
        if group is None:
            group = self.groups[name] = self._group(name, change, service, host, baseline, port)
        branch = change.entered
        if group[1] and (not change.change.url or change.is_ready):
            return Target(branch.metadata.name, name)
        if branch.spec.fallback == "baseline":
            self._fallbacks[branch.metadata.namespace, branch.metadata.name].add(service)
            return None
        return Target(branch.metadata.name, "", _refusal(change, service))

    def _group(
        self, name: str, change: Change, service: str, host: str, baseline: MeshService | None, port: ServicePort
    ) -> Group:
        """The cluster of a change, which has the policies of the baseline's."""
        declared = self._declared.get(cluster_name(port.port, "", host))
        if declared is None:
            cluster = Cluster(name, http2=is_http2(port), detected=is_detected(port), origins=(ref_of(change.owner),))
        else:
            cluster = replace(declared[0], name=name, origins=(*declared[0].origins, ref_of(change.owner)))
        return cluster, self._endpoints(change, service, baseline, port)

    def _endpoints(
        self, change: Change, service: str, baseline: MeshService | None, port: ServicePort
    ) -> tuple[Endpoint, ...]:
        if change.change.url:
            return (Endpoint(*url_address(change.change.url), ""),)
        if change.change.version:
            labels = {"version": change.change.version}
            return self._directory.endpoints(baseline, port, labels) if baseline is not None else ()
        owner = change.owner
        pods = self._pods.get((owner.metadata.namespace, owner.metadata.name, store_of(owner, service)), ())
        endpoints = [
            Endpoint(pod.ip, number, f"{pod.namespace}/{pod.name}")
            for pod in pods
            if pod.ready
            for number in target(port, pod)
        ]
        return tuple(sorted(endpoints, key=lambda endpoint: (endpoint.pod, endpoint.port)))

    def overrides(self, host: str, port: int, clusters: Sequence[str]) -> tuple[BranchOverride, ...]:
        """What branches do at a Service's own host, whose rows go to these clusters: all of them are replaced."""
        targets, faults = self._targets.get((host, port), ()), self._faults.get(host, ())
        key = (host, port, tuple(clusters))
        if (targets or faults) and key not in self._overrides:
            place = ("overrides", *key)

            def build() -> tuple[BranchOverride, ...]:
                swapped = _overrides(targets, clusters, self._memory.last(place) or ())
                by_cluster = {branch: [(name, fault) for name in clusters] for branch, fault in faults}
                return _with_faults(swapped, by_cluster) if by_cluster else swapped

            self._overrides[key] = self._memory.keep(place, (targets, faults), build)
        return self._overrides.get(key, ())

    def overrides_by_destination(self, clusters: Iterable[str]) -> tuple[BranchOverride, ...]:
        """What branches do at any other host: only what goes to a service that they change goes elsewhere."""
        swaps: dict[str, list[tuple[str, str]]] = defaultdict(list)
        refusals: dict[str, str] = {}
        faults: dict[str, list[tuple[str, Fault]]] = defaultdict(list)
        for name in clusters:
            kind, _, rest = name.partition("|")
            number, _, subset_and_host = rest.partition("|")
            if kind == "outbound":
                host = subset_and_host.rpartition("|")[2]
                for target in self._targets.get((host, int(number)), ()):
                    swaps[target.branch].append((name, target.cluster))
                    if target.refusal:
                        refusals.setdefault(target.branch, target.refusal)
                for branch, fault in self._faults.get(host, ()):
                    faults[branch].append((name, fault))
        swapped = tuple(
            BranchOverride(branch, tuple(swap), refusals.get(branch, "")) for branch, swap in sorted(swaps.items())
        )
        return _with_faults(swapped, faults) if faults else swapped

    def clusters_of(self, branch: str) -> Mapping[tuple[str, int], str]:
        """Where a branch's own connections go, by host and port of what it changes; "" where that is not ready."""
        return self._by_branch.get(branch, {})

    @cached_property
    def _by_branch(self) -> Mapping[str, Mapping[tuple[str, int], str]]:
        clusters: dict[str, dict[tuple[str, int], str]] = defaultdict(dict)
        for place, targets in self._targets.items():
            for branch, cluster, _ in targets:
                clusters[branch][place] = cluster
        return clusters

    def own_hosts(self) -> Iterator[tuple[str, str, ServicePort]]:
        """The services that only branches have: namespace, name and each port."""
        for (namespace, service), changes in self._changes.items():
            if self._directory.service(service_host(service, namespace)) is None:
                for port in own_ports(changes):
                    yield namespace, service, port

    def own_overrides(self, host: str, port: int) -> tuple[BranchOverride, ...]:
        """What branches do at a host that only they have."""
        swapped = tuple(
            BranchOverride(target.branch, (("", target.cluster),), target.refusal)
            for target in self._targets.get((host, port), ())
        )
        faults = {branch: [("", fault)] for branch, fault in self._faults.get(host, ())}
        # A branch without this service cannot call it, and needs no fault.
        return _with_faults(swapped, {override.branch: faults.get(override.branch, []) for override in swapped})

    def entries(self) -> Entries:
        """Every way into every branch, with the services of each that fall back to the baseline."""
        # One memory for all branches: asking for each of thousands would take longer than making their entries.
        last: _Remembered = self._memory.last("entries") or {}
        remembered: _Remembered = {}
        entries: list[Entry] = []
        for branch in self.all:
            meta = branch.metadata
            fallbacks = self._fallbacks.get((meta.namespace, meta.name)) if self._fallbacks else None
            label = f"{meta.name}; fallback={','.join(sorted(fallbacks))}" if fallbacks else meta.name
            if branch.status.color is not None:
                label = f"{label}\t{branch.status.color}"
            key = (meta.namespace, meta.name)
            kept = last.get(key)
            if kept is None or kept[0] is not branch.spec or kept[1] != label:
                kept = (branch.spec, label, _entries(branch, label))
            remembered[key] = kept
            entries += kept[2]
        self._memory.keep("entries", object(), lambda: remembered)
        return self._memory.keep("all entries", entries, lambda: Entries(tuple(entries)))


# By namespace and name: a branch's spec and label, and the ways that they make.
_Remembered = dict[tuple[str, str], tuple[BranchSpec, str, tuple[Entry, ...]]]


def _overrides(
    targets: Sequence[Target], clusters: Sequence[str], last: Sequence[BranchOverride]
) -> tuple[BranchOverride, ...]:
    """All clusters of a host swapped for each branch's. Overrides equal to the last ones are the same objects, and
    equal swaps are shared: with 1,000 branches comparing and encoding them would cost more than making them."""
    last_by_branch = {override.branch: override for override in last}
    swaps: dict[str, tuple[tuple[str, str], ...]] = {}
    overrides = []
    for branch, cluster, refusal in targets:
        swap = swaps.get(cluster)
        if swap is None:
            swap = swaps[cluster] = tuple((name, cluster) for name in clusters)
        before = last_by_branch.get(branch)
        if before is None or before.swap != swap or before.refusal != refusal or before.faults:
            before = BranchOverride(branch, swap, refusal)
        overrides.append(before)
    return tuple(overrides)


def _faults_by_host(branches: Iterable[Branch]) -> Mapping[str, tuple[tuple[str, Fault], ...]]:
    faults: dict[str, list[tuple[str, Fault]]] = defaultdict(list)
    branches = tuple(branches)
    if not any(branch.spec.faults for branch in branches):
        return {}
    by_name = {(branch.metadata.namespace, branch.metadata.name): branch for branch in branches}
    for branch in branches:
        for service, injection in effective_faults(branch, by_name).items():
            fault = fault_of(injection)
            if fault is not None:
                faults[service_host(service, branch.metadata.namespace)].append((branch.metadata.name, fault))
    return {host: tuple(entries) for host, entries in faults.items()}


def _with_faults(
    overrides: Sequence[BranchOverride], faults: Mapping[str, Sequence[tuple[str, Fault]]]
) -> tuple[BranchOverride, ...]:
    """Overrides with the faults of their branches, by cluster, and new ones for branches that only have faults."""
    rest = dict(faults)
    joined = [replace(override, faults=tuple(rest.pop(override.branch, ()))) for override in overrides]
    return (*joined, *(BranchOverride(branch, (), "", tuple(pairs)) for branch, pairs in rest.items()))


def _entries(branch: Branch, label: str) -> tuple[Entry, ...]:
    return tuple(Entry(key, branch.metadata.name, label) for key in entry_keys(branch))


def _refusal(change: Change, service: str) -> str:
    """A problem document (RFC 9457), as the services themselves answer."""
    entered, owner = change.entered.metadata.name, change.owner.metadata.name
    whose = f" (of the included branch {owner})" if owner != entered else ""
    detail = f"branch {entered}: its {change.change.kind} of service {service}{whose} is not ready"
    return (
        '{"type":"about:blank","title":"Service Unavailable","status":503,'
        f'"detail":"{detail}","branch":"{entered}","service":"{service}"}}\n'
    )


def _cluster_of(change: Change, host: str, port: ServicePort, declared: Mapping[str, Group]) -> str:
    """The name of a change's cluster: the subset's where a DestinationRule declares the version."""
    if change.change.url:
        address, number = url_address(change.change.url)
        return f"url|{address}:{number}"
    if version := change.change.version:
        subset = cluster_name(port.port, version, host)
        return subset if subset in declared else f"version|{version}|{port.port}|{host}"
    return f"branch|{change.owner.metadata.name}|{port.port}|{host}"
