"""Writes the statuses of rules, Services and the Gateway API's objects: what became of them at Envoy."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from mesh.control.conditions import has_condition, rule_status
from mesh.reconcile.writing import write_statuses
from mesh.resources.analysis.finding import Finding
from mesh.resources.analysis.references import check_references
from mesh.resources.analysis.rule_references import Secrets
from mesh.resources.core.config import Secret
from mesh.resources.kind_definition import Conditions
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.body import Body
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import INGRESS, Ref
from mesh.routing.gateway_api.status import merged, statuses
from mesh.routing.ingress import served_ingresses
from mesh.routing.world import MeshSettings, World, age
from mesh.store import Store, Stored, timestamp

WITH_CONDITIONS = tuple(
    definition
    for definition in REGISTRY.routing_kinds()
    if definition.conditions in (Conditions.RULE, Conditions.REFUSAL)
)


class StatusWriter:
    """Writes the statuses that differ, all of them in one commit."""

    def __init__(self, store: Store, settings: MeshSettings, on_refusal: Callable[[Stored, str], None]) -> None:
        """`on_refusal` is called once for each rule or Service that Envoy begins to refuse, with the reason."""
        self._store = store
        self._settings = settings
        self._on_refusal = on_refusal

    def write(self, world: World, refusals: Mapping[Ref, str], findings: Iterable[Finding]) -> None:
        """`refusals` says why Envoy does not have objects as they stand; `findings` are further ones about rules.

        Raises StoreError when the file cannot be written; no status has changed then.
        """
        rules = list(self._rules(refusals, findings))
        desired = {**dict(rules), **dict(self._gateway_api(world, refusals))}
        # After the others: of an Ingress that Envoy refuses, the condition is there by now.
        desired |= dict(self._ingresses(world, desired))
        changed = {stored.ref for stored in write_statuses(self._store, desired.items())}
        for ref, _ in rules:
            if ref in changed and ref in refusals and (stored := self._store.get(ref)) is not None:
                self._on_refusal(stored, refusals[ref])

    def _rules(self, refusals: Mapping[Ref, str], findings: Iterable[Finding]) -> Iterator[tuple[Ref, Body]]:
        by_ref = self._findings(findings)
        now = timestamp()
        for definition in WITH_CONDITIONS:
            # A Service says nothing about Envoy until Envoy refuses it: most never carry the condition.
            is_rule = definition.conditions is Conditions.RULE
            for stored in self._store.list(definition.group, definition.kind):
                refusal = refusals.get(stored.ref)
                if is_rule or refusal is not None or has_condition(stored.body):
                    own = by_ref.get(stored.ref, []) if is_rule else None
                    yield stored.ref, rule_status(stored.body, refusal, now, own)

    def _gateway_api(self, world: World, refusals: Mapping[Ref, str]) -> Iterator[tuple[Ref, Body]]:
        now = timestamp()
        for ref, desired in statuses(world, self._settings, refusals):
            if (stored := self._store.get(ref)) is not None:
                yield ref, merged(stored.body.get("status"), desired, now)

    def _ingresses(self, world: World, others: Mapping[Ref, Body]) -> Iterator[tuple[Ref, Body]]:
        """The gateway's address of the Ingresses that it serves, which clients and Helm wait for."""
        served = {ref_of(ingress) for ingress in served_ingresses(world.ingresses, world.ingress_classes)}
        for stored in self._store.list(*INGRESS):
            status = others.get(stored.ref, stored.body.get("status") or {})
            numbers = (80, 443) if stored.body["spec"].get("tls") else (80,)
            ports = [{"port": self._settings.ports.get(number, number), "protocol": "TCP"} for number in numbers]
            places = [{"ip": self._settings.gateway_address, "ports": ports}] if stored.ref in served else []
            if places or "loadBalancer" in status:
                yield stored.ref, {**status, "loadBalancer": {"ingress": places} if places else {}}

    def _findings(self, others: Iterable[Finding]) -> Mapping[Ref, list[Finding]]:
        """What rules refer to that does not exist, and what they dispute, by the object that it is about."""
        typed = [typed for definition in WITH_CONDITIONS for typed in self._store.of(definition.type)]
        secrets = Secrets.of(self._store.of(Secret))
        by_ref: defaultdict[Ref, list[Finding]] = defaultdict(list)
        for finding in [*others, *check_references(sorted(typed, key=age), secrets)]:
            if finding.error.ref is not None:
                by_ref[finding.error.ref].append(finding)
        return by_ref
