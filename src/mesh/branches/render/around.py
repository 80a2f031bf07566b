"""What branches are rendered from: the baseline as it is now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from mesh.branches.status import Branches
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.meshmall.branch import BRANCH_LABEL, PREVIEW_DOMAIN
from mesh.resources.values.body import Body


@dataclass(frozen=True, slots=True)
class Rule:
    """A VirtualService of the team, decoded and as it was written."""

    typed: VirtualService
    body: Body

    @property
    def namespace(self) -> str:
        """Where it is stored: short hosts are names of this namespace."""
        return self.typed.metadata.namespace

    @property
    def gateways(self) -> list[str]:
        """The Gateways that it is bound to, as it names them."""
        return [gateway for gateway in self.typed.spec.gateways if gateway != "mesh"]

    @property
    def is_in_mesh(self) -> bool:
        """Whether it also routes the calls between services."""
        return not self.typed.spec.gateways or "mesh" in self.typed.spec.gateways


class Around:
    """The baseline's objects. `branches` are all that exist, by namespace and name.

    `callers` are the namespaces whose pods call the services, `gateway_namespace` is the one in which the gateway's
    pods run: the rules are exported to them by name (see `virtual_services`). Preview hosts are
    `<branch>.<preview_domain>`. `claims` are the specs of the namespace's claims by name.
    """

    def __init__(
        self,
        branches: Branches,
        services: Iterable[Service],
        deployments: Sequence[Deployment],
        rules: Iterable[Body],
        destination_rules: Sequence[DestinationRule] = (),
        *,
        callers: Iterable[str] = (),
        gateway_namespace: str = "istio-system",
        preview_domain: str = PREVIEW_DOMAIN,
        stateful_sets: Sequence[StatefulSet] = (),
        claims: Mapping[str, Body] = MappingProxyType({}),
    ) -> None:
        self.branches = branches
        self.services = {(service.metadata.namespace, service.metadata.name): service for service in services}
        self.deployments = [d for d in deployments if BRANCH_LABEL not in d.metadata.labels]
        pairs = (Rule(msgspec.convert(body, VirtualService), body) for body in rules)
        # By age, as Istio looks at them: of several for one host inside the mesh the oldest counts.
        self.rules = sorted(pairs, key=_age)
        self.destination_rules = destination_rules
        self.stateful_sets = [s for s in stateful_sets if BRANCH_LABEL not in s.metadata.labels]
        self.claims = claims
        self.callers = frozenset(callers)
        self.gateway_namespace = gateway_namespace
        self.preview_domain = preview_domain

    def preview_host(self, branch: str) -> str:
        """The host by which a browser enters a branch."""
        return f"{branch}.{self.preview_domain}"


def _age(rule: Rule) -> tuple[str, str, str]:
    meta = rule.typed.metadata
    return meta.creation_timestamp or "", meta.name, meta.namespace
