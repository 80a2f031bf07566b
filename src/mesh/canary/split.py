"""Which rules send requests to a service, and how they look when a version gets a share of them. Pure."""

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mesh.canary.record import Touched, record_name
from mesh.resources.values.body import Body
from mesh.resources.values.hosts import aliases

ISTIO = "networking.istio.io"
MESH = "mesh"


class CannotSplit(Exception):
    """The rules do not allow a canary. `remedy` says what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Service:
    """The service, and what rules there are. `versions` are the values of its pods' label `version`.

    The rules are those of all namespaces; `routes` are HTTPRoutes and GRPCRoutes.
    """

    namespace: str
    name: str
    versions: frozenset[str]
    virtual_services: Sequence[Body]
    destination_rules: Sequence[Body]
    routes: Sequence[Body] = ()

    def is_meant(self, host: str, namespace: str) -> bool:
        """Whether a rule of a namespace means this service by a host."""
        return host in aliases(self.name, self.namespace, namespace)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a canary changes. `subset` is the new version's, `label` its pods' label `version`.

    `fields` are the changed objects without a share yet; `replaced` is the subset that a destination without one
    stands for, "" where every destination names a subset.
    """

    service: Service
    subset: str
    label: str
    replaced: str
    subsets: Touched | None
    rules: tuple[Touched, ...]

    def at(self, weight: int) -> tuple[Touched, ...]:
        """The objects as they are when the version gets `weight` percent; the order in which to write them."""
        rules = tuple(
            msgspec.structs.replace(rule, written=split(self._base(rule), self, rule.namespace, weight))
            for rule in self.rules
        )
        # Subsets first: a destination that names a subset that is not there yet answers 503.
        return (self.subsets, *rules) if self.subsets is not None else rules

    def _base(self, rule: Touched) -> Any:
        return [{"route": [{"destination": {"host": self.service.name}}]}] if rule.created else rule.original


def plan(service: Service, version: str, replaced: str = "") -> Plan:
    """What has to change for `version` (a subset, or the pods' label) to get a share. Raises CannotSplit."""
    name = f"Service {service.namespace}/{service.name}"
    for route in service.routes:
        if _routes_to(route, service):
            metadata = route["metadata"]
            raise CannotSplit(
                f"{route['kind']} {metadata['namespace']}/{metadata['name']}: spec.rules: sends requests to {name}",
                "a canary works on the weights of VirtualServices, which such a route goes past",
            )
    destination = next((body for body in service.destination_rules if _is_of(body, service)), None)
    subsets: list[Body] = (destination["spec"].get("subsets") if destination is not None else None) or []
    by_name = {subset["name"]: (subset.get("labels") or {}).get("version", "") for subset in subsets}
    label = by_name.get(version, version)
    if label not in service.versions:
        known = ", ".join(sorted({*service.versions, *by_name} - {""})) or "none"
        raise CannotSplit(
            f'{name}: "{version}" is not a version that runs (it has {known})',
            "deploy it first, with the label `version` on its pods",
        )
    others = sorted(service.versions - {label, ""})
    if replaced and replaced not in by_name and replaced not in others:
        raise CannotSplit(
            f'{name}: --from "{replaced}" is not another version of it (it has {", ".join(others) or "none"})'
        )
    rules = [_rule(body) for body in service.virtual_services if _has_destination(body, service)]
    covered = any(_is_for_mesh(body) and _names_host(body, service) for body in service.virtual_services)
    if not covered:
        rules.append(_created("VirtualService", service, "http"))
    needs_replaced = not covered or any(_has_plain(body, service) for body in service.virtual_services)
    if needs_replaced and not replaced:
        if len(others) != 1:
            raise CannotSplit(
                f"{name}: {'several versions answer' if others else 'no other version answers'} now"
                f" ({', '.join(others) or 'none'})",
                "say which one is replaced: --from VERSION" if others else "a canary needs a version to compare with",
            )
        replaced = next((subset for subset, own in by_name.items() if own == others[0]), others[0])
    missing = [
        {"name": subset, "labels": {"version": subset}}
        for subset in dict.fromkeys((version, replaced if needs_replaced else version))
        if subset not in by_name
    ]
    touched: Touched | None = None
    if missing:
        written = [*copy.deepcopy(subsets), *missing]
        if destination is None:
            touched = _created("DestinationRule", service, "subsets", written)
        else:
            metadata = destination["metadata"]
            original = destination["spec"].get("subsets")
            touched = Touched(
                ISTIO, "DestinationRule", metadata["namespace"], metadata["name"], "subsets", original, written
            )
    return Plan(service, version, label, replaced, touched, tuple(rules))


