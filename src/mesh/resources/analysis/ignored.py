"""Rules that a cluster stores and that this mesh does not carry out: stored here as well, each with one warning line.

A field without effect is never a reason to reject a manifest. Where a part of a rule could only be carried out for too
many requests or pods, the whole rule is left out of routing, which the line says.
"""

from collections.abc import Iterator

from mesh.resources.istio.authorization_policy import AuthorizationPolicy
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.istio.sidecar import Sidecar
from mesh.resources.values.problems import FieldError

Advice = Iterator[FieldError]
TARGETS = "names a waypoint or a Gateway, which are not served here; this rule is stored and not in force"


def advise_authorization_policy(policy: AuthorizationPolicy) -> Advice:
    """Actions that need a provider, and policies for waypoints."""
    if policy.spec.target_ref or policy.spec.target_refs:
        yield FieldError("spec.targetRefs", TARGETS)
    elif policy.spec.action in ("AUDIT", "CUSTOM"):
        message = f"{policy.spec.action} needs a provider, which is not served here; the policy refuses no request"
        yield FieldError("spec.action", message)


def advise_request_authentication(authentication: RequestAuthentication) -> Advice:
    """Rules for waypoints."""
    if authentication.spec.target_ref or authentication.spec.target_refs:
        yield FieldError("spec.targetRefs", TARGETS)


def advise_sidecar(sidecar: Sidecar) -> Advice:
    """A Sidecar for some pods of a namespace: here all of them see the same hosts."""
    if sidecar.is_for_some_pods:
        message = "all pods of a namespace see the same hosts here; a Sidecar for some is stored and not in force"
        yield FieldError("spec.workloadSelector", message)


def advise_service_entry(entry: ServiceEntry) -> Advice:
    """Ports whose traffic nobody carries."""
    for number, port in enumerate(entry.spec.ports):
        if port.protocol.upper() == "UDP":
            yield FieldError(f"spec.ports[{number}].protocol", "UDP is stored, but this mesh carries only TCP")
