"""Which pods a policy is for, and how its texts are compared: the same for every policy of Istio's security API."""

from collections.abc import Mapping, Sequence

from mesh.resources.istio.authorization_policy import AuthorizationPolicy
from mesh.resources.istio.ingress_gateway import ROOT_NAMESPACE
from mesh.resources.istio.request_authentication import RequestAuthentication


def is_for(
    policy: AuthorizationPolicy | RequestAuthentication, namespace: str, pods: Sequence[Mapping[str, str]]
) -> bool:
    """Whether a policy is for a destination in a namespace, one of whose pods has labels that it selects.

    Policies of Istio's root namespace are for all namespaces; without a selector they are for all pods. One that is for
    a waypoint or a Gateway (`targetRefs`) is for no pod.
    """
    if policy.spec.target_ref or policy.spec.target_refs:
        return False
    if policy.metadata.namespace not in (namespace, ROOT_NAMESPACE):
        return False
    selector = policy.spec.selector.match_labels if policy.spec.selector is not None else {}
    return not selector or any(selector.items() <= labels.items() for labels in pods)


def fits(value: str, text: str) -> bool:
    """Istio's comparison: exact, `prefix*`, `*suffix`, or `*` for whatever is not empty."""
    if value == "*":
        return bool(text)
    if value.endswith("*"):
        return text.startswith(value[:-1])
    return text.endswith(value[1:]) if value.startswith("*") else text == value