def split(http: Sequence[Body], plan: Plan, namespace: str, weight: int) -> list[Body]:
    """A VirtualService's routes, with `weight` percent of what goes to the service going to the version."""
    rows = copy.deepcopy(list(http))
    for row in rows:
        destinations: list[Body] = row.get("route") or []
        if any(plan.service.is_meant(part["destination"]["host"], namespace) for part in destinations):
            row["route"] = _shared(destinations, plan, namespace, weight)
    return rows


def _shared(destinations: Sequence[Body], plan: Plan, namespace: str, weight: int) -> list[Body]:
    single = len(destinations) == 1
    parts: list[tuple[Body, int]] = []
    given: Body | None = None
    share = 0
    for part in destinations:
        # Without weights Istio takes one destination for all requests, and several of 0 for none.
        own = part.get("weight", 100 if single else 0)
        if not plan.service.is_meant(part["destination"]["host"], namespace):
            parts.append((part, own * 100))
            continue
        share += own * weight
        if part["destination"].get("subset") == plan.subset:
            given = part
            share += own * (100 - weight)
            continue
        target = {**part["destination"], "subset": part["destination"].get("subset") or plan.replaced}
        parts.append(({**part, "destination": target}, own * (100 - weight)))
        given = given or {**part, "destination": {**part["destination"], "subset": plan.subset}}
    if given is not None:
        parts.append((given, share))
    counted = [(part, number) for part, number in parts if number]
    divisor = math.gcd(*(number for _, number in counted)) or 1
    total = sum(number for _, number in counted)
    if total % 100 == 0 and all(number * 100 % total == 0 for _, number in counted):
        # Percent, wherever the shares are whole ones: that is how people read weights.
        return [{**part, "weight": number * 100 // total} for part, number in counted]
    return [{**part, "weight": number // divisor} for part, number in counted]


def _rule(body: Body) -> Touched:
    metadata = body["metadata"]
    return Touched(ISTIO, "VirtualService", metadata["namespace"], metadata["name"], "http", body["spec"]["http"])


def _created(kind: str, service: Service, field: str, written: Any = None) -> Touched:
    return Touched(ISTIO, kind, service.namespace, record_name(service.name), field, None, written, created=True)


def creation(touched: Touched, service: Service) -> Body:
    """The object that a canary creates."""
    host = {"hosts": [service.name]} if touched.kind == "VirtualService" else {"host": service.name}
    return {
        "apiVersion": f"{ISTIO}/v1",
        "kind": touched.kind,
        "metadata": {"name": touched.name, "namespace": touched.namespace},
        "spec": {**host, touched.field: touched.written},
    }


def _destinations(body: Body) -> Iterable[Body]:
    for row in body["spec"].get("http") or ():
        for part in row.get("route") or ():
            yield part["destination"]


def _has_destination(body: Body, service: Service) -> bool:
    namespace = body["metadata"]["namespace"]
    return any(service.is_meant(destination["host"], namespace) for destination in _destinations(body))


def _has_plain(body: Body, service: Service) -> bool:
    """Whether a rule sends requests to the service as a whole, to whichever version answers."""
    namespace = body["metadata"]["namespace"]
    return any(
        service.is_meant(destination["host"], namespace) and not destination.get("subset")
        for destination in _destinations(body)
    )


def _is_for_mesh(body: Body) -> bool:
    gateways = body["spec"].get("gateways") or [MESH]
    return MESH in gateways


def _names_host(body: Body, service: Service) -> bool:
    namespace = body["metadata"]["namespace"]
    return any(service.is_meant(host, namespace) for host in body["spec"].get("hosts") or ())


def _is_of(body: Body, service: Service) -> bool:
    return service.is_meant(body["spec"].get("host", ""), body["metadata"]["namespace"])


def _routes_to(body: Body, service: Service) -> bool:
    backends = (backend for rule in body["spec"].get("rules") or () for backend in rule.get("backendRefs") or ())
    namespace = body["metadata"]["namespace"]
    return any(
        backend.get("kind", "Service") == "Service"
        and (backend.get("namespace") or namespace, backend["name"]) == (service.namespace, service.name)
        for backend in backends
    )
