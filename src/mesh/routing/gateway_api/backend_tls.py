"""BackendTLSPolicies: which one holds for a Service's port, and what is wrong with the others. Pure.

Of several for one target the oldest holds (GEP-713, "Conflict Resolution"); one that names a port comes before one for
the whole Service. Requests to a Service whose policy cannot be used are answered with 503: sending them in the clear,
or to whomever, is what the policy was written against.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from mesh.resources.core.service import Service
from mesh.resources.gateway_api.backend_tls_policy import SYSTEM, BackendTLSPolicy
from mesh.resources.values.ref import SERVICE
from mesh.routing.gateway_api.references import Problem, References
from mesh.routing.model.cluster import TlsOrigination
from mesh.routing.world import World

PolicyKey = tuple[str, str]
Target = tuple[str, str, str]


class PolicyState(NamedTuple):
    """What is wrong with a policy, and what it makes gateways speak; None where they must not call at all."""

    not_accepted: Problem | None
    unresolved: Problem | None
    tls: TlsOrigination | None


class BackendTls:
    """The policies of one world."""

    def __init__(self, world: World, references: References) -> None:
        self._policies = world.tls_policies
        self._references = references

    def of_port(self, service: Service, number: int) -> PolicyState | None:
        """The policy for a Service's port; None where there is none, and gateways speak in the clear."""
        if not self._policies:
            return None
        meta = service.metadata
        names = (port.name for port in service.spec.ports if port.port == number)
        targets = ((meta.namespace, meta.name, name) for name in (*names, ""))
        policy = next((self._by_target[target] for target in targets if target in self._by_target), None)
        return self.state(policy) if policy is not None else None

    def state(self, policy: BackendTLSPolicy) -> PolicyState:
        """What becomes of a policy."""
        return self._states[_key(policy)]

    @cached_property
    def _by_target(self) -> Mapping[Target, BackendTLSPolicy]:
        targets: dict[Target, BackendTLSPolicy] = {}
        # They come oldest first.
        for policy in self._policies:
            for target in _targets(policy):
                targets.setdefault(target, policy)
        return targets

    @cached_property
    def _states(self) -> Mapping[PolicyKey, PolicyState]:
        return {_key(policy): self._state(policy) for policy in self._policies}

    def _state(self, policy: BackendTLSPolicy) -> PolicyState:
        validation = policy.spec.validation
        authorities: list[str] = []
        unresolved: Problem | None = None
        for number, ref in enumerate(validation.ca_certificate_refs):
            namespace = policy.metadata.namespace
            authority, problem = self._references.authority("BackendTLSPolicy", namespace, ref, "InvalidKind")
            if problem is None:
                authorities.append(authority)
            elif unresolved is None:
                path = f"spec.validation.caCertificateRefs[{number}]"
                unresolved = Problem(problem.reason, f"{path}: {problem.message}")
        trusted = bool(authorities) or validation.well_known_ca_certificates == SYSTEM
        not_accepted = self._conflict(policy)
        if not_accepted is None and not trusted:
            known = validation.well_known_ca_certificates
            message = f'wellKnownCACertificates "{known}" is not known; use {SYSTEM}' if known else "nobody is trusted"
            not_accepted = Problem("NoValidCACertificate", message)
        if not trusted:
            return PolicyState(not_accepted, unresolved, None)
        names = tuple(name.value for name in validation.subject_alt_names) or (validation.hostname,)
        tls = TlsOrigination(sni=validation.hostname, authority="\n".join(authorities), names=names)
        return PolicyState(not_accepted, unresolved, tls)

    def _conflict(self, policy: BackendTLSPolicy) -> Problem | None:
        for target in _targets(policy):
            other = self._by_target[target]
            if _key(other) != _key(policy):
                port = f", port {target[2]}" if target[2] else ""
                message = f"BackendTLSPolicy {other.metadata.name} is older and is for Service {target[1]}{port}, too"
                return Problem("Conflicted", message)
        return None


def _targets(policy: BackendTLSPolicy) -> list[Target]:
    namespace = policy.metadata.namespace
    return [
        (namespace, target.name, target.section_name)
        for target in policy.spec.target_refs
        if (target.group, target.kind) == SERVICE
    ]


def _key(policy: BackendTLSPolicy) -> PolicyKey:
    return policy.metadata.namespace, policy.metadata.name
